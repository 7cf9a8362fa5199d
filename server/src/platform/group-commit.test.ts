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
