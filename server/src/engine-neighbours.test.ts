import { buildHouse, type House } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApiLogs } from './app-requests/api-logs.ts'
import { createCallRecorder } from './functions/record.ts'
import { systemClock } from './platform/clock.ts'
import { sql } from './platform/database.ts'
import { createIds } from './platform/ids.ts'
import { silentLog } from './platform/log.ts'
import { createMetrics } from './platform/metrics.ts'
import { createRefusedRequests } from './refused-requests/recorder.ts'

// What is written together is kept or lost each by itself, wherever in the group that stands which no database takes.

let house: House
const ids = createIds(systemClock)
const NOBODY = '00000000-0000-7000-8000-000000000001'
/** PostgreSQL takes no such text. */
const BAD = 'a\0b'

beforeAll(async () => {
  house = await buildHouse()
})
afterAll(() => house[Symbol.asyncDispose]())

async function countIn(table: string, among: readonly string[]): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from ${sql.table(table)} where id = any(${[...among]}::uuid[])`.execute(
    house.engine.database.db,
  )
  return rows[0]?.count ?? 0
}

interface Written {
  table: string
  /** Writes one of each, together. */
  write(ids: readonly string[], isBad: readonly boolean[]): Promise<void>
}

const WRITERS: Record<string, () => Written> = {
  'requests to apps': () => ({
    table: 'external_api_logs',
    async write(rowIds, isBad) {
      const { pool } = house.engine.database
      const logs = createApiLogs({ pool, log: silentLog })
      for (const [index, id] of rowIds.entries())
        logs.add({
          id,
          workspaceId: NOBODY,
          customerId: NOBODY,
          integrationId: null,
          connectionId: NOBODY,
          sourceId: null,
          method: 'GET',
          requestUri: isBad[index] === true ? BAD : 'https://a.example/',
          statusCode: 200,
          isSuccess: true,
          durationMs: 1,
          error: null,
          request: '{}',
          response: null,
        })
      await logs.settled()
    },
  }),
  'calls of functions': () => ({
    table: 'function_calls',
    async write(rowIds, isBad) {
      const recorder = createCallRecorder({ database: house.engine.database, log: silentLog })
      for (const [index, id] of rowIds.entries())
        recorder.add({
          id,
          workspaceId: NOBODY,
          customerId: null,
          integrationId: null,
          connectionId: null,
          ownerId: 'eet_x',
          slot: isBad[index] === true ? BAD : 'handle',
          sourceId: null,
          outcome: 'returned',
          error: null,
          logs: null,
          cpuMs: 1,
          durationMs: 1,
          hostCalls: 0,
        })
      await recorder.settled()
    },
  }),
}

test.each(Object.keys(WRITERS))('records of %s', async (name) => {
  const { table, write } = (WRITERS[name] as () => Written)()
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), async (isBad) => {
      const rowIds = isBad.map(() => ids.next())
      await write(rowIds, isBad)
      expect(await countIn(table, rowIds)).toBe(isBad.filter((bad) => !bad).length)
    }),
    { numRuns: 15 },
  )
})

test('records of refusals, whatever their senders wrote', async () => {
  const { database } = house.engine
  const recorder = createRefusedRequests({
    database,
    ids,
    metrics: createMetrics(),
    log: silentLog,
    workspaceByKey: async () => null,
    onlyWorkspace: async () => house.workspace.id,
  })
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom(BAD, '\ud800', '{"a":"\\u0000'))
  const senders = fc.sample(fc.tuple(text, text, text), { numRuns: 15, seed: 3 })
  for (const [index, [message, url, body]] of senders.entries())
    recorder.note({
      reason: 'malformed_body',
      status: 400,
      message,
      method: 'POST',
      url: `/${url}?${url}`,
      address: `10.0.0.${index}`,
      workspaceId: house.workspace.id,
      customerId: null,
      elementId: null,
      authorization: `Bearer a.${Buffer.from(body).toString('base64url')}.b`,
      body: () => ({ text: body, contentType: 'application/json' }),
    })
  await recorder.settled()
  const { items } = await house.admin.refusedRequests.list({ query: { reason: 'malformed_body' } })
  expect(items).toHaveLength(15)
})
