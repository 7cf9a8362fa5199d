import { createTestDatabase } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type Database, sql } from '../platform/database.ts'
import { silentLog } from '../platform/log.ts'
import { createCleaning } from './cleaner.ts'

let database: Database
let clone: Awaited<ReturnType<typeof createTestDatabase>>

beforeAll(async () => {
  clone = await createTestDatabase()
  database = createDatabase({ url: clone.url, connectionsMax: 4, log: silentLog })
})
afterAll(async () => {
  await database.close()
  await clone[Symbol.asyncDispose]()
})

const SERVERS = 3
const SHARDS_TRIED = 4

/**
 * Three servers with one log, each of which may not have worked off its end yet. Whichever leads answers with what it
 * has; what was told to be removed is removed from all.
 */
function logOfServers() {
  const log: { sequence: number; shard: number }[] = []
  const worked = Array.from({ length: SERVERS }, () => 0)
  const applied = new Map<number, number>()
  let [leader, removed] = [0, 0]
  const there = () => log.filter(({ sequence }) => sequence > removed && sequence <= (worked[leader] ?? 0))
  const lostBy: string[] = []
  return {
    applied,
    lostBy,
    get left() {
      return log.filter(({ sequence }) => sequence > removed).length
    },
    get last() {
      return log.length
    },
    /** Held by the leader and one more; whoever else has it later. */
    put(shard: number) {
      log.push({ sequence: log.length + 1, shard })
      worked[leader] = log.length
    },
    lead(server: number) {
      leader = server
    },
    workOff() {
      worked.fill(log.length)
    },
    apply(shard: number, sequence: number) {
      applied.set(shard, Math.max(applied.get(shard) ?? 0, sequence))
    },
    bus: {
      identity: 'log',
      async span() {
        const first = Math.min(there()[0]?.sequence ?? Number.POSITIVE_INFINITY, (worked[leader] ?? 0) + 1)
        return { first, last: Math.max(removed, worked[leader] ?? 0), leader: `n${leader}` }
      },
      async nextOf(shard: number, after: number) {
        const found = there().find((each) => each.shard === shard && each.sequence > after)
        return found === undefined ? null : { sequence: found.sequence, at: new Date(0) }
      },
      async removeUpTo(sequence: number) {
        for (const each of log)
          if (each.sequence > removed && each.sequence <= sequence && each.sequence > (applied.get(each.shard) ?? 0))
            lostBy.push(`${each.sequence} of shard ${each.shard}`)
        removed = Math.max(removed, sequence)
      },
      lastPart: async () => 0,
      removePartsUpTo: async () => {},
    },
  }
}

const server = fc.integer({ min: 0, max: SERVERS - 1 })
const move = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), shard: fc.integer({ min: 0, max: SHARDS_TRIED - 1 }) }),
  fc.record({ kind: fc.constant('lead' as const), server }),
  fc.record({ kind: fc.constant('work off' as const) }),
  fc.record({ kind: fc.constant('apply' as const), shard: fc.integer({ min: 0, max: SHARDS_TRIED - 1 }) }),
)
type Move = typeof move extends fc.Arbitrary<infer M> ? M : never

test('whichever server leads, and whatever it has worked off, nothing is removed that is not applied', async () => {
  const rounds = fc.array(fc.array(move, { maxLength: 6 }), { minLength: 2, maxLength: 8 })
  // What happens between two questions of a round.
  const between = fc.array(fc.array(move, { maxLength: 3 }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(rounds, between, async (before, meanwhile) => {
      const model = logOfServers()
      let inBetween = meanwhile.values()
      const go = async (moves: readonly Move[]) => {
        for (const each of moves) {
          if (each.kind === 'put') model.put(each.shard)
          if (each.kind === 'lead') model.lead(each.server)
          if (each.kind === 'work off') model.workOff()
          if (each.kind === 'apply') model.apply(each.shard, model.last)
        }
        await writeApplied(model.applied)
      }
      let hasChanged = false
      const eventful =
        <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
        async (...args: A): Promise<R> => {
          const answer = await ask(...args)
          // To choose twice takes longer than a round may.
          for (const each of inBetween.next().value ?? []) {
            if (each.kind === 'lead' && hasChanged) continue
            hasChanged ||= each.kind === 'lead'
            await go([each])
          }
          return answer
        }
      const { bus } = model
      const clean = createCleaning({
        bus: { ...bus, span: eventful(bus.span), nextOf: eventful(bus.nextOf) },
        database,
        ownership: { owns: () => true },
        nowMs: () => 0,
      })
      await sql`truncate intake_shards`.execute(database.db)
      for (const moves of before) {
        await go(moves)
        hasChanged = false
        await clean()
      }
      expect(model.lostBy).toEqual([])
      // When all is calm, all that is applied goes.
      inBetween = [].values()
      model.workOff()
      for (let shard = 0; shard < SHARDS_TRIED; shard += 1) model.apply(shard, model.last)
      await writeApplied(model.applied)
      for (let times = 0; times < 2; times += 1) await clean()
      expect(model.left).toBe(0)
    }),
    { numRuns: 400 },
  )
})

test('what took so long that the leader may have changed twice is not believed', async () => {
  await sql`truncate intake_shards`.execute(database.db)
  const model = logOfServers()
  model.put(1)
  let nowMs = 0
  let tookMs = 2100
  const clean = createCleaning({
    database,
    ownership: { owns: () => true },
    nowMs: () => nowMs,
    bus: {
      ...model.bus,
      async nextOf() {
        nowMs += tookMs
        return null
      },
    },
  })
  for (let times = 0; times < 3; times += 1) await clean()
  expect(model.left).toBe(1)
  tookMs = 1
  await clean()
  expect(model.left).toBe(0)
})

test('parts of a message stay until it is applied, also where somebody else cleaned meanwhile', async () => {
  await sql`truncate intake_shards`.execute(database.db)
  const model = logOfServers()
  let [nowMs, owns] = [0, true]
  const removed: number[] = []
  const clean = createCleaning({
    database,
    ownership: { owns: () => owns },
    nowMs: () => nowMs,
    bus: {
      ...model.bus,
      lastPart: async () => 5,
      async removePartsUpTo(sequence) {
        removed.push(sequence)
      },
    },
  })
  for (let times = 0; times < 2; times += 1) await clean()
  owns = false
  model.put(1)
  nowMs += 400_000
  owns = true
  for (let times = 0; times < 4; times += 1) await clean()
  expect(removed).toEqual([])
  model.apply(1, model.last)
  await writeApplied(model.applied)
  await clean()
  expect(removed).toEqual([5])
})

async function writeApplied(applied: ReadonlyMap<number, number>): Promise<void> {
  await sql`insert into intake_shards (shard, stream, applied)
    select shard, 'log', applied from unnest(${[...applied.keys()]}::int[], ${[...applied.values()]}::bigint[])
      as n (shard, applied)
    on conflict (shard) do update set applied = excluded.applied`.execute(database.db)
}
