import { addWorkspace, buildHouse, type House, startReceiver, until } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../platform/database.ts'

let house: House

beforeAll(async () => {
  house = await buildHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

const newest = async () => {
  const { items } = await house.admin.auditLog.list({ query: { limit: 1 } })
  const [record] = items
  if (record === undefined) throw new Error('there is no record')
  return record
}

test('a change says who, from where, what, and how it was before and after', async () => {
  const token = await house.tokenOf({ isAdmin: true })
  await house.admin.flows.create({ body: { key: 'sync', name: 'Sync', description: 'before' } })
  expect(await newest()).toMatchObject({
    action: 'flows.create',
    outcome: 'done',
    actor: { kind: 'workspace-secret', role: 'owner' },
    elementType: 'flow',
    elementName: 'Sync',
    after: { key: 'sync', description: 'before' },
  })
  expect((await newest()).before).toBeUndefined()
  await fetch(`${house.url}/flows/sync`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': 'an agent',
      'x-forwarded-for': '203.0.113.7',
    },
    body: JSON.stringify({ description: 'after' }),
  })
  const changed = await newest()
  expect(changed).toMatchObject({
    action: 'flows.patch',
    changed: ['description'],
    before: { description: 'before' },
    after: { description: 'after' },
    userAgent: 'an agent',
    // No proxy is trusted here: what it claims counts for nothing.
    address: '127.0.0.1',
  })
  expect(Object.keys(changed.before ?? {})).toEqual(['description'])
  expect(changed.requestId).toMatch(/^req-/)
  await house.admin.flows.archive({ params: { selector: 'sync' } })
  const gone = await newest()
  expect(gone).toMatchObject({ action: 'flows.archive', elementId: changed.elementId, before: { key: 'sync' } })
  expect(gone.after).toBeUndefined()
  const history = await house.admin.auditLog.list({ query: { elementId: String(changed.elementId) } })
  expect(history.items.map((each) => each.action)).toEqual(['flows.archive', 'flows.patch', 'flows.create'])
  expect(await house.admin.auditLog.get({ params: { id: gone.id } })).toEqual(gone)
})

test('what a customer changes is recorded as its own; what is refused is not', async () => {
  const anna = await house.as('anna', { name: 'Anna' })
  await anna.customers.patchSelf({ body: { credentials: { token: 'of-anna-alone' } } })
  const record = await newest()
  expect(record).toMatchObject({
    action: 'customers.patchSelf',
    actor: { kind: 'customer' },
    changed: ['credentials'],
    elementName: 'Anna',
  })
  expect(await everything()).not.toContain('of-anna-alone')
  expect(record.userId).toBe(record.actor.id)
  await expect(house.admin.flows.create({ body: {} })).rejects.toMatchObject({ key: 'invalid_input' })
  await expect(house.admin.flows.patch({ params: { selector: 'nowhere' }, body: {} })).rejects.toMatchObject({
    key: 'not_found',
  })
  expect((await newest()).id).toBe(record.id)
  expect(await intents()).toBe(0)
})

const intents = async () => {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from audit_intents`.execute(
    house.engine.database.db,
  )
  return rows[0]?.count
}

test('events and runs write no records', async () => {
  await house.admin.appEventTypes.create({ body: { key: 'order', tenantIdFormula: { $var: '$.of' } } })
  await house.admin.customers.create({ body: { name: 'Acme', internalId: 'acme' } })
  const before = await newest()
  const { globalWebhookUri } = await house.admin.appEventTypes.get({ params: { selector: 'order' } })
  const sent = await fetch(globalWebhookUri, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ of: 'acme' }),
  })
  expect(sent.status).toBe(200)
  await house.settle()
  expect((await newest()).id).toBe(before.id)
})

test('secrets that are shown are recorded, without them', async () => {
  const { key } = house.workspace
  await house.admin.workspaces.get({ params: { id: key } })
  await house.admin.workspaces.get({ params: { id: key }, query: { includeSecrets: true } })
  const shown = await newest()
  expect(shown).toMatchObject({ action: 'workspaces.get', after: { includeSecrets: true } })
  await house.admin.workspaces.createAccessToken({ params: { id: key }, body: { isAdmin: true, name: 'CI' } })
  expect(await newest()).toMatchObject({ action: 'workspaces.createAccessToken', after: { isAdmin: true } })
  const all = await everything()
  expect(all).not.toContain(house.workspace.secret)
})

/** All that the tables of the log hold, as text. */
async function everything(): Promise<string> {
  const { rows } = await sql<{ text: string }>`
    select r::text || coalesce(d::text, '') as text from audit_records r left join audit_details d using (workspace_id, sequence)
    union all select i::text from audit_intents i`.execute(house.engine.database.db)
  return rows.map((row) => row.text).join('\n')
}

test('a large change is compared apart, and says the same', async () => {
  const list = Array.from({ length: 40_000 }, (_, n) => n)
  await house.admin.customers.create({ body: { internalId: 'large', fields: { list, apiKey: 'sesame-of-large' } } })
  const made = await newest()
  expect(made).toMatchObject({ action: 'customers.create', after: { internalId: 'large' } })
  expect(String(made.after?.fields)).toMatch(/^\{"list":\[0,1,2,.*characters in all\)$/)
  const selector = 'large'
  const fields = { list: [...list, 1], apiKey: 'sesame-of-large', note: 'it is sesame-of-large' }
  await house.admin.customers.patch({ params: { selector }, body: { fields } })
  const changed = await newest()
  expect(changed.changed).toEqual(expect.arrayContaining(['fields.list', 'fields.note']))
  expect(JSON.stringify([made, changed])).not.toContain('sesame-of-large')
})

test('lists are filtered and paged, and a filter that finds nothing gives nothing', async () => {
  const all = await house.admin.auditLog.list()
  const first = await house.admin.auditLog.list({ query: { limit: 2 } })
  const second = await house.admin.auditLog.list({ query: { limit: 2, cursor: String(first.cursor) } })
  expect([...first.items, ...second.items]).toEqual(all.items.slice(0, 4))
  const actions = async (query: object) => (await house.admin.auditLog.list({ query })).items.map((each) => each.action)
  expect(await actions({ actorKind: 'customer' })).toEqual(['customers.patchSelf'])
  expect(await actions({ action: 'flows.patch' })).toEqual(['flows.patch'])
  expect(await actions({ elementType: 'app-event-type' })).toEqual(['appEventTypes.create'])
  expect(await actions({ search: 'ANNA' })).toEqual(['customers.patchSelf'])
  expect(await actions({ search: 'an agent' })).toEqual(['flows.patch'])
  expect(await actions({ outcome: 'failed' })).toEqual([])
  const [customer] = (await house.admin.auditLog.list({ query: { actorKind: 'customer' } })).items
  expect(await actions({ userId: String(customer?.userId) })).toEqual(['customers.patchSelf'])
  expect(await actions({ actorId: String(customer?.actor.id) })).toEqual(['customers.patchSelf'])
  expect(await actions({ userId: 'cus_nobody' })).toEqual([])
  expect(await actions({ to: new Date(0) })).toEqual([])
  await expect(house.admin.auditLog.list({ query: { cursor: 'x' } })).rejects.toMatchObject({ key: 'invalid_input' })
  await expect(house.admin.auditLog.get({ params: { id: 'aud_x' } })).rejects.toMatchObject({ key: 'not_found' })
})

test('an export is streamed whole, as CSV and NDJSON, and is recorded itself', async () => {
  const token = await house.tokenOf({ isAdmin: true })
  const get = (query: string, bearer = token) =>
    fetch(`${house.url}/audit-log/export?${query}`, { headers: { authorization: `Bearer ${bearer}` } })
  const count = (await house.admin.auditLog.list()).items.length
  const ndjson = await get('format=ndjson')
  expect(ndjson.headers.get('content-type')).toContain('application/x-ndjson')
  const lines = (await ndjson.text()).trimEnd().split('\n')
  expect(lines).toHaveLength(count + 1)
  expect(JSON.parse(lines[1] ?? '')).toEqual((await house.admin.auditLog.list()).items[1])
  const csv = await (await get('format=csv&action=flows.create')).text()
  expect(csv.split('\r\n')[0]).toBe(
    'sequence,createdAt,id,actorKind,actorId,actorName,actorRole,action,outcome,elementType,elementId,elementName,userId,changed,before,after,address,userAgent,requestId,hash,previousHash',
  )
  expect(csv.split('\r\n')).toHaveLength(3)
  expect(await newest()).toMatchObject({
    action: 'auditLog.noteExport',
    after: { elementType: 'audit-record', format: 'csv', 'filter.action': 'flows.create' },
  })
  expect((await get('format=xml')).status).toBe(400)
  expect((await get('format=csv', await house.tokenOf({ id: 'anna' }))).status).toBe(403)
  expect((await get('format=csv', 'none')).status).toBe(401)
  await house.admin.auditLog.noteExport({
    body: { elementType: 'flow-run', format: 'csv', filter: { state: 'failed', search: 'Ada', userId: 'cus_1' } },
  })
  expect(await newest()).toMatchObject({
    elementType: 'audit-log',
    after: { elementType: 'flow-run', format: 'csv', 'filter.state': 'failed' },
  })
  expect(Object.keys((await newest()).after ?? {})).toHaveLength(3)
})

test('the chain of each workspace is its own and holds; who is at work at once leaves no gap', async () => {
  const other = await addWorkspace(house.engine, house.clock, null)
  await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      house.admin.customers.create({ body: { internalId: `many-${at}`, name: 'M' } }),
    ),
  )
  const verified = await house.admin.auditLog.verify()
  expect(verified).toMatchObject({ isIntact: true, firstSequence: 1, erased: 0 })
  expect(verified.lastSequence).toBe(verified.records)
  const { items } = await house.admin.auditLog.list({ query: { limit: 1000 } })
  const sequences = items.map((each) => each.sequence).sort((one, two) => two - one)
  expect(sequences).toEqual(items.map((_, at) => verified.records - at))
  const token = await house.engine.tokens.sign(other, { isAdmin: true }, 60)
  const of = await fetch(`${house.url}/audit-log/verify`, { headers: { authorization: `Bearer ${token}` } })
  expect(await of.json()).toEqual({ isIntact: true, records: 0, erased: 0, hash: '0'.repeat(64) })
})

test('the database itself refuses to change or remove a record', async () => {
  const { db } = house.engine.database
  const tries = [
    sql`update audit_records set action = 'x'`,
    sql`delete from audit_records`,
    sql`truncate audit_records`,
    sql`update audit_details set body = ''`,
    sql`delete from audit_details`,
    sql`update audit_heads set sequence = 1`,
    sql`delete from audit_heads`,
  ]
  for (const each of tries) await expect(each.execute(db)).rejects.toMatchObject({ code: '42501' })
})

test('every kind of change behind its back is found, and where', async () => {
  const { pool } = house.engine.database
  const behind = async (statement: string) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query("set local session_replication_role = 'replica'")
      await client.query(statement)
      await client.query('commit')
    } finally {
      client.release()
    }
  }
  const table = async (name: string) => {
    await behind(`drop table if exists kept_${name}; create table kept_${name} as table ${name}`)
    return () => behind(`delete from ${name}; insert into ${name} select * from kept_${name}; drop table kept_${name}`)
  }
  const harms: [string, number, RegExp][] = [
    [`update audit_records set action = 'flows.get' where sequence = 3`, 3, /was changed/],
    [`update audit_records set actor_id = 'somebody' where sequence = 4`, 4, /was changed/],
    [`update audit_records set changed = '{}' where sequence = 2`, 2, /was changed/],
    [
      `update audit_details set body = replace(body, 'after', 'other') where sequence = 2`,
      2,
      /details .* were changed/,
    ],
    [`delete from audit_details where sequence = 5`, 5, /details are missing/],
    [`delete from audit_records where sequence = 6`, 6, /6 to 6 are missing/],
    [`delete from audit_records where sequence > 10`, 11, /the end is missing/],
    [`update audit_heads set seal = 'forged'`, -1, /seal/],
    [
      `insert into audit_anchors select workspace_id, 3, hash, now() from audit_records where sequence = 3`,
      3,
      /not the retention/,
    ],
  ]
  const { lastSequence = 0 } = await house.admin.auditLog.verify()
  for (const [statement, sequence, message] of harms) {
    const undo = [
      await table('audit_records'),
      await table('audit_details'),
      await table('audit_heads'),
      await table('audit_anchors'),
    ]
    await behind(statement)
    const { isIntact, problem } = await house.admin.auditLog.verify()
    expect({ statement, isIntact, sequence: problem?.sequence }).toEqual({
      statement,
      isIntact: false,
      sequence: sequence === -1 ? lastSequence : sequence,
    })
    expect(problem?.message).toMatch(message)
    for (const each of undo) await each()
  }
  expect((await house.admin.auditLog.verify()).isIntact).toBe(true)
})

test('a change whose process died before its end is in the log, as one of which that is not known', async () => {
  const { database } = house.engine
  const id = '01900000-0000-7000-8000-000000000001'
  const record = {
    ...{ id, workspaceId: house.workspace.id, at: new Date(0), actorKind: 'user', actorId: 'u', actorRole: 'owner' },
    ...{
      action: 'flows.patch',
      outcome: 'done',
      elementType: 'flow',
      elementId: 'lost',
      customerId: null,
      requestId: null,
    },
    changed: [],
    details: { actorName: 'Ada', elementName: null, address: null, userAgent: null, before: null, after: null },
  }
  await sql`insert into audit_intents values (${id}, ${house.workspace.id}, ${new Date(0)}, ${JSON.stringify(record)})`.execute(
    database.db,
  )
  await house.engine.audit.recover()
  const { items } = await house.admin.auditLog.list({ query: { elementId: 'lost' } })
  expect(items).toMatchObject([{ outcome: 'unknown', actor: { name: 'Ada' }, createdAt: new Date(0).toISOString() }])
  expect(await intents()).toBe(0)
  expect((await house.admin.auditLog.verify()).isIntact).toBe(true)
})

test('where nothing can be recorded, nothing is changed', async () => {
  const { database } = house.engine
  await sql`alter table audit_intents rename to audit_intents_gone`.execute(database.db)
  await expect(house.admin.customers.create({ body: { internalId: 'unseen', name: 'U' } })).rejects.toMatchObject({
    key: 'internal',
  })
  await sql`alter table audit_intents_gone rename to audit_intents`.execute(database.db)
  await expect(house.admin.customers.get({ params: { selector: 'unseen' } })).rejects.toMatchObject({
    key: 'not_found',
  })
})

test('what is erased of a customer leaves a chain that holds', async () => {
  const { id } = await house.admin.customers.create({ body: { internalId: 'leaving', name: 'Marker of a person' } })
  const before = (await house.admin.auditLog.list()).items.length
  await house.admin.workspaces.createAccessToken({
    params: { id: house.workspace.key },
    body: { tenantKey: 'leaving', name: 'Marker of a person' },
  })
  expect((await everything()).includes('Marker of a person')).toBe(true)
  await house.admin.erasures.begin({ params: { selector: 'leaving' }, body: {} })
  await until('the erasure', 60_000, async () => {
    await house.settle()
    return !(await everything()).includes('Marker of a person')
  })
  expect((await everything()).includes('"leaving"')).toBe(false)
  const { items } = await house.admin.auditLog.list({ query: { userId: id } })
  expect(items.map(({ action, isErased }) => ({ action, isErased }))).toEqual(
    ['erasures.begin', 'workspaces.createAccessToken', 'customers.create'].map((action) => ({
      action,
      isErased: true,
    })),
  )
  expect(await house.admin.auditLog.verify()).toMatchObject({ isIntact: true, erased: 3, records: before + 2 })
})

test('whoever subscribed is told of each record, without the values', async () => {
  await using receiver = await startReceiver()
  const { items } = await house.admin.eventCatalogue.list()
  expect(items.map((each) => each.eventType)).toContain('audit.recorded')
  await house.admin.notificationEndpoints.create({
    body: { url: `${receiver.url}/siem`, eventTypes: ['audit.recorded'], name: 'SIEM' },
  })
  await house.admin.customers.create({ body: { internalId: 'told', name: 'Told of' } })
  const [told] = await receiver.waitFor(1, ({ body }) => body.includes('customers.create'))
  expect(told?.json).toMatchObject({
    eventType: 'audit.recorded',
    data: { audit: { action: 'customers.create', elementName: 'Told of', outcome: 'done' } },
  })
  expect(told?.body).not.toContain('"after"')
  const anna = await house.as('anna')
  await expect(
    anna.notificationEndpoints.create({ body: { url: `${receiver.url}/mine`, eventTypes: ['audit.recorded'] } }),
  ).rejects.toMatchObject({ key: 'invalid_input' })
})

test('people and keys have the ids in the log that they have elsewhere', async () => {
  const { key, id } = await house.admin.apiKeys.create({ body: { name: 'CI', scope: 'developer', expiresAt: null } })
  const made = await fetch(`${house.url}/customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ internalId: 'by-key', name: 'By a key' }),
  })
  expect(made.status).toBe(201)
  const { items } = await house.admin.auditLog.list({ query: { actorId: id } })
  expect(items).toMatchObject([{ action: 'customers.create', actor: { kind: 'api-key', id, name: 'CI' } }])
  const record = await newest()
  expect(await house.admin.auditLog.verify({ query: { kept: record.hash } })).toMatchObject({ hasKept: true })
  expect(await house.admin.auditLog.verify({ query: { kept: '0'.repeat(64) } })).toMatchObject({ hasKept: true })
  expect(await house.admin.auditLog.verify({ query: { kept: 'f'.repeat(64) } })).toMatchObject({ hasKept: false })
  expect(await house.admin.auditLog.verify()).not.toHaveProperty('hasKept')
  await expect(house.admin.auditLog.verify({ query: { kept: 'short' } })).rejects.toMatchObject({
    key: 'invalid_input',
  })
})
