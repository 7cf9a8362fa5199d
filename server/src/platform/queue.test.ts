import { createTestDatabase, until } from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { systemClock } from './clock.ts'
import { createDatabase, type Database } from './database.ts'
import { silentLog } from './log.ts'
import { createQueue, type JobHandlers, type NewJob, type Queue } from './queue.ts'

interface Worker extends AsyncDisposable {
  queue: Queue
  database: Database
  /** Ends as a killed process does: its lock goes, its jobs stay. */
  die(): Promise<void>
}

async function worker(url: string, handlers: JobHandlers): Promise<Worker> {
  const database = createDatabase({ url, connectionsMax: 6, log: silentLog })
  const session = await database.connect()
  const queue = createQueue({ database, clock: systemClock, log: silentLog, pollMs: 50 })
  queue.handle(handlers)
  await queue.holdLock(session)
  await queue.start()
  return {
    queue,
    database,
    die: () => session.end(),
    async [Symbol.asyncDispose]() {
      await queue.stop()
      await session.end().catch(() => {})
      await database.close()
    },
  }
}

const add = ({ queue, database }: Worker, ...jobs: NewJob[]) =>
  database.transaction(async (tx) => {
    for (const job of jobs) await queue.add(tx, job)
  })

/** Resolves when told. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

test('a job is done once its transaction is committed, and not at all if it is not', async () => {
  await using database = await createTestDatabase()
  const done: string[] = []
  await using one = await worker(database.url, { greet: async ({ name }: { name: string }) => void done.push(name) })
  await expect(
    one.database.transaction(async (tx) => {
      await one.queue.add(tx, { task: 'greet', payload: { name: 'never' } })
      throw new Error('rolled back')
    }),
  ).rejects.toThrow('rolled back')
  await add(one, { task: 'greet', payload: { name: 'anna' } })
  await until('it is done', 20_000, () => done.length > 0)
  expect(done).toEqual(['anna'])
})

test('of jobs with one key only the newest is done', async () => {
  await using database = await createTestDatabase()
  const done: number[] = []
  await using one = await worker(database.url, { count: async ({ n }: { n: number }) => void done.push(n) })
  const soon = new Date(systemClock.now().getTime() + 300)
  for (const n of [1, 2, 3]) await add(one, { task: 'count', payload: { n }, key: 'same', runAt: soon })
  await add(one, { task: 'count', payload: { n: 9 }, key: 'other', runAt: soon })
  await until('both keys are done', 20_000, () => done.length >= 2)
  expect(done.toSorted()).toEqual([3, 9])
})

test('jobs of one queue are done one after the other, those of others beside them', async () => {
  await using database = await createTestDatabase()
  let inQueue = 0
  let most = 0
  let done = 0
  await using one = await worker(database.url, {
    async work() {
      inQueue += 1
      most = Math.max(most, inQueue)
      await new Promise((resolve) => setImmediate(resolve))
      inQueue -= 1
      done += 1
    },
  })
  await add(one, ...Array.from({ length: 8 }, () => ({ task: 'work', payload: {}, queue: 'line' })))
  await until('all are done', 10_000, () => done === 8)
  expect(most).toBe(1)
})

describe('the jobs of a process that died', () => {
  test('are freed for the others, who do them; those of the living are left alone', async () => {
    await using database = await createTestDatabase()
    const stuck = gate()
    const begun: string[] = []
    const dead = await worker(database.url, {
      async work({ name }: { name: string }) {
        begun.push(`dead ${name}`)
        await stuck.opened
      },
    })
    await add(dead, { task: 'work', payload: { name: 'a' } })
    await until('it is begun', 20_000, () => begun.length === 1)
    const busy = gate()
    await using alive = await worker(database.url, {
      async work({ name }: { name: string }) {
        begun.push(`alive ${name}`)
        await busy.opened
      },
    })
    await add(alive, { task: 'work', payload: { name: 'b' } })
    await until('the second is begun', 20_000, () => begun.length === 2)
    for (let times = 0; times < 3; times += 1) await alive.queue.freeJobsOfTheDead()
    expect(begun).toHaveLength(2)

    await dead.die()
    await until('the job of the dead is done by another', 10_000, async () => {
      await alive.queue.freeJobsOfTheDead()
      return begun.includes('alive a')
    })
    expect(begun.filter((each) => each === 'alive b').length).toBeLessThanOrEqual(1)
    busy.open()
    stuck.open()
    await dead[Symbol.asyncDispose]()
  })

  test('are freed by a process that does no jobs itself, too', async () => {
    await using database = await createTestDatabase()
    const stuck = gate()
    let begun = 0
    const dead = await worker(database.url, {
      async work() {
        begun += 1
        await stuck.opened
      },
    })
    await add(dead, { task: 'work', payload: {} })
    await until('it is begun', 20_000, () => begun === 1)
    await dead.die()
    const scheduler = createDatabase({ url: database.url, connectionsMax: 2, log: silentLog })
    const queue = createQueue({ database: scheduler, clock: systemClock, log: silentLog })
    await until('nothing is locked any more', 10_000, async () => {
      await queue.freeJobsOfTheDead()
      const { rows } = await scheduler.pool.query(
        'select 1 from graphile_worker._private_jobs where locked_by is not null',
      )
      return rows.length === 0 || begun > 1
    })
    stuck.open()
    await dead[Symbol.asyncDispose]()
    await scheduler.close()
  })

  test('are not taken from one whose session only broke for a moment', async () => {
    await using database = await createTestDatabase()
    const busy = gate()
    let begun = 0
    await using one = await worker(database.url, {
      async work() {
        begun += 1
        await busy.opened
      },
    })
    await using other = await worker(database.url, {})
    await add(one, { task: 'work', payload: {} })
    await until('it is begun', 20_000, () => begun === 1)
    await one.die()
    await other.queue.freeJobsOfTheDead()
    const session = await one.database.connect()
    await one.queue.holdLock(session)
    await other.queue.freeJobsOfTheDead()
    await other.queue.freeJobsOfTheDead()
    const { rows } = await one.database.pool.query(
      'select 1 from graphile_worker._private_jobs where locked_by is not null',
    )
    expect(rows).toHaveLength(1)
    expect(begun).toBe(1)
    busy.open()
    await session.end()
  })
})
