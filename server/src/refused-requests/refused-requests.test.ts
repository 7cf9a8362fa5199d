import { ERRORS, type RefusedRequest, type refusedRequests } from '@permea/contract'
import { buildHouse, type House, refusalKey } from '@permea/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { z } from 'zod'
import { systemClock } from '../platform/clock.ts'
import { sql } from '../platform/database.ts'
import { createIds } from '../platform/ids.ts'
import { silentLog } from '../platform/log.ts'
import { createMetrics } from '../platform/metrics.ts'
import { createRefusedRequests } from './recorder.ts'

type Kept = z.infer<typeof RefusedRequest>

let house: House
let global: string
let typeId: string

beforeAll(async () => {
  house = await buildHouse()
  const type = await house.admin.appEventTypes.create({
    body: { key: 'order', tenantIdFormula: { $var: '$.of' } },
  })
  typeId = type.id
  global = (await house.admin.appEventTypes.get({ params: { selector: 'order' } })).globalWebhookUri ?? ''
})
afterAll(() => house[Symbol.asyncDispose]())

async function post(url: string, body: string, headers: Record<string, string> = {}): Promise<number> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }
  return (await fetch(url, init)).status
}

async function kept(query: z.input<typeof refusedRequests.list.query> = {}): Promise<Kept[]> {
  await house.settle()
  return (await house.admin.refusedRequests.list({ query: query as never })).items
}

test('whoever looks for an event that did not arrive finds why, with what was sent and from where', async () => {
  await house.as('acme').then((client) => client.customers.self({}))
  const customer = await house.admin.customers.get({ params: { selector: 'acme' } })
  const bad = JSON.stringify([{ of: 'acme' }, { of: 'ghost', password: 'hunter2', note: 'needle' }, 7])
  expect(await post(global, bad)).toBe(207)
  const [unknown] = await kept({ reason: 'customer_unknown' })
  expect(unknown).toMatchObject({
    status: 400,
    message: 'there is no customer "ghost"',
    method: 'POST',
    address: '127.0.0.1',
    elementId: typeId,
    notKept: 0,
    excerpt: '{"of":"ghost","password":"***","note":"needle"}',
  })
  expect(unknown?.path).toMatch(/^\/webhooks\/app-events\/[0-9a-f]{8}…$/)
  expect(await kept({ reason: 'event_not_an_object' })).toHaveLength(1)
  expect((await kept({ search: 'NEEDLE' })).map((each) => each.id)).toEqual([unknown?.id])
  expect(await house.admin.refusedRequests.get({ params: { id: unknown?.id ?? '' } })).toEqual(unknown)
  // A token proves whose it is.
  const token = await house.tokenOf({ id: 'acme' })
  expect(await post(global, '{"broken', { authorization: `Bearer ${token}` })).toBe(400)
  const [malformed] = await kept({ userId: customer.id })
  expect(malformed).toMatchObject({ reason: 'malformed_body', userId: customer.id, excerpt: '{"broken' })
  // Customers see their own, and nobody else's.
  const client = await house.as('acme')
  expect((await client.refusedRequests.list({})).items.map((each) => each.id)).toEqual([malformed?.id])
  expect(await refusalKey(client.refusedRequests.get({ params: { id: unknown?.id ?? '' } }))).toBe('not_found')
})

test('what no token proves is told under the workspace that it names, and what it claims is shown as claimed', async () => {
  const expired = await house.tokenOf({ id: 'late-customer', isAdmin: true }, -3600)
  const headers = { authorization: `Bearer ${expired}` }
  expect(await post(`${house.url}/customers?api_key=of-nobody`, '{}', headers)).toBe(401)
  const [late] = await kept({ reason: 'not_authenticated', search: 'late-customer' })
  expect(late).toMatchObject({ claimedId: 'late-customer', message: expect.stringContaining('expired') })
  expect(late?.userId).toBeUndefined()
  expect(JSON.stringify(late)).not.toContain('of-nobody')
  expect(await post(`${house.url}/webhooks/global/00000000-0000-4000-8000-000000000000?x=1`, '')).toBe(404)
  expect(await kept({ reason: 'not_found' })).toHaveLength(1)
  const asCustomer = { authorization: `Bearer ${await house.tokenOf({ id: 'acme' })}` }
  expect(await post(`${house.url}/customers`, '{}', asCustomer)).toBe(403)
  expect(await kept({ reason: 'access_denied' })).toHaveLength(1)
  expect(await kept({ reason: 'invalid_flow' })).toEqual([])
})

test('a flood is counted, and leaves no more than a few rows that say how many there were', async () => {
  const count = async () =>
    Number(
      /^permea_refused_requests_total\{reason="customer_unresolved"\} (\d+)/m.exec(
        await (await fetch(`${house.url}/metrics`)).text(),
      )?.[1] ?? 0,
    )
  const before = await count()
  const batch = JSON.stringify(Array.from({ length: 2000 }, () => ({ a: 1 })))
  expect(await post(global, batch)).toBe(400)
  expect((await count()) - before).toBe(2000)
  const rows = await kept({ reason: 'customer_unresolved' })
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.length).toBeLessThan(10)
})

test('a text that the database cannot hold is kept as well as it can be', async () => {
  expect(await post(global, `{"of":"x\\u0000","a":"\\ud800"}`)).toBe(400)
  expect(await post(`${house.url}/webhooks/app-events/%00`, '{}')).toBe(404)
  const [row] = await kept({ reason: 'customer_unknown' })
  expect(row?.excerpt).toContain('\\u0000')
})

test('what proves a sender is in no row: neither of an address that is not there, nor within texts', async () => {
  const token = await house.tokenOf({ id: 'acme' })
  const unknown = `${house.url}/webhooks/app-events/hunter2hunter2hunter2?token=hunter2`
  expect(await post(unknown, '{"password":"hunter2"}', { authorization: `Bearer ${token}` })).toBe(404)
  expect(await post(global, JSON.stringify(['password=hunter2', { of: 'ghost', next: '/x?token=hunter2' }]))).toBe(400)
  await house.settle()
  const { rows } = await sql<{ text: string }>`select r::text as text from refused_requests r`.execute(
    house.engine.database.db,
  )
  expect(rows.filter(({ text }) => text.includes('token=***')).length).toBeGreaterThan(0)
  expect(rows.filter(({ text }) => text.includes('hunter2hunter') || text.includes('=hunter2'))).toEqual([])
})

test('what was sent is kept up to its limit, and one workspace keeps so many and no more', async () => {
  const { database } = house.engine
  let nowMs = 0
  const recorder = createRefusedRequests({
    ...{ database, ids: createIds(systemClock), metrics: createMetrics(), log: silentLog, nowMs: () => nowMs },
    workspaceByKey: async () => null,
    onlyWorkspace: async () => null,
  })
  const other = '00000000-0000-7000-8000-000000000009'
  const countKept = async () => {
    const { rows } = await sql<{ count: number; chars: number }>`
      select count(*)::int as count, max(length(excerpt)) as chars from refused_requests where workspace_id = ${other}`.execute(
      database.db,
    )
    return rows[0]
  }
  const reasons = Object.keys(ERRORS) as (keyof typeof ERRORS)[]
  let noted = 0
  for (let second = 0; noted < 6000; second += 1) {
    nowMs = second * 7000
    for (const reason of reasons)
      for (let i = 0; i < 20; i += 1) {
        recorder.note({
          ...{ reason, status: 400, message: 'no', method: 'POST', url: '/x', address: `10.0.${i}.1` },
          ...{ workspaceId: other, customerId: null, elementId: null, authorization: undefined },
          body: () => ({ text: `{"a":"${'x'.repeat(2000)}"}`, contentType: 'application/json' }),
        })
        noted += 1
        // No more than so many wait to be written.
        if (noted % 400 === 0) await recorder.settled()
      }
  }
  await recorder.settled()
  const { count = 0, chars } = (await countKept()) ?? {}
  expect(chars).toBe(1000)
  expect(count).toBeGreaterThan(2900)
  expect(count).toBeLessThan(3000 + nowMs / 1000 + 1)
  expect(noted).toBeGreaterThan(count + 1000)
  await sql`delete from refused_requests where workspace_id = ${other}`.execute(database.db)
})

test('another workspace sees nothing of it', async () => {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from refused_requests where workspace_id is distinct from ${house.workspace.id}`.execute(
    house.engine.database.db,
  )
  expect(rows).toEqual([{ count: 0 }])
})
