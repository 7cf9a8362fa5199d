import { createDirectus, createItem, deleteItem, readItem, readItems, rest, updateItem } from '@directus/sdk'
import { recordCase } from './record-case.ts'

interface Article {
  id: number
  title: string
  date_created: string
  date_updated: string | null
}

const article: Article = {
  id: 4,
  title: 'Engine',
  date_created: '2026-01-01T00:00:00Z',
  date_updated: '2026-01-02T00:00:00Z',
}

export const DIRECTUS = [
  recordCase({
    connector: 'directus',
    makeApiClient: {
      slot: 'options.url.makeApiClient',
      credentials: { url: 'https://directus.example', token: 't' },
    },
    client: (origin: string) => createDirectus<{ articles: Article[] }>(origin).with(rest()),
    collection: 'items',
    parameters: { collection: 'articles' },
    whole: { data: article },
    steps: [
      {
        method: 'list',
        given: { cursor: '2' },
        vendor: (directus) => directus.request(readItems('articles', { limit: 100, page: 2 })),
        answer: { data: [article] },
        gives: { records: [{ id: '4', name: 'Engine', updatedTime: '2026-01-02T00:00:00Z' }] },
      },
      {
        method: 'search',
        given: { query: 'eng' },
        vendor: (directus) => directus.request(readItems('articles', { search: 'eng', limit: 100, page: 1 })),
        answer: { data: [article] },
        gives: { records: [{ id: '4' }] },
      },
      {
        method: 'findById',
        given: { id: '4' },
        vendor: (directus) => directus.request(readItem('articles', '4')),
        answer: { data: article },
        gives: { record: { id: '4', fields: { title: 'Engine' } } },
      },
      {
        method: 'create',
        given: { fields: { title: 'Engine' } },
        vendor: (directus) => directus.request(createItem('articles', { title: 'Engine' })),
        answer: { data: article },
        gives: { id: '4' },
      },
      {
        method: 'update',
        given: { id: '4', fields: { title: 'Pump' } },
        vendor: (directus) => directus.request(updateItem('articles', '4', { title: 'Pump' })),
        answer: { data: article },
        gives: { id: '4' },
      },
      {
        method: 'delete',
        given: { id: '4' },
        vendor: (directus) => directus.request(deleteItem('articles', '4')),
        answer: {},
        gives: {},
      },
    ],
  }),
]
