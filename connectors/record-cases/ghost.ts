import GhostAdminAPI from '@tryghost/admin-api'
import { recordCase } from './record-case.ts'

const post = {
  id: '5ddc9141c35e7700383b2937',
  title: 'Engine',
  slug: 'engine',
  status: 'draft',
  lexical: '{}',
  custom_excerpt: null,
  feature_image: null,
  featured: false,
  visibility: 'public',
  published_at: null,
  url: 'https://blog.example/p/1/',
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-02T00:00:00.000Z',
}

const member = {
  id: '623199bfe8bc4d3097caefe0',
  email: 'ada@example.com',
  name: 'Ada',
  note: null,
  status: 'free',
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-02T00:00:00.000Z',
}

const KEY = `5a1b2c3d4e5f6a7b8c9d0e1f:${'ab'.repeat(32)}`

const common = {
  connector: 'ghost',
  makeApiClient: {
    slot: 'options.admin-key.makeApiClient',
    credentials: { url: 'https://blog.example', adminApiKey: KEY },
  },
  client: (origin: string) => new GhostAdminAPI({ url: origin, key: KEY, version: 'v6.0' }),
}

const meta = (next: number | null) => ({ pagination: { page: 2, limit: 100, pages: 3, total: 201, next, prev: 1 } })

export const GHOST = [
  recordCase({
    ...common,
    collection: 'posts',
    whole: { posts: [post] },
    steps: [
      {
        method: 'list',
        given: { cursor: '2' },
        vendor: (ghost) => ghost.posts.browse({ limit: 100, page: 2, order: 'created_at asc' }),
        answer: { posts: [post], meta: meta(3) },
        gives: { records: [{ id: post.id, name: 'Engine', createdTime: post.created_at }], cursor: '3' },
      },
      {
        method: 'findById',
        given: { id: post.id },
        vendor: (ghost) => ghost.posts.read({ id: post.id }),
        answer: { posts: [post] },
        gives: { record: { id: post.id } },
      },
      {
        method: 'create',
        given: { fields: { title: 'Engine', status: 'draft' } },
        vendor: (ghost) => ghost.posts.add({ title: 'Engine', status: 'draft' }),
        answer: { posts: [post] },
        gives: { id: post.id },
      },
      {
        method: 'update',
        given: { id: post.id, fields: { title: 'Pump' } },
        vendor: (ghost) => ghost.posts.edit({ id: post.id, title: 'Pump', updated_at: post.updated_at }),
        answer: { posts: [post] },
        gives: { id: post.id },
      },
      {
        method: 'delete',
        given: { id: post.id },
        vendor: (ghost) => ghost.posts.delete({ id: post.id }),
        answer: {},
        gives: {},
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'members',
    whole: { members: [member] },
    steps: [
      {
        method: 'list',
        given: {},
        vendor: (ghost) => ghost.members.browse({ limit: 100, page: 1, order: 'created_at asc' }),
        answer: { members: [member], meta: meta(null) },
        gives: { records: [{ id: member.id, name: 'Ada' }] },
      },
      {
        method: 'match',
        given: { query: { email: "o'hara@example.com" } },
        vendor: (ghost) => ghost.members.browse({ filter: String.raw`email:'o\'hara@example.com'`, limit: 1 }),
        answer: { members: [member], meta: meta(null) },
        gives: { record: { id: member.id } },
      },
      {
        method: 'findById',
        given: { id: member.id },
        vendor: (ghost) => ghost.members.read({ id: member.id }),
        answer: { members: [member] },
        gives: { record: { id: member.id } },
      },
      {
        method: 'create',
        given: { fields: { email: 'ada@example.com' } },
        vendor: (ghost) => ghost.members.add({ email: 'ada@example.com' }),
        answer: { members: [member] },
        gives: { id: member.id },
      },
      {
        method: 'update',
        given: { id: member.id, fields: { note: 'Countess' } },
        vendor: (ghost) => ghost.members.edit({ id: member.id, note: 'Countess' }),
        answer: { members: [member] },
        gives: { id: member.id },
      },
      {
        method: 'delete',
        given: { id: member.id },
        vendor: (ghost) => ghost.members.delete({ id: member.id }),
        answer: {},
        gives: {},
      },
    ],
  }),
]
