import { buildHouse, type House, type Receiver, startReceiver } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApiLogs } from './app-requests/api-logs.ts'
import type { Attempt } from './deliveries/delivery.ts'
import { createPatience } from './deliveries/patience.ts'
import { createAttemptRecorder } from './deliveries/recorder.ts'
import type { ExternalSource, IncomingWebhookRow } from './external-events/store.ts'
import { createExternalWriter } from './external-events/write.ts'
import { createCallRecorder } from './functions/record.ts'
import { systemClock } from './platform/clock.ts'
import { type Database, type Statement, sql } from './platform/database.ts'
import { createIds, fromWire } from './platform/ids.ts'
import { silentLog } from './platform/log.ts'
import { createMetrics } from './platform/metrics.ts'
import { createRefusedRequests } from './refused-requests/recorder.ts'
import { batchStoreOf } from './runs/batch-store.ts'
import { Batches } from './runs/batches.ts'
import type { NodeRun } from './runs/node-run.ts'
import { type RunProgress, recordingIn } from './runs/record-store.ts'
import { createRecorder, recordBeside } from './runs/recorder.ts'
import { type NewRun, runItem } from './runs/run.ts'

// What one row holds decides nothing about those that are written with it, whatever writes them. Intake is tried with
// requests in `events/neighbours.test.ts`; here the writers that nobody's input reaches as it is are handed rows.

let house: House
let receiver: Receiver
let flow: { customerId: string; flowInstanceId: string; versionId: string }

const ids = createIds(systemClock)
const NUM_RUNS = 8

beforeAll(async () => {
  receiver = await startReceiver()
  house = await buildHouse()
  const client = await house.as('anna')
  await client.flowInstances.create({ body: { name: 'Any', nodes: { start: { type: 'api-trigger' } } } })
  const { rows } = await sql<typeof flow>`
    select customer_id as "customerId", id as "flowInstanceId", version_id as "versionId" from flow_instances`.execute(
    house.engine.database.db,
  )
  flow = rows[0] ?? flow
  const eventTypes = ['flowRun.completed' as const, 'flowRun.failed' as const]
  await house.admin.notificationEndpoints.create({ body: { url: receiver.url, eventTypes } })
})
afterAll(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

/** What no column takes, or only some do. */
interface Odd {
  text: string
  number: number
  value: unknown
  id: string
}

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

const odd: fc.Arbitrary<Odd> = fc.record({
  text: fc.oneof(
    fc.constantFrom('a\u0000b', '\ud800', 'x\udfff', 'long '.repeat(20_000), '{"cut":', '\\u0000'),
    fc.string({ unit: 'binary' }),
  ),
  number: fc.constantFrom(40_000, -40_000, 2 ** 31, 2 ** 53, 1e300, Number.NaN, Number.POSITIVE_INFINITY, 0.5),
  value: fc.oneof(
    fc.constantFrom(300, 7_000, 20_000).map(nested),
    fc.constantFrom('a\u0000b', '\ud800', { '\u0000': 1 }, 10n, Number.NaN),
    fc.jsonValue(),
  ),
  id: fc.constantFrom('not an id', '', 'x'.repeat(1000), '00000000-0000-0000-0000-00000000000\u0000'),
})

/** Rows that go together: good ones (null), and odd ones among them. */
const group = fc.array(fc.option(odd, { freq: 3 }), { minLength: 2, maxLength: 30 })

/** Hands a group to a writer; complains where a good row is not stored, or where a row is never answered. */
function neighbours(
  write: (rows: readonly { id: string; odd: Odd | null }[]) => Promise<unknown>,
  storedIds: () => Promise<readonly string[]>,
): Promise<void> {
  return fc.assert(
    fc.asyncProperty(group, async (odds) => {
      const rows = odds.map((each) => ({ id: ids.next(), odd: each }))
      await write(rows)
      const stored = new Set(await storedIds())
      expect(rows.filter(({ id, odd: is }) => is === null && !stored.has(id))).toEqual([])
    }),
    { numRuns: NUM_RUNS },
  )
}

async function idsIn(table: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select id from ${sql.table(table)}`.execute(house.engine.database.db)
  return rows.map(({ id }) => id)
}

test('requests and events of external apps', async () => {
  const { database, deliveries, runs } = house.engine
  const writer = createExternalWriter({ database, clock: systemClock, ids, deliveries, runs, live: { changed() {} } })
  const source: ExternalSource = {
    ...{ webhookUuid: ids.next(), subscriptionId: ids.next(), workspaceId: house.workspace.id },
    ...{ customerId: flow.customerId, connectionId: ids.next(), integrationId: null, connectorId: ids.next() },
    ...{ isArchived: false, isWanted: true, isLive: true, parameters: {}, stateSealed: null, stateVersion: 0 },
    ...{ eventKey: null, hasDestination: false, isOrdered: null, concurrency: null, handle: null, handleTypeId: null },
    dedupeKey: null,
  }
  const rowOf = (id: string, is: Odd | null): IncomingWebhookRow => ({
    ...{ id, workspaceId: source.workspaceId, customerId: source.customerId, integrationId: null },
    ...{ connectionId: source.connectionId, subscriptionId: source.subscriptionId, globalWebhookId: null },
    ...{ method: is?.text ?? 'POST', query: is?.text ?? null, headers: is?.text ?? '{}', secretsSealed: null },
    ...{ body: Buffer.from(is?.text ?? '{}'), status: 'success', error: is?.text ?? null, response: is?.text ?? null },
    ...{ responseStatus: is?.number ?? 200, durationMs: is?.number ?? 1, functionCallId: is?.id ?? null },
    ...{ eventIds: [], repeatedEventIds: null, replayOf: null, payloadCutAt: null },
  })
  for (const identity of [null, { key: Buffer.alloc(16, 7), forMs: 60_000 }]) {
    await neighbours(
      (rows) =>
        Promise.allSettled(
          rows.map(async ({ id, odd: is }) => {
            const events = [{ source, payload: is === null ? { a: 1 } : is.value, identity }]
            await writer.write({ row: rowOf(id, is), events, active: null })
          }),
        ),
      () => idsIn('incoming_webhooks'),
    )
  }
  expect((await idsIn('external_events')).length).toBeGreaterThan(0)
})

function progressOf(id: string, is: Odd | null, isEnded: boolean): RunProgress {
  const startedAt = systemClock.now()
  const errors = is === null ? [] : [{ type: 'flow_run' as const, key: is.text, message: is.text, data: is.value }]
  const run: NewRun = {
    ...{ workspaceId: house.workspace.id, ...flow, connectionId: null, integrationId: null, flowId: null },
    ...{ universalFlowId: null, startNodeKey: is?.text ?? 'start', eventId: null, inputText: is?.text ?? '{}' },
    ...{ launchedBy: { type: is?.text ?? 'api' }, meta: is === null ? null : { of: is.value } },
    ...{ isOrdered: false, concurrency: null },
  }
  const nodeRun: NodeRun = {
    ...{ id: ids.next(), runId: id, nodeKey: is?.text ?? 'start', path: is?.text ?? 'start', status: 'completed' },
    ...{ item: is?.text ?? null, outputs: is?.text ?? '[1]', errors, logs: is === null ? [] : [is.value] },
    ...{ startedAt, endedAt: startedAt, attempts: is?.number ?? 1, next: is?.text ?? null },
  }
  const state = is === null ? ('completed' as const) : ('failed' as const)
  return {
    item: runItem(id, run, '{}', true),
    startedAt,
    nodeRuns: [nodeRun],
    isAll: isEnded,
    waits: null,
    finish: isEnded ? { state, endedAt: startedAt, errors, nodeCounts: {} } : null,
    isStopped: false,
  }
}

test('what runs did, and what is told of it', async () => {
  const { database, ownership, runs } = house.engine
  const batches = new Batches({ store: batchStoreOf(database), ownership, clock: systemClock, ids, log: silentLog })
  const refused: string[] = []
  const recorder = createRecorder({
    record: recordingIn(database),
    clock: systemClock,
    batches,
    log: silentLog,
    onNews() {},
    onRefused: (item) => refused.push(item.id),
  })
  const good: string[] = []
  await neighbours(
    async (rows) => {
      const counts = await Promise.all(rows.map(({ id, odd: is }) => recordBeside(recorder, progressOf(id, is, true))))
      rows.forEach(({ id, odd: is }, index) => {
        if (is !== null) return
        good.push(id)
        expect(counts[index]).toBe(true)
      })
    },
    () => idsIn('flow_runs'),
  )
  await neighbours(
    (rows) => Promise.all(rows.map(({ id, odd: is }) => recordBeside(recorder, progressOf(id, is, false)))),
    async () => {
      const { rows } = await sql<{ id: string }>`select run_id as id from flow_node_runs`.execute(database.db)
      return rows.map(({ id }) => id)
    },
  )
  // News of runs of which no message can be made, among the others.
  await sql`update flow_runs set launched_by = 'not JSON' where state = 'failed' and id in (
    select id from flow_runs where state = 'failed' order by id limit 5)`.execute(database.db)
  await runs.settled()
  await house.settle()
  const told = receiver.received.map(({ json }) => (json as { data: { flowRun: { id: string } } }).data.flowRun.id)
  const toldIds = new Set(told.map((id) => fromWire('fr', id)))
  expect(good.filter((id) => !toldIds.has(id))).toEqual([])
  // Each that ended as failed because of what it did is told of, once.
  const { rows: failed } = await sql<{ id: string }>`
    select id from flow_runs where errors::text like '%could not be recorded%'`.execute(database.db)
  expect(failed.length).toBeGreaterThan(0)
  expect(failed.map(({ id }) => id).filter((id) => refused.filter((each) => each === id).length !== 1)).toEqual([])
  const { rows: left } = await sql`select 1 from flow_run_news`.execute(database.db)
  expect(left).toEqual([])
})

test('that the name of the database does not resolve for a moment is told of no run', async () => {
  const { database, ownership } = house.engine
  const says = { code: 'EAI_AGAIN', syscall: 'getaddrinfo', errno: -3001, hostname: 'database' }
  let tries = 0
  const unsteady: Database = {
    ...database,
    async atomically<Row extends object>(statements: readonly Statement[]) {
      tries += 1
      if (tries === 1) throw Object.assign(new Error('getaddrinfo EAI_AGAIN database'), says)
      return database.atomically<Row>(statements)
    },
  }
  const batches = new Batches({ store: batchStoreOf(database), ownership, clock: systemClock, ids, log: silentLog })
  const recorder = createRecorder({
    record: recordingIn(unsteady),
    clock: systemClock,
    batches,
    log: silentLog,
    onNews() {},
    onRefused() {},
  })
  const id = ids.next()
  expect(await recordBeside(recorder, progressOf(id, null, true))).toBe(true)
  expect(tries).toBe(2)
  const { rows } = await sql`select state, errors from flow_runs where id = ${id}`.execute(database.db)
  expect(rows).toEqual([{ state: 'completed', errors: null }])
})

test('attempts of deliveries', async () => {
  const { database } = house.engine
  const record = createAttemptRecorder({ database, log: silentLog, patience: createPatience(silentLog) })
  const attemptOf = (id: string, is: Odd | null): Attempt => ({
    ...{ id, workspaceId: house.workspace.id, deliveryId: ids.next(), destinationId: ids.next(), number: 2 },
    ...{ trigger: 'auto', replayId: null, outcome: 'rejected', errorClass: is?.text ?? null },
    ...{ error: is?.text ?? null, httpStatus: is?.number ?? 500, durationMs: is === null ? 1 : is.number },
    ...{ request: is?.value ?? {}, response: is?.value ?? null, nextAttemptAt: systemClock.now() },
  })
  await neighbours(
    (rows) =>
      Promise.allSettled(
        rows.map(async ({ id, odd: is }) => {
          const settled = { isOrdered: false, attemptsMade: 2, settled: null, at: systemClock.now() }
          await record({ attempt: attemptOf(id, is), ...settled })
        }),
      ),
    () => idsIn('delivery_attempts'),
  )
})

test('requests to apps', async () => {
  const logs = createApiLogs({ pool: house.engine.database.pool, log: silentLog })
  await neighbours(
    async (rows) => {
      for (const { id, odd: is } of rows)
        logs.add({
          ...{ id, workspaceId: house.workspace.id, customerId: flow.customerId, integrationId: is?.id ?? null },
          ...{ connectionId: ids.next(), sourceId: is?.text ?? null, method: 'GET', requestUri: is?.text ?? '/' },
          ...{ statusCode: is?.number ?? 200, isSuccess: true, durationMs: is?.number ?? 1, error: is?.text ?? null },
          ...{ request: is?.text ?? '{}', response: is?.text ?? null },
        })
      await logs.settled()
    },
    () => idsIn('external_api_logs'),
  )
})

test('calls of functions', async () => {
  const calls = createCallRecorder({ database: house.engine.database, log: silentLog })
  await neighbours(
    async (rows) => {
      for (const { id, odd: is } of rows)
        calls.add({
          ...{ id, workspaceId: house.workspace.id, customerId: is?.id ?? null, integrationId: null },
          ...{ connectionId: null, ownerId: is?.text ?? 'act_1', slot: is?.text ?? 'run', sourceId: null },
          ...{ outcome: is?.text ?? 'returned', error: is?.text ?? null, logs: is?.text ?? null },
          ...{ cpuMs: is?.number ?? 1, durationMs: is?.number ?? 1, hostCalls: is?.number ?? 0 },
        })
      await calls.settled()
    },
    () => idsIn('function_calls'),
  )
})

test('refused requests', async () => {
  const { database } = house.engine
  const refused = createRefusedRequests({
    ...{ database, ids, metrics: createMetrics(), log: silentLog },
    workspaceByKey: async () => null,
    onlyWorkspace: async () => house.workspace.id,
    // So that all are kept.
    nowMs: (() => {
      let nowMs = 0
      return () => {
        nowMs += 60_000
        return nowMs
      }
    })(),
  })
  await neighbours(
    async (rows) => {
      for (const { id, odd: is } of rows)
        refused.note({
          ...{ reason: 'not_found', status: is?.number ?? 404, message: is?.text ?? 'not found', method: 'POST' },
          ...{ url: `/${is?.text ?? id}`, address: is?.text ?? '127.0.0.1', workspaceId: house.workspace.id },
          ...{ customerId: is?.id ?? null, elementId: null, authorization: is?.text },
          body: () => ({ text: is?.text ?? '{}', contentType: is?.text ?? 'application/json' }),
        })
      await refused.settled()
    },
    async () => {
      const { rows } = await sql<{ path: string }>`select path from refused_requests`.execute(database.db)
      return rows.map(({ path }) => path.slice(1))
    },
  )
})
