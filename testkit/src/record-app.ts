import type { ServerResponse } from 'node:http'
import { answering, type Received, type Receiver, startReceiver } from './receiver.ts'

type Fields = Record<string, unknown>

/** A real small app with records: lists page by page, filters, searches, finds, creates, changes, deletes, tells by webhook. */
export interface RecordApp extends AsyncDisposable {
  url: string
  /** By collection, then by id, in the order in which they were made. */
  records: Map<string, Map<string, Fields>>
  /** Done by hand in the app; webhooks are told of it. */
  create(collection: string, fields: Fields): Promise<string>
  change(collection: string, id: string, fields: Fields): Promise<void>
  remove(collection: string, id: string): Promise<void>
  /** Records on one page. */
  pageSize: number
  /** Where webhooks are told of changes: address and topics. */
  hooks: Map<string, { url: string; topics: string[] }>
  /** Has the next requests answered so, one after the other; null lets one through. */
  failNext(...failures: ({ status: number; headers?: Record<string, string> } | null)[]): void
  /** Called before each page of a list is answered. */
  onPage: ((collection: string, page: number) => void | Promise<void>) | null
  received: Receiver['received']
}

/**
 * `GET /<collection>?cursor=&limit=&<field>=`, `/<collection>/search?q=`, `/<collection>/<id>`; `POST`, `PATCH`, `DELETE`;
 * `GET /<collection>/latest?by=createdAt|updatedAt` newest first; `/hooks`; a GraphQL list at `/graphql`. Cursors are
 * places in the list, so that a list that changes while it is read leaves records out or tells them twice.
 */
export async function startRecordApp(): Promise<RecordApp> {
  const receiver = await startReceiver()
  const records = new Map<string, Map<string, Fields>>()
  const hooks: RecordApp['hooks'] = new Map()
  let failures: ({ status: number; headers?: Record<string, string> } | null)[] = []
  let ids = 0
  let ticks = 0
  const now = () => new Date(Date.UTC(2026, 0, 1) + 1000 * ticks++).toISOString()
  const of = (collection: string) => {
    const found = records.get(collection) ?? new Map<string, Fields>()
    records.set(collection, found)
    return found
  }
  const tell = async (topic: string, record: Fields) => {
    for (const { url, topics } of hooks.values())
      if (topics.includes(topic))
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ topic, record }),
        })
  }
  const app: RecordApp = {
    url: receiver.url,
    records,
    hooks,
    pageSize: 100,
    onPage: null,
    received: receiver.received,
    async create(collection, fields) {
      ids += 1
      const id = `${collection[0]}${ids}`
      const at = now()
      of(collection).set(id, { ...fields, id, createdAt: at, updatedAt: at })
      await tell(`${collection}.created`, of(collection).get(id) ?? {})
      return id
    },
    async change(collection, id, fields) {
      of(collection).set(id, { ...of(collection).get(id), ...fields, id, updatedAt: now() })
      await tell(`${collection}.updated`, of(collection).get(id) ?? {})
    },
    async remove(collection, id) {
      of(collection).delete(id)
      await tell(`${collection}.deleted`, { id })
    },
    failNext(...next) {
      failures = next
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  }
  receiver.behave(async (request, response) => {
    const failure = failures.shift() ?? null
    if (failure !== null) {
      return answering(failure.status, { error: 'not now' }, failure.headers)(request, response)
    }
    await answer(app, of, request, response)
  })
  return app
}

async function answer(
  app: RecordApp,
  of: (collection: string) => Map<string, Fields>,
  request: Received,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.path, app.url)
  const [, collection = '', id = ''] = pathname.split('/').map(decodeURIComponent)
  const reply = (status: number, json: unknown = {}) => void answering(status, json)(request, response)
  const given = (request.json ?? {}) as Fields
  if (collection === 'hooks') return answerHook(app, request.method, id, given, reply)
  if (collection === 'graphql') return reply(200, graphql(of, String(given.query)))
  if (collection === 'me') return reply(200, { id: 'me' })
  if (request.method === 'POST') return reply(201, { id: await app.create(collection, given) })
  if (id === 'search') {
    const words = (searchParams.get('q') ?? '').toLowerCase()
    const found = [...of(collection).values()].filter((each) => JSON.stringify(each).toLowerCase().includes(words))
    return reply(200, { items: found })
  }
  if (id === 'latest') {
    const by = searchParams.get('by') ?? 'createdAt'
    const newest = [...of(collection).values()]
      .toReversed()
      .toSorted((a, b) => (String(a[by]) < String(b[by]) ? 1 : -1))
    return reply(200, page(app, newest, searchParams))
  }
  if (id === '') {
    const filters = [...searchParams].filter(([name]) => !['cursor', 'limit'].includes(name))
    const fitting = [...of(collection).values()].filter((each) =>
      filters.every(([name, value]) => String(each[name]) === value),
    )
    await app.onPage?.(collection, Number(searchParams.get('cursor') ?? 0))
    return reply(200, page(app, fitting, searchParams))
  }
  const record = of(collection).get(id)
  if (record === undefined) return reply(404, { error: 'no such record' })
  if (request.method === 'GET') return reply(200, { item: record })
  if (request.method === 'DELETE') {
    await app.remove(collection, id)
    return reply(200)
  }
  await app.change(collection, id, given)
  reply(200, { id })
}

function page(app: RecordApp, items: readonly Fields[], query: URLSearchParams) {
  const from = Number(query.get('cursor') ?? 0)
  const to = from + app.pageSize
  return { items: items.slice(from, to), ...(to < items.length ? { next: String(to) } : {}) }
}

function answerHook(
  app: RecordApp,
  method: string,
  id: string,
  given: Fields,
  reply: (status: number, json?: unknown) => void,
) {
  if (method === 'DELETE') {
    app.hooks.delete(id)
    return reply(200)
  }
  const hook = `h${app.hooks.size + 1}-${Math.floor(app.received.length)}`
  app.hooks.set(hook, { url: String(given.url), topics: given.topics as string[] })
  reply(201, { id: hook })
}

/** As much of GraphQL as `query { <collection>(status: "…") { … } }` needs. */
function graphql(of: (collection: string) => Map<string, Fields>, query: string) {
  const [, collection = '', status] = /^query \{ (\w+)(?:\(status: "([^"]*)"\))?/.exec(query) ?? []
  if (collection === 'broken') return { errors: [{ message: 'there is no field broken' }] }
  const items = [...of(collection).values()].filter((each) => status === undefined || each.status === status)
  return { data: { [collection]: items } }
}

const rest = (method: string, path: string, requestMapping: Fields, responseMapping: unknown) => ({
  type: 'rest-api-mapping' as const,
  mapping: { method, path, requestMapping, responseMapping },
})
const byId = { pathParameters: { id: { $var: '$.id' } } }

/** The collection `tickets` of such an app, as a connector has it: every method, and no word of how changes are found. */
export const ticketCollection = {
  name: 'Tickets',
  parametersSchema: { type: 'object', properties: { queue: { type: 'string' } } },
  fieldsSchema: {
    type: 'object',
    properties: {
      id: { type: 'string', readOnly: true },
      subject: { type: 'string' },
      body: { type: 'string' },
      status: { type: 'string' },
      createdAt: { type: 'string', readOnly: true },
      updatedAt: { type: 'string', readOnly: true },
    },
  },
  methods: {
    list: {
      filterFields: ['status'],
      run: rest(
        'GET',
        '/tickets',
        {
          query: {
            cursor: { $var: '$.cursor' },
            status: { $var: '$.filter.status' },
            queue: { $var: '$.parameters.queue' },
          },
        },
        { records: { $var: '$.response.data.items' }, cursor: { $var: '$.response.data.next' } },
      ),
    },
    findById: { run: rest('GET', '/tickets/{id}', byId, { record: { $var: '$.response.data.item' } }) },
    search: {
      run: rest(
        'GET',
        '/tickets/search',
        { query: { q: { $var: '$.query' } } },
        { records: { $var: '$.response.data.items' } },
      ),
    },
    match: {
      fields: ['subject'],
      run: `export default async ({ apiClient, query }) => {
        const { items } = await apiClient.get('/tickets', query)
        return { record: items[0] ?? null }
      }`,
    },
    create: { run: rest('POST', '/tickets', { data: { $var: '$.fields' } }, { id: { $var: '$.response.data.id' } }) },
    update: {
      excludedFields: ['status'],
      run: rest(
        'PATCH',
        '/tickets/{id}',
        { ...byId, data: { $var: '$.fields' } },
        { id: { $var: '$.response.data.id' } },
      ),
    },
    delete: { run: rest('DELETE', '/tickets/{id}', byId, {}) },
  },
  recordFromFields: {
    type: 'mapping' as const,
    mapping: {
      id: { $var: '$.fields.id' },
      name: { $var: '$.fields.subject' },
      createdTime: { $var: '$.fields.createdAt' },
      updatedTime: { $var: '$.fields.updatedAt' },
    },
  },
}

/** How the data model `tasks` and that collection become each other. */
export const ticketModels = {
  tasks: {
    collectionMappings: [
      {
        key: 'tickets',
        fieldsFromCollection: {
          id: { $var: '$.id' },
          subject: { $var: '$.subject' },
          content: { $var: '$.body' },
          status: { $var: '$.status' },
        },
        fieldsToCollection: {
          subject: { $var: '$.subject' },
          body: { $var: '$.content' },
          status: { $var: '$.status' },
        },
      },
    ],
  },
}

/** The events of that collection by webhook. */
export const ticketWebhooks = Object.fromEntries(
  (['created', 'updated', 'deleted'] as const).map((type) => [
    type,
    {
      implementationType: 'webhook' as const,
      methods: {
        subscribe: {
          run: `export default async ({ apiClient, webhookUri }) => {
            const { id } = await apiClient.post('/hooks', { url: webhookUri, topics: ['tickets.${type}'] })
            return { state: { id } }
          }`,
        },
        handle: {
          run: `export default ({ data }) => ({
            events: [{ type: data.topic.replace('tickets.', ''), record: data.record }],
          })`,
        },
        unsubscribe: { run: 'export default ({ apiClient, state }) => apiClient.delete("/hooks/" + state.id)' },
      },
    },
  ]),
)
