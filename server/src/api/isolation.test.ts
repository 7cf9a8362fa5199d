import { contract, type Endpoint, type EndpointTable } from '@permea/contract'
import {
  buildHouse,
  defineEverything,
  type House,
  houseIn,
  liveThrough,
  type Receiver,
  startReceiver,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

// A workspace in which everything has happened, and another that asks for each thing of it, at every endpoint of the
// contract, in every way in which one may prove to be of the other: nothing of it is told, and nothing of it changes.

/** Stands in every value that is the first workspace's. */
const WORD = 'zqxsecretofaqz'
const AT_ONCE = 16
const NOTHING = 'export default () => ({})'

const endpoints = Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
  Object.entries(table).map(([name, endpoint]) => ({ group, name: `${group}.${name}`, endpoint })),
)

let house: House
/** The workspace that is asked for: neither the main one nor the one that asks. */
let owned: House
let app: Receiver
let told: Receiver
/** Ids, on the wire, of what the first workspace has, by the group of the contract. */
const idsOf = new Map<string, string[]>()
/** And by what fields are called that name one of them. */
const named: Record<string, string> = {}
const proofs: Record<string, string> = {}

beforeAll(async () => {
  app = await startReceiver()
  told = await startReceiver()
  for (const each of [app, told])
    each.behave((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: 'hook', echo: request.body }))
    })
  house = await buildHouse({
    clock: 'settable',
    appBaseUri: app.url,
    engine: { tickMs: 100, console: { dir: '/nowhere', adminPassword: null } },
  })
  const { workspaces } = house.admin
  owned = await houseIn(house, await workspaces.create({ body: { name: 'The one that is asked for' } }))
  await owned.admin.workspaces.patch({ params: { id: owned.workspace.key }, body: { appBaseUri: app.url } })
  await defineEverything(owned, { app, told })
  await liveThrough(owned, WORD, told)
  await sessionOf(owned, 'a@example.com')
  await addRest(owned)
  await until('the erasure is completed', 60_000, async () => {
    await house.advance(60_000)
    return (await owned.admin.erasures.list()).items.every(({ status }) => status === 'completed')
  })
  await gather(owned)

  const other = await houseIn(house, await workspaces.create({ body: { name: 'The one that asks' } }))
  proofs.secret = await other.tokenOf({ isAdmin: true })
  proofs.customer = await other.tokenOf({ id: 'of-the-other', name: 'Of the other' })
  proofs.key = (await other.admin.apiKeys.create({ body: { name: 'key', scope: 'owner' } })).key
  proofs.session = await sessionOf(other, 'b@example.com')
  proofs.main = await house.tokenOf({ isAdmin: true })
}, 300_000)

afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await told[Symbol.asyncDispose]()
})

/** The token that the console has for somebody who was invited to the workspace. */
async function sessionOf(of: House, email: string): Promise<string> {
  const { link } = await of.admin.invitations.create({ body: { email, role: 'owner' } })
  const post = (path: string, body: object, cookie = '') =>
    fetch(`${house.url}/console/session${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', cookie },
      body: JSON.stringify(body),
    })
  const opened = await post('', { link: link.split('=').at(-1), name: 'B', password: 'a password of B itself' })
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
  return ((await (await post('/token', {}, cookie)).json()) as { token: string }).token
}

/** Kinds of things that a customer does not come by. */
async function addRest({ admin }: House): Promise<void> {
  await admin.apiKeys.create({ body: { name: WORD, scope: 'reader' } })
  await admin.invitations.create({ body: { email: `${WORD}@example.com`, role: 'reader' } })
  await admin.dataSources.create({ body: { key: 'people', name: WORD } as never })
  await admin.fieldMappings.create({ body: { key: 'people', name: WORD } as never })
  await admin.appDataSchemas.create({ body: { key: 'people', name: WORD } as never })
  await admin.externalEventTypes.create({
    body: { key: 'people', name: WORD, subscribe: NOTHING, handle: NOTHING, unsubscribe: NOTHING } as never,
  })
  const { items: connections } = await admin.connections.list()
  const query = { connectionId: connections[0]?.id, autoCreate: true }
  await admin.dataSourceInstances.get({ query: { ...query, dataSourceKey: 'people' } as never })
  await admin.fieldMappingInstances.get({ query: { ...query, fieldMappingKey: 'people' } as never })
  await admin.appDataSchemaInstances.get({
    query: { appDataSchemaKey: 'people', userId: connections[0]?.userId, autoCreate: true } as never,
  })
  const source = await admin.brokerSources.create({
    body: { key: 'people', name: WORD, appEventTypeId: 'order', url: 'nats://127.0.0.1:9/people' },
  })
  // Where one is read, how it goes is said all the time.
  await admin.brokerSources.pause({ params: { selector: source.id } })
  const { items: deliveries } = await admin.deliveries.list()
  await admin.replays.create({ body: { destinationId: deliveries[0]?.destinationId } as never })
  await admin.customers.create({ body: { internalId: 'to-go', name: WORD } })
  await admin.erasures.begin({ params: { selector: 'to-go' }, body: {} })
  const job = await admin.workspaceFiles.export()
  idsOf.set('backgroundJobs', [job.jobId])
  idsOf.set('connectionRequests', [WORD])
}

/** Asks every list for what there is. */
async function gather({ url, tokenOf }: House): Promise<void> {
  const headers = { authorization: `Bearer ${await tokenOf({ isAdmin: true })}` }
  for (const { group, endpoint } of endpoints) {
    if (endpoint.method !== 'GET' || endpoint.path.includes(':')) continue
    const response = await fetch(`${url}${endpoint.path}`, { headers })
    if (response.headers.get('content-type')?.includes('json') !== true) {
      await response.body?.cancel()
      continue
    }
    const { items } = (await response.json()) as { items?: { id?: string; key?: string }[] }
    const own = (items ?? []).filter(({ key }) => group !== 'connectors' || key === 'crm' || key === 'teams')
    const ids = own.flatMap(({ id }) => (id === undefined ? [] : [id]))
    if (ids.length > 0) idsOf.set(group, [...new Set([...(idsOf.get(group) ?? []), ...ids])])
  }
  idsOf.set('workspaces', [owned.workspace.key])
  for (const [group, [id = '']] of idsOf) named[`${group.replace(/ies$/, 'y').replace(/s$/, '')}Id`] = id
  named.tenantId = named.userId = named.customerId ?? ''
  named.integrationKey = 'crm'
}

/** What is asked for: the endpoint's own kind, and where it names an integration or a connection, one of these. */
function pathOf(group: string, { path }: Endpoint, of: (kind: string) => string): string {
  const kinds: Record<string, string> = {
    integrationSelector: 'integrations',
    connectionSelector: 'connections',
    requestId: 'connectionRequests',
    job: 'backgroundJobs',
    nodeKey: 'nodes',
  }
  return path.replaceAll(/:(\w+)/g, (_, name: string) => of(kinds[name] ?? group))
}

/** The least that the shape of a body takes, with what is the first workspace's wherever a field names something. */
function sampleOf(schema: z.ZodType | undefined): unknown {
  if (schema === undefined) return undefined
  const shape = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as JsonShape
  return sample(shape, shape.$defs ?? {}, '')
}

interface JsonShape {
  $ref?: string
  $defs?: Record<string, JsonShape>
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: JsonShape[]
  oneOf?: JsonShape[]
  allOf?: JsonShape[]
  properties?: Record<string, JsonShape>
  required?: string[]
  items?: JsonShape
  minItems?: number
  minimum?: number
  format?: string
}

function sample(shape: JsonShape, defs: Record<string, JsonShape>, name: string, depth = 0): unknown {
  if (named[name] !== undefined) return named[name]
  if (shape.$ref !== undefined) return sample(defs[shape.$ref.split('/').at(-1) ?? ''] ?? {}, defs, name, depth + 1)
  if (shape.const !== undefined) return shape.const
  if (shape.enum !== undefined) return shape.enum[0]
  const [first] = shape.anyOf ?? shape.oneOf ?? shape.allOf ?? []
  if (first !== undefined) return sample(first, defs, name, depth + 1)
  if (shape.type === 'object' || shape.properties !== undefined) {
    const wanted = Object.entries(shape.properties ?? {}).filter(
      ([key]) => depth < 8 && (shape.required?.includes(key) === true || named[key] !== undefined),
    )
    return Object.fromEntries(wanted.map(([key, each]) => [key, sample(each, defs, key, depth + 1)]))
  }
  if (shape.type === 'array')
    return Array.from({ length: shape.minItems ?? 0 }, () => sample(shape.items ?? {}, defs, '', depth + 1))
  if (shape.type === 'number' || shape.type === 'integer') return shape.minimum ?? 1
  if (shape.type === 'boolean') return true
  if (shape.format === 'uri') return 'http://127.0.0.1:9/'
  if (shape.format === 'email') return 'somebody@example.com'
  if (shape.format === 'date-time') return '2030-01-01T00:00:00.000Z'
  return shape.type === 'string' ? 'abc-def-ghi-jkl' : {}
}

interface Told {
  status: number
  text: string
}

async function ask(
  proof: string,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<Told> {
  const response = await fetch(`${house.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${proofs[proof]}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'manual',
  })
  if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    await response.body?.cancel()
    return { status: response.status, text: '' }
  }
  return { status: response.status, text: await response.text() }
}

/** Everything of the first workspace, by table: how many rows there are, and a hash of them. */
async function standing(): Promise<Record<string, string>> {
  const { pool } = house.engine.database
  const { rows } = await pool.query<{ name: string }>(`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
     where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace`)
  const said: Record<string, string> = {}
  for (const { name } of rows) {
    const found = await pool.query<{ of: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as of
         from ${name} t where workspace_id = $1`,
      [owned.workspace.id],
    )
    said[name] = found.rows[0]?.of ?? ''
  }
  return said
}

test('there is something of every kind to ask for', () => {
  // Nothing is made of these by what tests do; each is asked for by an id that is made up.
  const without = new Set(['account', 'workspaceDeletions', 'setAsideIntake', 'dataCollections', 'workspaceFiles'])
  const groups = new Set(endpoints.filter(({ endpoint }) => endpoint.path.includes(':')).map(({ group }) => group))
  expect([...groups].filter((group) => !idsOf.has(group) && !without.has(group))).toEqual([])
})

test.each(['secret', 'key', 'session', 'customer', 'main'])(
  'asked with the %s of another workspace, no endpoint tells or changes anything',
  async (proof) => {
    const before = await standing()
    const wrong: string[] = []
    const look = async ({ group, name, endpoint }: (typeof endpoints)[number]) => {
      // Who owns the installation sees, and changes, that there is a workspace.
      if (proof === 'main' && group === 'workspaces') return
      const hasName = endpoint.path.includes(':')
      // Whom a token speaks for is the same in every other way: what it asks for by name tells them apart.
      if (!hasName && proof !== 'secret' && proof !== 'main' && proof !== 'customer') return
      const body = endpoint.method === 'GET' ? undefined : sampleOf(endpoint.body)
      for (const at of [0, 1, 2]) {
        const ids = (kind: string) => idsOf.get(kind)?.[at] ?? idsOf.get(kind)?.[0] ?? 'unknown'
        if (at > 0 && (!hasName || idsOf.get(group)?.[at] === undefined)) break
        const { status, text } = await ask(proof, {
          method: endpoint.method,
          path: pathOf(group, endpoint, ids),
          body,
        })
        // The catalogue of vendors, say, is everybody's.
        const said = text.replaceAll(ids(group), '')
        const isOpen = endpoint.access === 'public' || group === 'webhookVendors'
        if (status >= 500) wrong.push(`${name}: ${status} ${text}`)
        if (hasName && status < 400 && !isOpen) wrong.push(`${name}: ${status} ${text.slice(0, 200)}`)
        if (said.includes(WORD)) wrong.push(`${name} tells of it: ${text.slice(0, 300)}`)
      }
    }
    for (let at = 0; at < endpoints.length; at += AT_ONCE)
      await Promise.all(endpoints.slice(at, at + AT_ONCE).map(look))
    expect(wrong).toEqual([])
    expect(await standing()).toEqual(before)
  },
  120_000,
)

test('addresses of one workspace take nothing that another proves itself by, and streams tell nothing across', async () => {
  const { globalWebhookUri = '' } = await owned.admin.appEventTypes.get({ params: { selector: 'order' } })
  const send = (to: string, proof: string) =>
    fetch(to, {
      method: 'POST',
      headers: { authorization: `Bearer ${proof}`, 'content-type': 'application/json' },
      body: JSON.stringify({ order: 'of another' }),
    }).then(async (response) => ({ status: response.status, text: await response.text() }))
  const before = await standing()
  for (const proof of Object.values(proofs)) {
    const { status, text } = await send(globalWebhookUri, proof)
    expect([status >= 400 && status < 500, text.includes(WORD)]).toEqual([true, false])
  }
  const { refused_requests: _, ...after } = await standing()
  const { refused_requests: __, ...asBefore } = before
  expect(after).toEqual(asBefore)

  const heard: string[] = []
  const streams = await Promise.all(
    ['secret', 'session', 'main', 'customer'].map((proof) =>
      fetch(`${house.url}/sse/workspace`, { headers: { authorization: `Bearer ${proofs[proof]}` } }),
    ),
  )
  const own = await fetch(`${house.url}/sse/workspace`, {
    headers: { authorization: `Bearer ${await owned.tokenOf({ isAdmin: true })}` },
  })
  const readers = [own, ...streams].map((stream) => stream.body?.getReader())
  const listen = async (reader: (typeof readers)[number], into: string[]) => {
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true }
      if (done) return
      into.push(Buffer.from(value ?? []).toString('utf8'))
    }
  }
  const ownHeard: string[] = []
  const listening = readers.map((reader, index) => listen(reader, index === 0 ? ownHeard : heard))
  const { id } = await owned.admin.customers.create({ body: { internalId: 'seen-live', name: WORD } })
  await send(globalWebhookUri, await owned.tokenOf({ id: 'seen-live' }))
  await until('its own stream tells of the event', 20_000, async () =>
    ownHeard.join('').includes('app-event-log-record'),
  )
  expect(heard.join('')).not.toContain('app-event-log-record')
  expect(heard.join('')).not.toContain(id)
  await Promise.all(readers.map((reader) => reader?.cancel()))
  await Promise.all(listening)
})

test('what stands beside the contract tells nothing across', async () => {
  const [connection = ''] = idsOf.get('connections') ?? []
  const [job = ''] = idsOf.get('backgroundJobs') ?? []
  for (const proof of Object.keys(proofs)) {
    for (const at of [
      { method: 'POST', path: `/connections/${connection}/proxy`, body: { path: '/x', method: 'GET' } },
      { method: 'GET', path: `/sse/connection-events/${WORD}` },
      { method: 'GET', path: `/background-jobs/${job}/archive.zip` },
      { method: 'GET', path: '/audit-log/export?format=ndjson' },
      { method: 'GET', path: '/search?query=name&limit=50' },
    ]) {
      const { status, text } = await ask(proof, at)
      if (!/audit-log|search|sse/.test(at.path))
        expect([at.path, status >= 400 && status < 500]).toEqual([at.path, true])
      expect([at.path, text.replaceAll(`/${WORD}`, '').includes(WORD)]).toEqual([at.path, false])
    }
  }
})
