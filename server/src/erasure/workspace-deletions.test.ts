import {
  buildHouse,
  createTestDatabase,
  defineEverything,
  type House,
  houseIn,
  type Lived,
  liveThrough,
  type Receiver,
  refusalKey,
  rowsWith,
  startReceiver,
  type TestDatabase,
  until,
} from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeEntries, encodeEntries } from '../intake-log/log-entry.ts'
import { insertSetAside } from '../intake-log/store.ts'
import { createIds, fromWire, toWire } from '../platform/ids.ts'
import { createSealing, sealingKey } from '../platform/sealing.ts'
import { PLACES } from './places.ts'
import { hasWorkspaceId, workspaceSteps } from './workspace-rows.ts'

// Two workspaces in which everything has happened, each with a word of its own in every value. One is deleted, killed in
// the middle, and the whole database is searched for its word, its id and its people.

const WAIT_MS = 120_000
const sealing = createSealing([sealingKey('a key for tests that is long enough')])
const GOING = 'zqxgoingwordqz'
const STAYING = 'zqxstayingwordqz'

let database: TestDatabase
let house: House
let isEnded = false
let app: Receiver
let told: Receiver
let going: House
let staying: House
let gone: Lived
let stayed: Lived
/** Where the workspaces take events of all of their customers. */
let goingUri: string
let stayingUri: string

beforeAll(async () => {
  app = await startReceiver()
  told = await startReceiver()
  for (const each of [app, told])
    each.behave((request, response) => {
      response.writeHead(request.path.includes('/gone') ? 503 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: 'hook', echo: request.body }))
    })
  database = await createTestDatabase()
  house = await buildHouse({
    clock: 'settable',
    database: { url: database.url },
    engine: { tickMs: 100, console: { dir: '/nowhere', adminPassword: null } },
  })
  going = await workspaceOf(GOING)
  staying = await workspaceOf(STAYING)
  gone = await liveThrough(going, GOING, told)
  stayed = await liveThrough(staying, STAYING, told)
  goingUri = await globalUriOf(going)
  stayingUri = await globalUriOf(staying)
  await setAsideOfBoth()
  await house.advance(400_000)
  await house.settle()
})

afterAll(async () => {
  if (!isEnded) await house[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await told[Symbol.asyncDispose]()
})

const found = (word: string) => rowsWith(house.engine.database.pool, sealing, word)

async function workspaceOf(word: string): Promise<House> {
  const made = await house.admin.workspaces.create({ body: { name: 'A workspace', key: `key-of-${word.length}` } })
  const own = await houseIn(house, made)
  await own.admin.workspaces.patch({ params: { id: made.key }, body: { appBaseUri: app.url } })
  await defineEverything(own, { app, told })
  await own.admin.apiKeys.create({ body: { name: word, scope: 'reader' } })
  await own.admin.flows.create({ body: { key: word, name: word, nodes: {} } as never })
  await own.admin.workspaceFiles.export()
  await person(own, `${word}@example.com`)
  await person(own, 'both@example.com')
  return own
}

/** Somebody who is a member from now on; who has an account already, joins with its password. Gives the session. */
async function person(own: House, email: string): Promise<string> {
  const { link } = await own.admin.invitations.create({ body: { email, role: 'developer' } })
  const answer = await fetch(`${house.url}/console/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
    body: JSON.stringify({ link: link.split('=').at(-1), name: email, password: 'a long enough password' }),
  })
  expect(answer.ok).toBe(true)
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}

async function globalUriOf(own: House): Promise<string> {
  return String((await own.admin.appEventTypes.get({ params: { selector: 'order' } })).globalWebhookUri)
}

/** One message that could not be applied has events of both workspaces. */
async function setAsideOfBoth(): Promise<void> {
  const ids = createIds(house.clock)
  const events = [gone, stayed].map(({ id, word }) => ({
    event: {
      id: ids.next(),
      workspaceId: (word === GOING ? going : staying).workspace.id,
      customerId: fromWire('cus', id) ?? '',
      appEventTypeId: ids.next(),
      subscriptionId: null,
      payload: JSON.stringify({ of: word }),
    },
    address: { kind: 'subscription' } as never,
    pending: null,
  }))
  const entry = { kind: 'events', id: ids.next(), urlKey: ids.next(), scope: null, status: 200, answer: null } as const
  await insertSetAside(house.engine.database.db, {
    ...{ id: ids.next(), workspaceId: null, shard: 1, sequence: 1, error: 'could not be applied', tries: 5 },
    entry: encodeEntries([{ ...entry, events }]),
  })
}

const ask = (selector: string, confirm: string) =>
  house.admin.workspaceDeletions.begin({ params: { id: selector }, query: { confirm } })

test('every table has its way of leaving with its workspace, and what refers to others leaves before them', async () => {
  const steps = await workspaceSteps(house.engine.database.db)
  const names = steps.map(({ place }) => place.table)
  for (const { table, columns, inWorkspace } of PLACES) {
    expect([table, hasWorkspaceId(columns) || inWorkspace !== undefined]).toEqual([table, true])
    if (typeof inWorkspace !== 'string') expect(names).toContain(table)
  }
  const at = (name: string) => names.indexOf(name)
  expect(at('flow_versions')).toBeGreaterThan(at('flows'))
  expect(at('customers')).toBeGreaterThan(at('event_wait_keys'))
  expect(at('memberships')).toBeGreaterThan(at('users'))
  expect(steps.find(({ place }) => place.table === 'flows')?.pointsToItself).toEqual(['universal_flow_id'])
})

test('only who owns the installation deletes a workspace, never the main one, and only by its key', async () => {
  const key = going.workspace.key
  expect(await refusalKey(ask(key, 'another'))).toBe('invalid_input')
  expect(await refusalKey(ask('nothing', 'nothing'))).toBe('not_found')
  expect(await refusalKey(ask(house.workspace.key, house.workspace.key))).toBe('main_workspace')
  const { workspaceDeletions } = going.admin
  expect(await refusalKey(workspaceDeletions.begin({ params: { id: key }, query: { confirm: key } }))).toBe(
    'access_denied',
  )
  expect(await refusalKey(workspaceDeletions.list())).toBe('access_denied')
  expect(await refusalKey(house.admin.workspaceDeletions.get({ params: { id: 'wdl_x' } }))).toBe('not_found')
  expect((await house.admin.workspaceDeletions.list()).items).toEqual([])
})

test('a workspace is deleted, ended by another process: nothing of it is left anywhere, and everything of the other', async () => {
  const before = { word: await found(STAYING), id: await found(staying.workspace.id) }
  // Where nothing of it would be found, nothing would be proved below.
  expect(Object.keys(await found(going.workspace.id)).length).toBeGreaterThan(40)
  const hooks = () => app.received.filter(({ method, path }) => method === 'DELETE' && path === '/hooks').length
  const hooksBefore = hooks()
  const stream = await fetch(`${house.url}/sse/workspace`, {
    headers: { authorization: `Bearer ${await going.tokenOf({ isAdmin: true })}` },
  })
  const head = await house.engine.database.pool.query<{ sequence: string; hash: string }>(
    'select sequence, hash from audit_heads where workspace_id = $1',
    [going.workspace.id],
  )

  const begun = await ask(going.workspace.key, going.workspace.key)
  expect(begun).toMatchObject({ status: 'running', workspaceKey: going.workspace.key, phase: 'stopping' })
  // It is shut at once: nobody gets in, no event, and who listened hears nothing any more.
  for await (const _ of stream.body ?? []);
  expect(await refusalKey(going.admin.customers.list())).toBe('not_authenticated')
  expect(await refusalKey(gone.client.customers.self())).toBe('not_authenticated')
  const [own, global] = [gone.url, goingUri]
  for (const url of [own, global])
    expect((await fetch(url, { method: 'POST', body: JSON.stringify({ late: GOING }) })).status).toBe(410)
  expect((await ask(going.workspace.key, going.workspace.key)).id).toBe(begun.id)
  expect(await refusalKey(house.admin.workspaces.create({ body: { name: 'x', key: going.workspace.key } }))).toBe(
    'already_exists',
  )

  // Another process does the rest: this one ends while rows go.
  const { workspaceDeletions } = house.admin
  const read = () => workspaceDeletions.get({ params: { id: begun.id } })
  await until('rows go', WAIT_MS, async () => {
    await house.advance(1000)
    return (await read()).phase !== 'stopping'
  })
  const second = await buildHouse({
    ...{ clock: 'settable', startsAt: house.clock.now(), engine: { tickMs: 100 } },
    database: { url: house.databaseUrl, workspace: house.workspace },
  })
  await house[Symbol.asyncDispose]()
  isEnded = true
  try {
    await until('the workspace is deleted', WAIT_MS, async () => {
      await second.advance(1000)
      return (await second.admin.workspaceDeletions.get({ params: { id: begun.id } })).status === 'completed'
    })
    await second.settle()
    const deletion = await second.admin.workspaceDeletions.get({ params: { id: begun.id } })
    expect(deletion).toMatchObject({
      phase: 'done',
      stopped: { customers: 1, connections: 2, registrationsLeft: 0 },
      auditLog: { sequence: Number(head.rows[0]?.sequence), hash: head.rows[0]?.hash },
    })
    const record = Object.fromEntries(deletion.erased.map(({ place, rows }) => [place, rows]))
    expect(record).toMatchObject({ customers: 1, workspaces: 1, app_events: expect.any(Number), users: 1 })

    const search = (word: string) => rowsWith(second.engine.database.pool, sealing, word)
    expect(await search(GOING)).toEqual({})
    const { workspace_deletions: own1, ...id } = await search(going.workspace.id)
    expect([id, own1]).toEqual([{}, 1])
    const wire = await search(toWire('ws', going.workspace.id))
    expect(Object.keys(wire).filter((name) => !name.startsWith('audit_'))).toEqual([])
    for (const each of [gone.id, gone.connectionId, gone.flowInstanceId]) {
      const raw = fromWire('cus', each) ?? fromWire('con', each) ?? fromWire('cf', each) ?? ''
      expect([raw.length, await search(raw), await search(each)]).toEqual([36, {}, {}])
    }

    // The other one has what it had, and works.
    expect(await search(STAYING)).toMatchObject(before.word)
    const after = await search(staying.workspace.id)
    for (const [table, rows] of Object.entries(before.id))
      expect([table, (after[table] ?? 0) >= rows]).toEqual([table, true])
    const asides = await second.engine.database.pool.query<{ entry: Buffer }>('select entry from intake_set_aside')
    const left = asides.rows.flatMap(({ entry }) => decodeEntries(entry))
    expect(
      left.flatMap((each) => (each.kind === 'events' ? each.events.map(({ event }) => event.payload) : [])),
    ).toEqual([JSON.stringify({ of: STAYING })])
    // Who is in both keeps the account; who was in this one alone has none any more.
    const people = await second.engine.database.pool.query<{ email: string }>('select email from users order by email')
    expect(people.rows.map(({ email }) => email)).toEqual(['both@example.com', `${STAYING}@example.com`])
    // Apps were told.
    expect(hooks()).toBe(hooksBefore + 1)

    const inStaying = await houseIn(second, staying.workspace)
    expect((await inStaying.admin.auditLog.verify()).isIntact).toBe(true)
    expect((await second.admin.auditLog.verify()).isIntact).toBe(true)
    // Of the main one's audit log, it is said who did it.
    const { items } = await second.admin.auditLog.list({ query: { action: 'workspaceDeletions.begin' } as never })
    expect(items.map(({ outcome }) => outcome)).toContain('done')
    // The key is free again, for a workspace that has nothing of the other.
    const again = await second.admin.workspaces.create({ body: { name: 'Again', key: going.workspace.key } })
    const anew = await houseIn(second, again)
    expect((await anew.admin.customers.list()).items).toEqual([])
    expect(await refusalKey(going.admin.customers.list()).catch(() => 'unreachable')).toBe('unreachable')
    const sent = await fetch(stayingUri.replace(house.url, second.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${await inStaying.tokenOf({ id: `id-${STAYING}` })}` },
      body: JSON.stringify({ order: 1 }),
    })
    expect(sent.status).toBe(200)
    const dead = await fetch(goingUri.replace(house.url, second.url), { method: 'POST', body: '{}' })
    expect(dead.status).toBe(404)
  } finally {
    await second.engine.stop()
  }
}, 240_000)
