import { createTestDatabase, until } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { createDatabase, type Database, sql } from '../platform/database.ts'
import { createIds } from '../platform/ids.ts'
import { silentLog } from '../platform/log.ts'
import { SHARDS } from '../platform/ownership.ts'
import { createApplier } from './applier.ts'
import type { Prepared } from './apply-events.ts'
import type { Bus } from './bus.ts'
import type { LogMessage } from './follower.ts'
import { encodeEntries, type LoggedEvents, shardOfEvents } from './log-entry.ts'
import { appliedShards, everywhereApplied } from './store.ts'

const ids = createIds(systemClock)
let database: Database
let clone: Awaited<ReturnType<typeof createTestDatabase>>

beforeAll(async () => {
  clone = await createTestDatabase()
  database = createDatabase({ url: clone.url, connectionsMax: 6, log: silentLog })
  await sql`create table applied_here (id bigserial, shard int, payload text)`.execute(database.db)
})
beforeEach(async () => {
  await sql`truncate intake_shards, applied_here, intake_set_aside`.execute(database.db)
})
afterAll(async () => {
  await database.close()
  await clone[Symbol.asyncDispose]()
})

/** A log that hands its messages on as the servers do, each some turns later. */
function logOf() {
  const log: LogMessage[] = []
  let [followers, asked] = [0, 0]
  let ring = Promise.withResolvers<void>()
  /** What it holds is there later where it is put together from parts. */
  const put = (shards: readonly number[], data: Uint8Array, whole: Promise<void> = Promise.resolve()) => {
    log.push({ sequence: log.length + 1, atMs: 0, shards, data: () => whole.then(() => data) })
    ring.resolve()
    ring = Promise.withResolvers()
  }
  const bus: Pick<Bus, 'identity' | 'follow'> = {
    identity: 'log',
    follow(after, take) {
      let [at, isStopped] = [after, false]
      followers += 1
      const run = async () => {
        while (!isStopped) {
          const next = log[at]
          if (next === undefined) {
            await ring.promise
            continue
          }
          await new Promise((resolve) => setImmediate(resolve))
          asked += 1
          await take(next)
          at = next.sequence
        }
      }
      void run()
      return {
        unread: () => log.length - at,
        async stop() {
          isStopped = true
        },
      }
    },
  }
  return { bus, put, figures: () => ({ followers, asked }) }
}

function entryFor(shard: number, payload: string): LoggedEvents {
  const customerId = `00000000-0000-7000-8000-0000000000${shard.toString(16).padStart(2, '0')}`
  const event = {
    id: ids.next(),
    workspaceId: ids.next(),
    customerId,
    appEventTypeId: ids.next(),
    subscriptionId: null,
  }
  return {
    ...{ kind: 'events', id: ids.next(), urlKey: 'u', scope: null, status: 200, answer: null },
    events: [{ event: { ...event, payload }, address: { webhookKey: 'u', customerId }, pending: null }],
  }
}

function messageFor(log: ReturnType<typeof logOf>, pairs: readonly (readonly [number, string])[]): void {
  const shards = [...new Set(pairs.map(([shard]) => shard))]
  log.put(shards, encodeEntries(pairs.map(([shard, payload]) => entryFor(shard, payload))))
}

/** Applies into a table of its own; what says so cannot be applied. */
function applierOn(
  bus: Pick<Bus, 'identity' | 'follow'>,
  more: { waitingBytesMax?: number; hold?: Promise<void> } = {},
) {
  const { hold, ...limits } = more
  return createApplier({
    ...{ bus, database, clock: systemClock, ids, log: silentLog, triesMax: 1, ...limits },
    webhooks: { async apply() {} },
    events: {
      async prepare(entries) {
        if (hold !== undefined && entries.some((entry) => entry.events[0]?.event.payload.startsWith('held') === true))
          await hold
        return { ready: entries.map((entry) => ({ entry, events: [] })) } as unknown as Prepared
      },
      async store(tx, { ready }) {
        for (const { entry } of ready) {
          const payload = entry.events[0]?.event.payload ?? ''
          if (payload.startsWith('cannot')) throw new Error('this one cannot be applied')
          const shard = shardOfEvents(entry)
          await sql`insert into applied_here (shard, payload) values (${shard}, ${payload})`.execute(tx)
        }
        return { events: [], items: [] }
      },
      committed() {},
    },
  })
}

async function appliedHere(): Promise<Map<number, string[]>> {
  const { rows } = await sql<{ shard: number; payload: string }>`
    select shard, payload from applied_here order by id`.execute(database.db)
  const groups = Map.groupBy(rows, (row) => row.shard)
  return new Map([...groups].map(([shard, own]) => [shard, own.map(({ payload }) => payload)]))
}

const SHARDS_TRIED = [0, 1, 2, 3]
const shard = fc.constantFrom(...SHARDS_TRIED)
const move = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      shards: fc.array(shard, { minLength: 1, maxLength: 5 }),
      chars: fc.integer({ min: 1, max: 1500 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('move' as const),
      shards: fc.uniqueArray(shard, { minLength: 1 }),
      how: fc.constantFrom('given-up' as const, 'sudden' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'wait' as const }) },
)

test('whoever works a shard, and however little room there is, each entry is applied once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 60 }), async (moves) => {
      await sql`truncate intake_shards, applied_here`.execute(database.db)
      const log = logOf()
      const appliers = [0, 1].map(() => applierOn(log.bus, { waitingBytesMax: 4000 }))
      const worker = new Map(SHARDS_TRIED.map((each) => [each, 0]))
      await appliers[0]?.follow(SHARDS_TRIED)
      const sent = new Map<number, string[]>()
      let count = 0
      for (const each of moves) {
        if (each.kind === 'put') {
          const pairs = each.shards.map((one) => {
            count += 1
            const payload = `${count} ${'x'.repeat(each.chars)}`
            sent.set(one, [...(sent.get(one) ?? []), payload])
            return [one, payload] as const
          })
          messageFor(log, pairs)
        } else if (each.kind === 'move') {
          const from = worker.get(each.shards[0] ?? 0) ?? 0
          const own = each.shards.filter((one) => worker.get(one) === from)
          await appliers[from]?.leave(own, each.how)
          await appliers[1 - from]?.follow(own)
          for (const one of own) worker.set(one, 1 - from)
        } else await new Promise((resolve) => setImmediate(resolve))
      }
      await until('all are applied', 20_000, async () => [...(await appliedHere()).values()].flat().length >= count)
      expect(await appliedHere()).toEqual(sent)
      for (const each of appliers) await each.stop()
    }),
    { numRuns: 40 },
  )
})

test('a shard that stands still is read by itself where there is no room, and the others go on', async () => {
  const log = logOf()
  const { promise: hold, resolve: letGo } = Promise.withResolvers<void>()
  const applier = applierOn(log.bus, { waitingBytesMax: 20_000, hold })
  // It waits to be tried again; by then the others are to be through.
  messageFor(log, [[1, 'cannot be applied']])
  for (let n = 0; n < 30; n += 1)
    messageFor(log, [
      [1, `held ${n} ${'x'.repeat(1000)}`],
      [2, `${n}`],
    ])
  await applier.follow([1, 2])
  await until('the other shard is through', 20_000, async () => (await appliedHere()).get(2)?.length === 30)
  letGo()
  await until('this one is, too', 20_000, async () => (await appliedHere()).get(1)?.length === 30)
  const { rows } = await sql<{ shard: number; error: string }>`select shard, error from intake_set_aside`.execute(
    database.db,
  )
  expect(rows).toEqual([{ shard: 1, error: 'this one cannot be applied' }])
  await applier.stop()
})

test('what was being read when a shard came is read again for it, from where it stands', async () => {
  const log = logOf()
  const applier = applierOn(log.bus)
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await applier.follow([1])
  log.put([2], encodeEntries([entryFor(2, 'a')]), first.promise)
  log.put([1, 2], encodeEntries([entryFor(1, 'b'), entryFor(2, 'c')]), second.promise)
  await until('the second is asked for', 20_000, () => log.figures().asked === 2)
  await applier.follow([2])
  await until('the first is asked for again', 20_000, () => log.figures().asked === 3)
  second.resolve()
  await until('what was asked for is there', 20_000, async () => (await second.promise) === undefined)
  first.resolve()
  await until('all are applied', 20_000, async () => [...(await appliedHere()).values()].flat().length === 3)
  expect(await appliedHere()).toEqual(
    new Map([
      [1, ['b']],
      [2, ['a', 'c']],
    ]),
  )
  await applier.stop()
})

test('shards for which nothing comes are said to be as far as the log was read', async () => {
  const log = logOf()
  const applier = applierOn(log.bus)
  for (let n = 0; n < 5; n += 1) messageFor(log, [[3, `${n}`]])
  await applier.follow(Array.from({ length: SHARDS }, (_, each) => each))
  const upTo = async () => everywhereApplied(await appliedShards(database.db, 'log'))
  await until('all shards are at the end', 20_000, async () => (await upTo()) === 5)
  expect(applier.unread()).toBe(0)
  await applier.stop()
})

test('a message that cannot be read is set aside once, whomever it was for', async () => {
  const log = logOf()
  const applier = applierOn(log.bus)
  await applier.follow([1, 2])
  log.put([2, 1], Buffer.from('what'))
  messageFor(log, [
    [1, 'a'],
    [2, 'b'],
  ])
  await until('what came behind it is applied', 20_000, async () => (await appliedHere()).size === 2)
  const { rows } = await sql<{ shard: number; entry: Buffer }>`select shard, entry from intake_set_aside`.execute(
    database.db,
  )
  expect(rows).toEqual([{ shard: 2, entry: Buffer.from('what') }])
  await applier.stop()
})
