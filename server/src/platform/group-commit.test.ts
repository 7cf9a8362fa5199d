import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createGroupCommit, type GroupCommitOptions } from './group-commit.ts'

/** A writer that notes its groups and answers when told. */
function writer() {
  const groups: number[][] = []
  let open: (() => void)[] = []
  return {
    groups,
    write: (items: number[]) => {
      groups.push(items)
      return new Promise<number[]>((resolve) => open.push(() => resolve(items.map((item) => item * 10))))
    },
    answerAll() {
      const waiting = open
      open = []
      for (const answer of waiting) answer()
    },
    get underWay() {
      return open.length
    },
  }
}

const create = (
  options: Pick<GroupCommitOptions<number, number>, 'write'> & Partial<GroupCommitOptions<number, number>>,
) =>
  createGroupCommit<number, number>({
    groupMax: 10,
    groupWeightMax: 1000,
    writersMax: 1,
    waitingMax: 100,
    waitingWeightMax: 10_000,
    ...options,
  })

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('what arrives while a group is being written is the next group, and everybody gets their own answer', async () => {
  const far = writer()
  const commit = create({ write: far.write })
  const first = commit.add(1, 1)
  await turn()
  const others = [2, 3, 4].map((item) => commit.add(item, 1))
  await turn()
  expect(far.groups).toEqual([[1]])
  expect(commit.waiting).toBe(3)
  far.answerAll()
  expect(await first).toBe(10)
  await turn()
  expect(far.groups).toEqual([[1], [2, 3, 4]])
  far.answerAll()
  expect(await Promise.all(others)).toEqual([20, 30, 40])
})

test('with a time to gather, a lone item is written at once, and items that follow each other go together', async () => {
  const groups: number[][] = []
  const commit = create({
    gatherMs: 1000,
    writersMax: 8,
    write: (items) => {
      groups.push(items)
      return Promise.resolve(items)
    },
  })
  const beganMs = performance.now()
  await commit.add(1, 1)
  expect(performance.now() - beganMs).toBeLessThan(800)
  const others: Promise<number>[] = []
  for (let item = 2; item <= 60; item += 1) {
    others.push(...[commit.add(item, 1)].filter((each) => each !== null))
    await turn()
  }
  // A full group waits for nobody.
  expect(groups.filter((each) => each.length === 10)).not.toEqual([])
  await Promise.all(others)
  expect(groups.length).toBeLessThan(25)
  expect(groups.flat()).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
})

test('who waits until all is written does not wait for more to come', async () => {
  const commit = create({ gatherMs: 60_000, write: (items) => Promise.resolve(items) })
  const all = Array.from({ length: 9 }, (_, item) => commit.add(item, 1))
  await commit.drained()
  expect(await Promise.all(all)).toHaveLength(9)
})

test('a full queue gives null at once, by number and by weight, and takes again when it has room', async () => {
  const far = writer()
  const commit = create({ write: far.write, groupMax: 1, waitingMax: 2, waitingWeightMax: 100 })
  const written = commit.add(1, 1)
  await turn()
  const waiting = [commit.add(2, 50), commit.add(3, 10)]
  expect(commit.add(4, 1)).toBeNull()
  far.answerAll()
  await written
  await turn()
  expect(commit.add(5, 95)).toBeNull()
  const last = commit.add(6, 80)
  expect(last).not.toBeNull()
  while (commit.waiting > 0 || far.underWay > 0) {
    far.answerAll()
    await turn()
  }
  expect(await Promise.all([...waiting, last])).toEqual([20, 30, 60])
})

test('an item heavier than the whole queue may be goes alone where nothing else waits', async () => {
  const far = writer()
  const commit = create({ write: far.write, groupWeightMax: 10, waitingWeightMax: 100 })
  const heavy = commit.add(1, 500)
  const refused = commit.add(2, 1)
  expect(refused).toBeNull()
  await turn()
  expect(far.groups).toEqual([[1]])
  far.answerAll()
  expect(await heavy).toBe(10)
})

test('a group that cannot be written refuses its own callers only', async () => {
  let isBroken = true
  const commit = create({
    write: async (items) => {
      if (isBroken) throw new Error('the database is away')
      return items
    },
  })
  await expect(Promise.all([commit.add(1, 1), commit.add(2, 1)])).rejects.toThrow('the database is away')
  isBroken = false
  expect(await commit.add(3, 1)).toBe(3)
})

test('where the database is away nobody is tried again: a group may have been stored all the same', async () => {
  let writes = 0
  const commit = create({
    async write() {
      writes += 1
      throw Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' })
    },
  })
  const settled = await Promise.allSettled([1, 2, 3, 4].map((item) => commit.add(item, 1)))
  expect(settled.map((each) => each.status)).toEqual(Array.from({ length: 4 }, () => 'rejected'))
  expect(writes).toBe(1)
})

test('an item’s answer never depends on its neighbours, whichever of them cannot be written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      async (bad, groupMax) => {
        const stored: number[] = []
        let writes = 0
        const commit = create({
          groupMax,
          async write(group) {
            writes += 1
            await turn()
            const refused = group.find((index) => bad[index] === true)
            if (refused !== undefined) throw new Error(`item ${refused} cannot be written`)
            stored.push(...group)
            return group
          },
        })
        const settled = await Promise.allSettled(bad.map((_, index) => commit.add(index, 1)))
        for (const [index, own] of settled.entries()) {
          if (bad[index] !== true) expect(own).toEqual({ status: 'fulfilled', value: index })
          else expect(own).toMatchObject({ status: 'rejected', reason: { message: `item ${index} cannot be written` } })
        }
        expect(stored.toSorted((one, other) => one - other)).toEqual(
          bad.flatMap((isBad, index) => (isBad ? [] : [index])),
        )
        // One that cannot be written costs a search by halves, not a write of each of its neighbours.
        const badOnes = bad.filter(Boolean).length
        const groups = Math.ceil(bad.length / groupMax)
        expect(writes).toBeLessThanOrEqual(groups + 2 * badOnes * Math.ceil(Math.log2(groupMax + 1)))
      },
    ),
    { numRuns: 100 },
  )
})

test('it is drained when all that was handed in is answered', async () => {
  const far = writer()
  const commit = create({ write: far.write })
  await commit.drained()
  const answer = commit.add(1, 1)
  let isDrained = false
  const drained = commit.drained().then(() => {
    isDrained = true
  })
  await turn()
  await turn()
  expect(isDrained).toBe(false)
  far.answerAll()
  await answer
  await drained
})

describe('for any load', () => {
  const item = fc.record({ weight: fc.integer({ min: 0, max: 60 }), turnsBefore: fc.integer({ min: 0, max: 2 }) })

  test('every item is written once, in order, within the bounds of a group and of writers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 60 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 3 }),
        async (items, groupMax, groupWeightMax, writersMax) => {
          const groups: number[][] = []
          let underWay = 0
          const commit = create({
            groupMax,
            groupWeightMax,
            writersMax,
            async write(group) {
              groups.push(group)
              underWay += 1
              expect(underWay).toBeLessThanOrEqual(writersMax)
              await turn()
              underWay -= 1
              return group
            },
          })
          const answers: (Promise<number> | null)[] = []
          for (const [index, { weight, turnsBefore }] of items.entries()) {
            for (let turns = 0; turns < turnsBefore; turns += 1) await turn()
            answers.push(commit.add(index, weight))
          }
          const taken = items.flatMap((_, index) => (answers[index] === null ? [] : [index]))
          expect(await Promise.all(answers.filter((each) => each !== null))).toEqual(taken)
          expect(groups.flat()).toEqual(taken)
          for (const group of groups) {
            const weights = group.map((index) => items[index]?.weight ?? 0)
            expect(group.length).toBeLessThanOrEqual(groupMax)
            if (group.length > 1) expect(weights.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(groupWeightMax)
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

test('an answer never depends on the neighbours: of a group that is refused, only what is refused fails', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }), async (areGood) => {
      const written: number[] = []
      const commit = create({
        groupMax: 30,
        async write(items) {
          await turn()
          if (items.some((item) => areGood[item] === false)) throw new RangeError('the data is refused')
          written.push(...items)
          return items.map((item) => item * 10)
        },
      })
      const answers = await Promise.allSettled(areGood.map((_, index) => commit.add(index, 1)))
      expect(answers.map((each) => each.status === 'fulfilled')).toEqual(areGood)
      expect(written.toSorted((a, b) => a - b)).toEqual(areGood.flatMap((isGood, index) => (isGood ? [index] : [])))
    }),
  )
})

test('an answer that takes time is waited for by its own caller only', async () => {
  const slow = Promise.withResolvers<number>()
  const commit = create({ write: async (items) => items.map((item) => (item === 2 ? slow.promise : item * 10)) })
  const answers = [1, 2, 3].map((item) => commit.add(item, 1))
  expect([await answers[0], await answers[2]]).toEqual([10, 30])
  slow.resolve(7)
  expect(await answers[1]).toBe(7)
})
