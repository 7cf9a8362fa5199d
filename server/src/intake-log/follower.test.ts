import type { StoredMsg } from '@nats-io/jetstream'
import { until } from '@permea/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { silentLog } from '../platform/log.ts'
import { Follower, type Heard } from './follower.ts'

/** A log that answers as the servers do: with the first message of the subject from a sequence on. */
function logOf(sequences: readonly number[], isMissed = (_sequence: number) => false) {
  const there = [...sequences]
  let [lookUps, mostAtOnce, underWay] = [0, 0, 0]
  const taken: number[] = []
  const follower = new Follower({
    connection: { isClosed: () => false },
    log: silentLog,
    ...{ stream: 'log', after: 0 },
    manager: {
      streams: {
        async getMessage(_stream: string, { seq = 0 }: { seq?: number }) {
          underWay += 1
          mostAtOnce = Math.max(mostAtOnce, underWay)
          await new Promise((resolve) => setImmediate(resolve))
          underWay -= 1
          const found = there.find((each) => each >= seq)
          if (found === undefined) return null
          return { seq: found } as StoredMsg
        },
      } as never,
    },
    read: ({ seq }) => ({ sequence: seq, atMs: 0, shards: [], data: async () => new Uint8Array() }),
    async ahead(after) {
      lookUps += 1
      return there.filter((each) => each > after && !isMissed(each)).map((sequence) => heard(sequence))
    },
    async take({ sequence }) {
      taken.push(sequence)
    },
  })
  return { there, taken, follower, figures: () => ({ lookUps, mostAtOnce }) }
}

const heard = (sequence: number, bytes = 100): Heard => ({ sequence, bytes })

test('whatever was heard of, true or not, every message is handed on once and in order', async () => {
  const sequences = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  const bells = fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(sequences, sequences, bells, bells, async (first, later, before, after) => {
      const sorted = first.toSorted((a, b) => a - b)
      const last = sorted.at(-1) ?? 0
      const { there, taken, follower } = logOf(sorted, (each) => each % 3 === 0)
      for (const each of before) follower.ring(heard(each))
      const running = follower.run()
      await until('the first are handed on', 20_000, () => taken.length === sorted.length)
      there.push(...later.map((each) => last + each).toSorted((a, b) => a - b))
      for (const each of after) follower.ring(heard(last + each))
      follower.ring()
      await until('all are handed on', 20_000, () => taken.length === there.length && !follower.isBehind)
      follower.stop()
      await running
      expect(taken).toEqual(there)
    }),
    { numRuns: 60 },
  )
})

test('messages that were heard of are asked for at once, as many as their bytes allow', async () => {
  const sequences = Array.from({ length: 160 }, (_, index) => 3 * index + 1)
  const small = logOf(sequences)
  const large = logOf(sequences)
  for (const each of sequences) {
    small.follower.ring(heard(each))
    large.follower.ring(heard(each, 2 * 1024 * 1024 + 1))
  }
  const running = [small, large].map((each) => each.follower.run())
  await until('all are handed on', 20_000, () => [small, large].every(({ taken }) => taken.length === 160))
  for (const each of [small, large]) each.follower.stop()
  await Promise.all(running)
  expect(small.figures().mostAtOnce).toBe(64)
  expect(large.figures().mostAtOnce).toBe(2)
})

test('of many messages that nobody told of it is looked up which there are', async () => {
  const sequences = Array.from({ length: 160 }, (_, index) => 3 * index + 1)
  const { follower, taken, figures } = logOf(sequences)
  const running = follower.run()
  await until('all are handed on', 20_000, () => taken.length === 160)
  follower.stop()
  await running
  expect(taken).toEqual(sequences)
  expect(figures()).toEqual({ lookUps: 1, mostAtOnce: 64 })
})
