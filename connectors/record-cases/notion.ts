import { Client, type PageObjectResponse, type UserObjectResponse } from '@notionhq/client'
import { recordCase, type Wire } from './record-case.ts'

const user = {
  object: 'user',
  id: 'c2f20311-9e54-4d11-8c79-7398424ae41e',
  name: 'Ada Lovelace',
  type: 'person',
  avatar_url: null,
  person: { email: 'ada@example.com' },
} satisfies Wire<UserObjectResponse>

const page = {
  object: 'page',
  id: '59833787-2cf9-4fdf-8782-e53db20768a5',
  properties: {
    Name: { id: 'title', type: 'title', title: [{ type: 'text', plain_text: 'Engine' }] },
    Done: { id: 'd', type: 'checkbox', checkbox: false },
  },
  url: 'https://www.notion.so/Engine-598337872cf94fdf8782e53db20768a5',
  created_time: '2026-01-01T00:00:00.000Z',
  last_edited_time: '2026-01-02T00:00:00.000Z',
} satisfies Wire<PageObjectResponse>

const common = {
  connector: 'notion',
  makeApiClient: { slot: 'options.token.makeApiClient', credentials: { token: 'ntn_1' } },
  client: (origin: string) => new Client({ auth: 'ntn_1', baseUrl: origin, retry: false }),
}

const DATA_SOURCE = '1a44be12-0953-4631-b498-9e5817518db8'
const title = { title: [{ text: { content: 'Engine' } }] }

export const NOTION = [
  recordCase({
    ...common,
    collection: 'users',
    whole: user,
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: (notion) => notion.users.list({ page_size: 100, start_cursor: 'c1' }),
        answer: { object: 'list', type: 'user', user: {}, results: [user], next_cursor: 'c2', has_more: true },
        gives: { records: [{ id: user.id, name: 'Ada Lovelace' }], cursor: 'c2' },
      },
      {
        method: 'findById',
        given: { id: user.id },
        vendor: (notion) => notion.users.retrieve({ user_id: user.id }),
        answer: user,
        gives: { record: { id: user.id, fields: { person: { email: 'ada@example.com' } } } },
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'pages',
    parameters: { dataSource: DATA_SOURCE },
    whole: page,
    steps: [
      {
        method: 'list',
        given: {},
        vendor: (notion) => notion.dataSources.query({ data_source_id: DATA_SOURCE, page_size: 100 }),
        answer: { object: 'list', type: 'page_or_data_source', results: [page], next_cursor: null, has_more: false },
        gives: { records: [{ id: page.id, name: 'Engine', uri: page.url, updatedTime: page.last_edited_time }] },
      },
      {
        method: 'findById',
        given: { id: page.id },
        vendor: (notion) => notion.pages.retrieve({ page_id: page.id }),
        answer: page,
        gives: { record: { id: page.id } },
      },
      {
        method: 'create',
        given: { fields: { properties: { Name: title } } },
        vendor: (notion) =>
          notion.pages.create({
            parent: { type: 'data_source_id', data_source_id: DATA_SOURCE },
            properties: { Name: title },
          }),
        answer: page,
        gives: { id: page.id },
      },
      {
        method: 'update',
        given: { id: page.id, fields: { properties: { Done: { checkbox: true } } } },
        vendor: (notion) => notion.pages.update({ page_id: page.id, properties: { Done: { checkbox: true } } }),
        answer: page,
        gives: { id: page.id },
      },
      {
        method: 'delete',
        given: { id: page.id },
        vendor: (notion) => notion.pages.update({ page_id: page.id, in_trash: true }),
        answer: page,
        gives: {},
      },
    ],
  }),
]
