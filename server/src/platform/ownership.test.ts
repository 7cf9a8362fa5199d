import { createTestDatabase, until } from '@permea/testkit'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createDatabase } from './database.ts'
import { silentLog } from './log.ts'
import { createOwnership, type Notice, type Ownership, SHARDS, shardOf } from './ownership.ts'
import { checkReady } from './readiness.ts'

const ALL = Array.from({ length: SHARDS }, (_, shard) => shard)

interface Member extends AsyncDisposable {
  ownership: Ownership
  notices: Notice[]
  /** What it was told, in order: `+3` gained, `-3` lost. */
  told: string[]
  losses: string[]
  owned(): number[]
  /** Closes its session at the database, as an administrator would. */
  terminate(): Promise<void>
  holdLosses(until: Promise<void>): void
}

async function member(url: string, more: { isWorker?: boolean } = {}): Promise<Member> {
  const database = createDatabase({ url, connectionsMax: 4, log: silentLog })
  let sessionPid = 0
  let held: Promise<void> = Promise.resolve()
  const ownership = createOwnership({
    database,
    log: silentLog,
    random: Math.random,
    isWorker: more.isWorker ?? true,
    tickMs: 20,
    async onSession(session) {
      sessionPid = (await session.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0
    },
  })
  const told: string[] = []
  const losses: string[] = []
  const notices: Notice[] = []
  ownership.listen({
    async gained(shards) {
      told.push(...shards.map((shard) => `+${shard}`))
    },
    async lost(shards, how) {
      losses.push(how)
      await held
      told.push(...shards.map((shard) => `-${shard}`))
    },
    noticed: (notice) => notices.push(notice),
  })
  await ownership.start()
  return {
    ownership,
    notices,
    told,
    losses,
    owned: () => ALL.filter((shard) => ownership.owns(shard)),
    async terminate() {
      await database.pool.query('select pg_terminate_backend($1)', [sessionPid])
    },
    holdLosses(until) {
      held = until
    },
    async [Symbol.asyncDispose]() {
      await ownership.stop()
      await database.close()
    },
  }
}

/** Every shard is owned, and none by two. */
function isShared(members: readonly Member[]): boolean {
  const owned = members.flatMap((each) => each.owned())
  return owned.length === SHARDS && new Set(owned).size === SHARDS
}

test('one alone has every shard at once', async () => {
  await using database = await createTestDatabase()
  await using only = await member(database.url)
  expect(only.owned()).toEqual(ALL)
  expect(only.ownership.ownsAll()).toBe(true)
})

test('those that come get their share, and whoever goes leaves it to the others', async () => {
  await using database = await createTestDatabase()
  await using first = await member(database.url)
  await using second = await member(database.url)
  const third = await member(database.url)
  const all = [first, second, third]
  await until('all three have a third', 20_000, () => {
    return isShared(all) && all.every((each) => each.owned().length >= 20 && each.owned().length <= 22)
  })
  await third[Symbol.asyncDispose]()
  await until('two have a half each', 20_000, () => isShared([first, second]))
  expect(first.owned()).toHaveLength(32)
})

test('many that start at the same moment never own a shard twice', async () => {
  await using database = await createTestDatabase()
  const members = await Promise.all(Array.from({ length: 6 }, () => member(database.url)))
  await until('all have a share', 10_000, () => isShared(members) && members.every((each) => each.owned().length >= 9))
  await Promise.all(members.map((each) => each[Symbol.asyncDispose]()))
})

test('a shard is given up only when nothing of it is under way', async () => {
  await using database = await createTestDatabase()
  await using first = await member(database.url)
  let end = () => {}
  first.holdLosses(
    new Promise((resolve) => {
      end = resolve
    }),
  )
  await using second = await member(database.url)
  await until('the first is asked to give up', 20_000, () => first.losses.length > 0)
  expect(first.losses).toEqual(['given-up'])
  // Long enough for the second to have looked for free shards several times.
  for (let times = 1; times <= 40; times += 1) {
    await second.ownership.notify({ about: 'time' })
    await until('a notice came back', 20_000, () => second.notices.length >= times)
  }
  expect(second.owned()).toEqual([])
  end()
  await until('the second has its share', 20_000, () => second.owned().length === 32)
  expect(isShared([first, second])).toBe(true)
})

describe('a session that the database ends', () => {
  test('is suddenly lost; the shards are taken by others, and shared again when it is back', async () => {
    await using database = await createTestDatabase()
    await using first = await member(database.url)
    await using second = await member(database.url)
    await until('both have a share', 20_000, () => isShared([first, second]))
    const before = first.owned()
    await first.terminate()
    await until('the first noticed', 20_000, () => first.losses.includes('sudden'))
    await until('both have a share again', 20_000, () => isShared([first, second]) && first.owned().length === 32)
    for (const shard of before) expect(first.told).toContain(`-${shard}`)
  })

  test('is made anew by one alone, which has every shard again and hears notices', async () => {
    await using database = await createTestDatabase()
    await using only = await member(database.url)
    await only.terminate()
    await until('it noticed', 20_000, () => only.losses.includes('sudden'))
    await until('it has all again', 20_000, () => only.ownership.ownsAll())
    await only.ownership.notify({ about: 'tea' })
    await until('it heard', 20_000, () => only.notices.length === 1)
  })
})

test('a session that gets no slot says so once and where readiness is asked for, and is there when one is free', async () => {
  await using own = await createTestDatabase()
  const role = `limited_${own.name}`
  const admin = new pg.Client({ connectionString: own.url })
  await admin.connect()
  await admin.query(`create role ${role} login`)
  const database = createDatabase({
    url: own.url.replace('//postgres@', `//${role}@`),
    connectionsMax: 2,
    log: silentLog,
  })
  let tries = 0
  const counting = { ...database, connect: () => database.connect().finally(() => (tries += 1)) }
  const warnings: string[] = []
  const warn = (about: object, words: string) => warnings.push(`${words}: ${JSON.stringify(about)}`)
  const log = { ...silentLog, warn } as typeof silentLog
  const ownership = createOwnership({ database: counting, log, random: Math.random, isWorker: true, tickMs: 20 })
  await ownership.start()

  await admin.query(`alter role ${role} connection limit 0`)
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role])
  await until('it was tried often', 20_000, () => tries > 4)
  expect(ownership.trouble()).toMatch(/too many connections/)
  await expect(checkReady(database, ownership)).rejects.toThrow(/no shards can be worked: too many connections/)
  expect(warnings).toEqual([
    expect.stringContaining('its shards are given up'),
    expect.stringMatching(/cannot be reached: .*too many connections/),
  ])

  await admin.query(`alter role ${role} connection limit -1`)
  await until('the shards are there again', 20_000, () => ownership.ownsAll())
  await checkReady(database, ownership)
  expect(warnings).toHaveLength(2)
  await ownership.stop()
  await database.close()
  await admin.query(`drop role ${role}`)
  await admin.end()
})

test('a notice reaches all, whoever sent it, those included that work no shards', async () => {
  await using database = await createTestDatabase()
  await using worker = await member(database.url)
  await using listener = await member(database.url, { isWorker: false })
  expect(listener.owned()).toEqual([])
  expect(worker.ownership.ownsAll()).toBe(true)
  await listener.ownership.notify({ about: 'tea', shards: [1, 2] })
  await until('both heard', 20_000, () => worker.notices.length === 1 && listener.notices.length === 1)
  expect(worker.notices).toEqual([{ about: 'tea', shards: [1, 2] }])
})

test('databases on one server do not meet', async () => {
  await using here = await createTestDatabase()
  await using there = await createTestDatabase()
  await using one = await member(here.url)
  await using other = await member(there.url)
  expect(one.ownership.ownsAll()).toBe(true)
  expect(other.ownership.ownsAll()).toBe(true)
})

test('lanes spread over all shards by their ids', () => {
  const shards = ALL.map((shard) => shardOf(`00000000-0000-7000-8000-0000000000${shard.toString(16).padStart(2, '0')}`))
  expect(shards).toEqual(ALL)
})
