import { createTestDatabase } from '@permea/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type Database, sql } from '../platform/database.ts'
import { silentLog } from '../platform/log.ts'
import { SHARDS } from '../platform/ownership.ts'
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

/** A log of messages for a shard each. */
function logOf() {
  const log: { sequence: number; shard: number }[] = []
  const applied = new Map(Array.from({ length: SHARDS }, (_, shard) => [shard, 0]))
  const lostBy: string[] = []
  const partsRemoved: number[] = []
  let [removed, hidden] = [0, 0]
  return {
    ...{ applied, lostBy, partsRemoved },
    get left() {
      return log.length - removed
    },
    get last() {
      return log.length
    },
    put(shard: number) {
      log.push({ sequence: log.length + 1, shard })
    },
    /** Whoever leads has not worked off so many at the end. */
    hide(count: number) {
      hidden = Math.min(count, log.length - removed)
    },
    apply(shard: number, sequence: number) {
      applied.set(shard, Math.max(applied.get(shard) ?? 0, sequence))
    },
    bus: {
      identity: 'log',
      span: async () => ({ first: removed + 1, last: log.length - hidden }),
      async removeUpTo(sequence: number) {
        for (const each of log)
          if (each.sequence > removed && each.sequence <= sequence && each.sequence > (applied.get(each.shard) ?? 0))
            lostBy.push(`${each.sequence} of shard ${each.shard}`)
        removed = Math.max(removed, sequence)
      },
      lastPart: async () => 5,
      async removePartsUpTo(sequence: number) {
        partsRemoved.push(sequence)
      },
    },
  }
}

const shard = fc.integer({ min: 0, max: SHARDS - 1 })
const move = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), shard }),
  fc.record({ kind: fc.constant('hide' as const), count: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ kind: fc.constant('apply' as const), shard }),
  fc.constant({ kind: 'stand' as const }),
  fc.constant({ kind: 'clean' as const }),
)

test('what no shard has left to apply is removed, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { maxLength: 40 }), async (moves) => {
      const model = logOf()
      const { bus } = model
      const clean = createCleaning({ bus, database, ownership: { owns: () => true }, nowMs: () => 0 })
      await sql`truncate intake_shards`.execute(database.db)
      for (const each of moves) {
        if (each.kind === 'put') model.put(each.shard)
        if (each.kind === 'hide') model.hide(each.count)
        if (each.kind === 'apply') model.apply(each.shard, model.last)
        // Shards for which nothing is left say so.
        if (each.kind === 'stand') for (const [one] of model.applied) model.apply(one, model.last)
        if (each.kind === 'clean') {
          await writeApplied(model.applied)
          await clean()
        }
      }
      expect(model.lostBy).toEqual([])
      for (const [one] of model.applied) model.apply(one, model.last)
      await writeApplied(model.applied)
      await clean()
      expect(model.left).toBe(0)
    }),
    { numRuns: 200 },
  )
})

test('where one shard never said how far it is, nothing is removed', async () => {
  await sql`truncate intake_shards`.execute(database.db)
  const model = logOf()
  for (let one = 0; one < SHARDS; one += 1) model.put(one)
  for (const [one] of model.applied) if (one !== 7) model.apply(one, model.last)
  model.applied.delete(7)
  await writeApplied(model.applied)
  const clean = createCleaning({ bus: model.bus, database, ownership: { owns: () => true }, nowMs: () => 0 })
  await clean()
  expect(model.left).toBe(SHARDS)
})

test('parts of a message stay until it is applied, whatever the leader has worked off', async () => {
  await sql`truncate intake_shards`.execute(database.db)
  const model = logOf()
  let nowMs = 0
  const clean = createCleaning({ bus: model.bus, database, ownership: { owns: () => true }, nowMs: () => nowMs })
  model.put(0)
  for (const [one] of model.applied) model.apply(one, model.last)
  await writeApplied(model.applied)
  await clean()
  model.put(1)
  model.hide(1)
  nowMs += 301_000
  await clean()
  model.hide(0)
  nowMs += 5000
  await clean()
  nowMs += 400_000
  for (let times = 0; times < 3; times += 1) await clean()
  expect(model.partsRemoved).toEqual([])
  for (const [one] of model.applied) model.apply(one, model.last)
  await writeApplied(model.applied)
  await clean()
  expect(model.partsRemoved).toEqual([5])
})

async function writeApplied(applied: ReadonlyMap<number, number>): Promise<void> {
  await sql`insert into intake_shards (shard, stream, applied)
    select shard, 'log', applied from unnest(${[...applied.keys()]}::int[], ${[...applied.values()]}::bigint[])
      as n (shard, applied)
    on conflict (shard) do update set applied = excluded.applied`.execute(database.db)
}
