import { createPermea, type Permea } from '@permea/sdk'
import { answering, buildHouse, type House, type Receiver, refusalKey, startReceiver } from '@permea/testkit'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sealOldRows } from '../exchanges/stored-json.ts'
import { sql } from '../platform/database.ts'
import { unsealedInstances, unsealedVersions } from './sealing-store.ts'

const SECRET = 'sk-live-4711-of-the-vendor'
const OTHER = 'sk-live-4712-of-the-vendor'

let house: House
let receiver: Receiver
let customer: Permea

beforeAll(async () => {
  receiver = await startReceiver()
  house = await buildHouse()
  customer = await house.as('customer-x')
})
beforeEach(() => {
  receiver.received.length = 0
  // What is sent comes back, as text too.
  receiver.behave((request, response) =>
    answering(200, { echo: request.headers, text: `you sent ${request.headers.authorization}` })(request, response),
  )
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

const nodes = (authorization: unknown, uri = receiver.url) => ({
  start: { type: 'api-trigger', links: [{ key: 'token' }] },
  token: {
    type: 'custom-http-request',
    config: {
      request: { uri, method: 'POST', headers: { authorization, accept: 'application/json' }, body: { a: 1 } },
    },
  },
})

/** Every text in the tables of flows and their runs. */
async function stored(): Promise<string> {
  const texts = await Promise.all(
    ['flow_versions', 'flows', 'flow_instances', 'flow_runs'].map(async (table) => {
      const { rows } = await sql<{ text: string }>`
        select t::text as text from ${sql.table(table)} t`.execute(house.engine.database.db)
      return rows.map((row) => row.text).join('\n')
    }),
  )
  return texts.join('\n')
}

async function sentBy(flowInstanceId: string): Promise<unknown> {
  const before = receiver.received.length
  const { id } = await customer.flowRuns.create({ body: { flowInstanceId } })
  await house.settle()
  const run = await customer.flowRuns.get({ params: { id } })
  expect(run.state).toBe('completed')
  const { items } = await customer.flowRuns.nodeRuns({ params: { id, nodeKey: 'token' } })
  const outputs = await customer.flowRuns.nodeOutputs({ params: { id, nodeKey: 'token' } })
  expect(JSON.stringify([run, items, outputs])).not.toContain('sk-live')
  expect(outputs.items[0]?.data).toContain('you sent ***')
  return receiver.received[before]?.headers.authorization
}

test('a secret in a node is in no table as it is, and not in what is kept of requests', async () => {
  receiver.behave(answering(400, {}, { 'content-language': SECRET }))
  await house.admin.flows.create({ body: { key: 'at-rest', nodes: nodes(`Bearer ${SECRET}`) } })
  const { id } = await customer.flowInstances.create({ body: { flowKey: 'at-rest', enabled: true } })
  await customer.flowRuns.create({ body: { flowInstanceId: id } })
  await house.settle()
  expect(receiver.received.at(-1)?.headers.authorization).toBe(`Bearer ${SECRET}`)
  const texts = await stored()
  expect(texts).toContain('answered with 400')
  expect(texts).not.toContain(SECRET)
})

test('it is shown to nobody, and sent', async () => {
  const flow = await house.admin.flows.create({ body: { key: 'sealed', nodes: nodes(`Bearer ${SECRET}`) } })
  const instance = await customer.flowInstances.create({ body: { flowKey: 'sealed', enabled: true } })
  expect(flow.nodes.token?.config).toMatchObject({
    request: { headers: { authorization: '***', accept: 'application/json' } },
  })
  const params = { selector: 'sealed' }
  const shown = [
    flow,
    instance,
    await house.admin.flows.get({ params }),
    await house.admin.flows.list(),
    await house.admin.flows.export({ params }),
    await customer.flowInstances.get({ params: { id: instance.id } }),
    await customer.flowInstances.export({ params: { id: instance.id } }),
  ]
  expect(JSON.stringify(shown)).not.toContain(SECRET)
  expect(await sentBy(instance.id)).toBe(`Bearer ${SECRET}`)
})

test('given back as it is shown it is kept: in copies, under another key of the node, and when its parent changes', async () => {
  const flow = await house.admin.flows.create({ body: { key: 'kept', nodes: nodes(SECRET) } })
  const params = { selector: 'kept' }
  const instance = await customer.flowInstances.create({ body: { flowKey: 'kept', enabled: true, nodes: flow.nodes } })
  expect(instance).toMatchObject({ isCustomized: false, state: 'READY' })
  const own = { ...instance.nodes, token: { ...instance.nodes.token, type: 'custom-http-request', name: 'Mine' } }
  await customer.flowInstances.patch({ params: { id: instance.id }, body: { nodes: own } })
  await house.admin.flows.patch({
    params,
    body: { nodes: { ...flow.nodes, more: { type: 'api-trigger', links: [] } } },
  })
  const latest = await customer.flowInstances.updateToLatestFlow({ params: { id: instance.id } })
  expect(latest.nodes).toMatchObject({ token: { name: 'Mine' }, more: {} })
  expect(await sentBy(instance.id)).toBe(SECRET)

  const { token, start } = flow.nodes
  if (token === undefined || start === undefined) throw new Error('both are there')
  const renamed = { start: { ...start, links: [{ key: 'post' }] }, post: token }
  expect(await house.admin.flows.patch({ params, body: { nodes: renamed } })).toMatchObject({ state: 'READY' })
  await house.admin.flows.patch({ params, body: { nodes: flow.nodes } })
  await customer.flowInstances.reset({ params: { id: instance.id }, body: {} })
  expect(await sentBy(instance.id)).toBe(SECRET)

  const cloned = await house.admin.flows.clone({ params })
  const ofClone = await customer.flowInstances.create({ body: { flowKey: cloned.key, enabled: true } })
  expect(await sentBy(ofClone.id)).toBe(SECRET)
  await house.admin.flows.patch({ params, body: { nodes: nodes(OTHER) } })
  await customer.flowInstances.updateToLatestFlow({ params: { id: instance.id } })
  expect(await sentBy(instance.id)).toBe(OTHER)
})

test('a customer cannot have it sent elsewhere', async () => {
  await using elsewhere = await startReceiver()
  await house.admin.flows.create({ body: { key: 'theirs', nodes: nodes(SECRET) } })
  const { id } = await customer.flowInstances.create({ body: { flowKey: 'theirs', enabled: true } })
  const params = { id }
  const redirected = nodes('***', elsewhere.url)
  expect(await refusalKey(customer.flowInstances.patch({ params, body: { nodes: redirected } }))).toBe('invalid_flow')
  const body = { flowKey: 'theirs', instanceKey: 'two', nodes: redirected }
  expect(await refusalKey(customer.flowInstances.create({ body }))).toBe('invalid_flow')
  const { start } = redirected
  const moved = { start: { ...start, links: [{ key: 'other' }] }, other: redirected.token }
  await customer.flowInstances.patch({ params, body: { nodes: moved } })
  expect(await refusalKey(customer.flowRuns.create({ body: { flowInstanceId: id } }))).toBe('invalid_flow')
  const other = nodes('***')
  other.token.config.request.body = { a: 2 }
  await customer.flowInstances.reset({ params, body: {} })
  await customer.flowInstances.patch({ params, body: { nodes: other, enabled: true } })
  expect(await sentBy(id)).toBe(SECRET)
  expect(receiver.received.at(-1)?.json).toEqual({ a: 2 })
  expect(elsewhere.received).toEqual([])
})

test('one that nobody gave is asked for, and nothing is sent until then', async () => {
  const flow = await house.admin.flows.create({ body: { key: 'asked', nodes: nodes('***') } })
  expect(flow).toMatchObject({
    state: 'CONFIGURATION_ERROR',
    errors: [{ data: { nodeKey: 'token', path: 'config.request.headers.authorization' } }],
  })
  const { id, enabled } = await customer.flowInstances.create({ body: { flowKey: 'asked' } })
  expect(enabled).toBe(false)
  expect(await refusalKey(customer.flowRuns.create({ body: { flowInstanceId: id } }))).toBe('invalid_flow')
  expect(receiver.received).toEqual([])
})

test('what was stored in the clear is sealed at the next start', async () => {
  const { db } = house.engine.database
  await house.admin.flows.create({ body: { key: 'old', nodes: nodes('placeholder-in-the-clear') } })
  const { id } = await customer.flowInstances.create({ body: { flowKey: 'old', enabled: true } })
  const own = { ...nodes(SECRET), more: { type: 'api-trigger' } }
  await customer.flowInstances.patch({ params: { id }, body: { nodes: own } })
  await sql`
    update flow_versions set nodes = ${JSON.stringify(own)}, secrets_sealed = null, is_sealed = false
     where id = (select version_id from flow_instances order by id desc limit 1)`.execute(db)
  await sql`update flow_instances set custom_nodes = ${JSON.stringify(own)}, is_sealed = false where id = (select max(id::text)::uuid from flow_instances)`.execute(
    db,
  )
  const { database, sealing } = house.engine
  await sealOldRows(database, sealing, unsealedVersions)
  await sealOldRows(database, sealing, unsealedInstances)
  const { rows } = await sql<{ text: string }>`
    select v::text || i::text as text from flow_instances i join flow_versions v on v.id = i.version_id
     order by i.id desc limit 1`.execute(db)
  expect(rows[0]?.text).toContain('custom-http-request')
  expect(rows[0]?.text).not.toContain(SECRET)
  const client = createPermea({ baseUrl: house.url, token: await house.tokenOf({ id: 'customer-x' }) })
  expect(JSON.stringify(await client.flowInstances.get({ params: { id } }))).not.toContain(SECRET)
  expect(await sentBy(id)).toBe(SECRET)
})
