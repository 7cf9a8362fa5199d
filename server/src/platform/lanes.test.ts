import { until } from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { SettableClock } from './clock.ts'
import { NotWritable } from './database-errors.ts'
import type { LaneItem, LaneOutcome, Lanes, LanesOptions } from './lane.ts'
import { createLanes, LEAVING } from './lanes.ts'
import { silentLog } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type Notice, type Ownership, type OwnershipListener, SHARDS, shardOf } from './ownership.ts'

const START = new Date('2026-11-02T00:00:00Z')

interface Job extends LaneItem {
  /** When it may start, epoch ms; an ordered one holds up those behind it until then. */
  dueMs: number
}

/** Rows in memory, worked as the test says; what a table and a room do in earnest. */
const finished: LaneOutcome = { kind: 'finished', pace: 'ok' }

function bench(more: Partial<LanesOptions<Job>> = {}) {
  const clock = new SettableClock(START)
  const rows = new Map<string, Job>()
  const started: string[] = []
  const underWay = new Map<string, { job: Job; signal: AbortSignal; end(outcome: LaneOutcome): void }>()
  const fetches: { laneIds: readonly string[]; limit: number; except: readonly string[] }[] = []
  let most = 0
  let looks = 0
  let beforeFetchAnswers: () => Promise<void> = async () => {}
  const { ownership, ...hands } = fakeOwnership()
  const metrics = createMetrics()

  const lanes: Lanes<Job> = createLanes<Job>({
    source: {
      name: 'jobs',
      countOf: async () => rows.size,
      async lanesOf(shards) {
        looks += 1
        const firsts = new Map<string, number>()
        for (const { laneId, dueMs } of rows.values())
          if (shards.includes(shardOf(laneId)))
            firsts.set(laneId, Math.min(firsts.get(laneId) ?? Number.POSITIVE_INFINITY, dueMs))
        return [...firsts].map(([laneId, dueMs]) => ({ laneId, dueAt: new Date(dueMs) }))
      },
      async fetch(laneIds, limit, except, now) {
        fetches.push({ laneIds, limit, except })
        const found = laneIds.flatMap((laneId) => {
          const own = [...rows.values()].filter((row) => row.laneId === laneId && !except.includes(row.id))
          const due = own.filter((row) => row.isOrdered || row.dueMs <= now.getTime()).slice(0, limit)
          const next = own.filter((row) => !row.isOrdered && row.dueMs > now.getTime()).slice(0, 1)
          return [...due, ...next].map((item) => ({ item, dueAt: new Date(item.dueMs) }))
        })
        await beforeFetchAnswers()
        return found
      },
      work(job, signal) {
        started.push(job.id)
        return new Promise((resolve) => {
          const end = (outcome: LaneOutcome) => {
            underWay.delete(job.id)
            if (outcome.kind === 'finished') rows.delete(job.id)
            else if (outcome.kind === 'waits') rows.set(job.id, { ...job, dueMs: outcome.until.getTime() })
            resolve(outcome)
          }
          underWay.set(job.id, { job, signal, end })
          most = Math.max(most, underWay.size)
        })
      },
      giveUp: async () => finished,
    },
    ownership,
    clock,
    metrics,
    log: silentLog,
    processCap: 100,
    laneCap: 4,
    heldMax: 1000,
    heldBytesMax: 1_000_000,
    // Of the pace there are tests of their own.
    portion: 1000,
    ...more,
  })
  return {
    ...hands,
    lanes,
    metrics,
    clock,
    rows,
    started,
    underWay,
    fetches,
    get looks() {
      return looks
    },
    get most() {
      return most
    },
    holdFetches(until: () => Promise<void>) {
      beforeFetchAnswers = until
    },
    /** Stores and hands over, as an accepting process does. */
    add(...jobs: Job[]) {
      for (const job of jobs) rows.set(job.id, job)
      lanes.offer(jobs)
    },
    end(id: string, outcome: LaneOutcome = finished) {
      underWay.get(id)?.end(outcome)
    },
    /** Ends whatever is at work, again and again, until nothing is left. */
    async endAll(outcomeOf: (id: string) => LaneOutcome = () => finished) {
      for (const done = lanes.settled().then(() => true); ; ) {
        for (const { job, end } of [...underWay.values()]) end(outcomeOf(job.id))
        const turn = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))
        if (await Promise.race([done, turn])) return
      }
    },
  }
}

function fakeOwnership() {
  const owned = new Set(Array.from({ length: SHARDS }, (_, shard) => shard))
  const listeners: OwnershipListener[] = []
  const notices: Notice[] = []
  const ownership: Ownership = {
    owns: (shard) => owned.has(shard),
    session: null,
    sessionOf: () => null,
    ownsAll: () => owned.size === SHARDS,
    trouble: () => null,
    listen: (listener) => listeners.push(listener),
    async notify(notice) {
      notices.push(notice)
    },
    async notifyOnCommit(_tx, notice) {
      notices.push(notice)
    },
    start: async () => {},
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  return {
    ownership,
    notices,
    hear: (notice: Notice) => {
      for (const listener of listeners) listener.noticed?.(notice)
    },
    async gain(shard: number) {
      owned.add(shard)
      for (const listener of listeners) await listener.gained?.([shard])
    },
    async lose(shard: number, how: 'given-up' | 'sudden' = 'given-up') {
      owned.delete(shard)
      for (const listener of listeners) await listener.lost?.([shard], how)
    },
  }
}

const lane = (hex: string) => `00000000-0000-7000-8000-0000000000${hex}`
const A = lane('01')
const B = lane('02')

function jobs(prefix: string, count: number, more: Partial<Job> = {}): Job[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${prefix}${index}`,
    laneId: A,
    groupId: 'g',
    groupCap: 100,
    isOrdered: false,
    bytes: 10,
    waitsSinceMs: 0,
    dueMs: START.getTime(),
    ...more,
  }))
}

const later = (ms: number, pace?: 'ok' | 'slow'): LaneOutcome => ({
  kind: 'waits',
  until: new Date(START.getTime() + ms),
  ...(pace === undefined ? {} : { pace }),
})

describe('caps', () => {
  test('of a lane, of a group and of the process hold, and everything is done once', async () => {
    const all = bench({ processCap: 5 })
    const { started } = all
    all.add(...jobs('a', 20), ...jobs('b', 20, { laneId: B, groupId: 'x', groupCap: 2 }))
    expect([...all.underWay.values()].filter(({ job }) => job.laneId === B)).toHaveLength(2)
    expect(all.underWay.size).toBe(5)
    await all.endAll()
    expect(started).toHaveLength(40)
    expect(new Set(started).size).toBe(40)
    expect(all.most).toBe(5)
  })

  test('of a group do not hold up the other groups of its lane', () => {
    const { add, started } = bench()
    add(...jobs('full', 10, { groupId: 'full', groupCap: 1 }), ...jobs('free', 3, { groupId: 'free' }))
    expect(started.toSorted()).toEqual(['free0', 'free1', 'free2', 'full0'])
  })
})

test('lanes are served in turn: a long backlog does not hold up a short one', async () => {
  const { add, started, end } = bench({ processCap: 2, laneCap: 2 })
  add(...jobs('whale', 50))
  add(...jobs('quiet', 2, { laneId: B }))
  end('whale0')
  end('whale1')
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(started.slice(2)).toContain('quiet0')
})

test('hundreds of one owner begin in portions, and what comes in of others goes between', async () => {
  const { add, started, endAll } = bench({ laneCap: 100, portion: 3 })
  add(...jobs('whale', 50))
  add(...jobs('quiet', 1, { laneId: B }))
  expect(started).toEqual(['whale0', 'whale1', 'whale2', 'quiet0'])
  await endAll()
  expect(started).toHaveLength(51)
})

test('what nobody waits for begins only a few at a time while the process is busy', async () => {
  let isBusy = true
  const { add, started, end, endAll } = bench({ laneCap: 100, load: { isBusy: () => isBusy } })
  add(...jobs('j', 50))
  expect(started).toHaveLength(4)
  end('j0')
  await until('another one takes its place', 20_000, () => started.length === 5)
  isBusy = false
  await until('more begin when it is not', 20_000, () => started.length > 12)
  await endAll()
  expect(started).toHaveLength(50)
})

test('a dead lane takes no more than its own slots', async () => {
  const { add, started, end } = bench({ laneCap: 3 })
  add(...jobs('dead', 30))
  for (let round = 0; round < 10; round += 1) {
    add(...jobs(`alive${round}-`, 3, { laneId: B }))
    for (let each = 0; each < 3; each += 1) end(`alive${round}-${each}`)
    await Promise.resolve()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  expect(started.filter((id) => id.startsWith('alive'))).toHaveLength(30)
  expect(started.filter((id) => id.startsWith('dead'))).toHaveLength(3)
})

describe('a lane that is slow', () => {
  test('is narrowed to half its slots each time, down to one, and widened by one with each success', async () => {
    const { add, underWay, end, rows } = bench({ laneCap: 8 })
    add(...jobs('j', 100))
    const widths: number[] = [underWay.size]
    const landed = () => new Promise<void>((resolve) => setImmediate(resolve))
    const endOne = async (outcome: LaneOutcome) => {
      const [id = ''] = underWay.keys()
      end(id, outcome)
      await landed()
    }
    for (let times = 0; times < 12; times += 1) await endOne(later(3_600_000, 'slow'))
    widths.push(underWay.size)
    for (let times = 0; times < 3; times += 1) await endOne({ kind: 'finished', pace: 'ok' })
    widths.push(underWay.size)
    expect(widths).toEqual([8, 1, 4])
    expect(rows.size).toBe(97)
  })
})

test('a lane that rests begins nothing before then, though its rows are due, and is not looked into meanwhile', async () => {
  const { add, started, end, clock, fetches, rows, endAll } = bench()
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  add(...jobs('a', 10))
  end('a0', { kind: 'rests', until: new Date(START.getTime() + 1000) })
  for (const id of ['a1', 'a2', 'a3']) end(id)
  add(...jobs('new', 3), ...jobs('b', 2, { laneId: B }))
  clock.advance(999)
  for (let turns = 0; turns < 5; turns += 1) await turn()
  expect(started).toEqual(['a0', 'a1', 'a2', 'a3', 'b0', 'b1'])
  expect(fetches).toEqual([])
  clock.advance(1)
  for (let turns = 0; turns < 5; turns += 1) await turn()
  expect(started.slice(6)).toEqual(['a0', 'a4', 'a5', 'a6'])
  await endAll()
  expect(rows.size).toBe(0)
  expect(started.toSorted()).toEqual([...new Set(started), 'a0'].toSorted())
})

describe('a strictly ordered lane', () => {
  const ordered = { isOrdered: true, groupCap: 1 }

  test('does one at a time, in the order of the table, and nothing while its head waits', async () => {
    const { add, started, end, underWay, clock, endAll } = bench()
    add(...jobs('o', 5, ordered))
    await until('the first is at work', 20_000, () => underWay.has('o0'))
    expect(underWay.size).toBe(1)
    end('o0', later(1000))
    add(...jobs('p', 1, ordered))
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(started).toEqual(['o0'])
    clock.advance(1000)
    await endAll()
    expect(started).toEqual(['o0', 'o0', 'o1', 'o2', 'o3', 'o4', 'p0'])
  })

  test('takes up what another process stored before what is handed over here', async () => {
    const { add, rows, started, endAll } = bench()
    const [elsewhere, here] = jobs('o', 2, ordered)
    if (elsewhere === undefined || here === undefined) throw new Error('there are two')
    rows.set(elsewhere.id, elsewhere)
    add(here)
    await endAll()
    expect(started).toEqual(['o0', 'o1'])
  })

  test.each([
    ['waits', later(1000)],
    ['rests', { kind: 'rests', until: new Date(START.getTime() + 1000) } as const],
  ])('is not overtaken by what was being read when its head %s', async (_name, outcome) => {
    const { add, holdFetches, fetches, started, underWay, end, clock, endAll } = bench({ heldMax: 10 })
    const turns = async () => {
      for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
    }
    let letGo = () => {}
    add(...jobs('o', 30, ordered))
    await until('the first is at work', 20_000, () => underWay.has('o0'))
    // The next rows are read while the first is at work, so without it.
    holdFetches(() => new Promise<void>((resolve) => (letGo = resolve)))
    const before = fetches.length
    await until('a fetch is under way', 20_000, async () => {
      if (fetches.length === before) end(String([...underWay.keys()][0]))
      await turns()
      return fetches.length > before && underWay.size > 0
    })
    const [head = ''] = underWay.keys()
    expect(fetches.at(-1)?.except).toContain(head)
    end(head, outcome)
    holdFetches(async () => {})
    letGo()
    await turns()
    expect(started.at(-1)).toBe(head)
    clock.advance(1000)
    await endAll()
    const order = [...new Set(started)]
    expect(order).toEqual(jobs('o', 30).map(({ id }) => id))
    expect(started).toHaveLength(31)
  })
})

describe('memory', () => {
  test('is bounded by number and weight; the rest is fetched when there is room, each once', async () => {
    const { add, started, endAll, fetches } = bench({ heldMax: 10, heldBytesMax: 200 })
    add(...jobs('a', 300))
    add(...jobs('b', 300, { laneId: B, bytes: 50 }))
    await endAll()
    expect(started).toHaveLength(600)
    expect(new Set(started).size).toBe(600)
    expect(fetches.length).toBeGreaterThan(2)
    for (const { limit } of fetches) expect(limit).toBeLessThanOrEqual(10)
  })

  test('what is handed over while a fetch is under way is not forgotten', async () => {
    const { add, holdFetches, started, end, endAll } = bench({ heldMax: 1, laneCap: 1 })
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    let isFetching = false
    holdFetches(() => {
      isFetching = true
      return held
    })
    // One is at work, one is held, one is left in the table and fetched as soon as the first is done.
    for (const job of jobs('first', 3)) add(job)
    end('first0')
    await until('a fetch is under way', 20_000, () => isFetching)
    add(...jobs('second', 1))
    letGo()
    await endAll()
    expect(started).toEqual(['first0', 'first1', 'first2', 'second0'])
  })
})

test('what waits is taken up at its time, not before, also when the clock was set back meanwhile', async () => {
  const { add, started, end, clock, lanes } = bench()
  add(...jobs('j', 1))
  end('j0', later(60_000))
  await lanes.settled()
  clock.advance(-3_600_000)
  clock.advance(3_659_999)
  await lanes.settled()
  expect(started).toEqual(['j0'])
  clock.advance(1)
  await until('it is tried again', 20_000, () => started.length === 2)
})

describe('shards', () => {
  test('of others are announced once per turn, not worked', async () => {
    const { add, lose, started, notices } = bench()
    await lose(shardOf(A))
    add(...jobs('j', 3))
    await until('the notice is out', 20_000, () => notices.length > 0)
    expect(notices).toEqual([{ about: 'lanes:jobs', shards: [shardOf(A)] }])
    expect(started).toEqual([])
  })

  test('that are gained bring their backlog; a notice of others brings what they stored', async () => {
    const { rows, lose, gain, hear, started, endAll } = bench()
    await lose(shardOf(A))
    for (const job of jobs('j', 3)) rows.set(job.id, job)
    await gain(shardOf(A))
    await endAll()
    expect(started.toSorted()).toEqual(['j0', 'j1', 'j2'])
    for (const job of jobs('k', 2)) rows.set(job.id, job)
    hear({ about: 'lanes:jobs', shards: [shardOf(A)] })
    await endAll()
    expect(started.slice(3).toSorted()).toEqual(['k0', 'k1'])
  })

  test('that are given up begin nothing more, and are given up only when what was at work is done', async () => {
    const { add, lose, started, end, underWay } = bench({ laneCap: 1 })
    add(...jobs('j', 3))
    let isGone = false
    const gone = lose(shardOf(A)).then(() => {
      isGone = true
    })
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(isGone).toBe(false)
    expect(underWay.get('j0')?.signal.aborted).toBe(false)
    end('j0')
    await gone
    expect(started).toEqual(['j0'])
  })

  test('that are given up cut off what does not end within the grace, as leaving', { timeout: 60_000 }, async () => {
    const { add, lose, underWay, end } = bench()
    add(...jobs('j', 1))
    const gone = lose(shardOf(A))
    const work = underWay.get('j0')
    await until('it is told to leave', 20_000, () => work?.signal.aborted === true)
    expect(work?.signal.reason).toBe(LEAVING)
    end('j0', later(0))
    await gone
  })

  test('that are lost suddenly cut off at once what must not be done twice, and only that', async () => {
    const { add, lose, underWay, end } = bench()
    add(...jobs('strict', 1, { groupId: 'one', groupCap: 1 }), ...jobs('lax', 1))
    const gone = lose(shardOf(A), 'sudden')
    expect(underWay.get('strict0')?.signal.reason).toBe(LEAVING)
    expect(underWay.get('lax0')?.signal.aborted).toBe(false)
    end('strict0', later(0))
    end('lax0')
    await gone
  })
})

test('an abort reaches what is at work here, and nothing else', () => {
  const { add, lanes, underWay } = bench()
  add(...jobs('j', 2))
  lanes.abort('j0')
  lanes.abort('nobody')
  expect(underWay.get('j0')?.signal.aborted).toBe(true)
  expect(underWay.get('j1')?.signal.aborted).toBe(false)
})

test('work that fails by our own mistake is tried again after a second', async () => {
  let times = 0
  const { rows, clock, gain, lanes } = bench({
    source: {
      name: 'jobs',
      lanesOf: async () => [...rows.values()].map(({ laneId, dueMs }) => ({ laneId, dueAt: new Date(dueMs) })),
      countOf: async () => rows.size,
      fetch: async () => [...rows.values()].map((item) => ({ item, dueAt: new Date(item.dueMs) })),
      async work() {
        times += 1
        if (times === 1) throw new Error('our mistake')
        rows.clear()
        return { kind: 'finished' }
      },
      giveUp: async () => finished,
    },
  })
  for (const job of jobs('j', 1)) rows.set(job.id, job)
  await gain(shardOf(A))
  await until('it failed', 20_000, () => times === 1)
  await lanes.settled()
  clock.advance(1000)
  await until('it was tried again', 20_000, () => times === 2)
})

test('work that fails by our own mistake three times is given up; that the database is away counts for nothing', async () => {
  let times = 0
  let givenUp = 0
  const { rows, clock, gain, lanes } = bench({
    source: {
      name: 'jobs',
      lanesOf: async () => [...rows.values()].map(({ laneId, dueMs }) => ({ laneId, dueAt: new Date(dueMs) })),
      countOf: async () => rows.size,
      fetch: async () => [...rows.values()].map((item) => ({ item, dueAt: new Date(item.dueMs) })),
      async work() {
        times += 1
        throw times <= 3 ? new NotWritable('standby') : new Error('our mistake')
      },
      async giveUp() {
        givenUp += 1
        rows.clear()
        return finished
      },
    },
  })
  for (const job of jobs('j', 1)) rows.set(job.id, job)
  await gain(shardOf(A))
  await until('it is given up', 20_000, async () => {
    await lanes.settled()
    clock.advance(1000)
    return givenUp === 1
  })
  expect(times).toBe(6)
})

/** What the metrics say of these lanes, by name and labels. */
async function saidBy(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.registry.metrics()).split('\n')
  const own = lines.filter((line) => /^permea_(?:lane|lanes|queue)_/.test(line))
  return Object.fromEntries(own.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

test('the metrics say for how long the oldest work that has not begun has been due, in each shard', async () => {
  const trial = bench({ laneCap: 1, sweepMs: 10 })
  const { rows, clock, gain, lose, lanes, metrics, underWay } = trial
  const shard = shardOf(A)
  const lag = `permea_lane_lag_seconds{kind="jobs",shard="${shard}"}`
  for (const job of jobs('j', 3)) rows.set(job.id, job)
  await gain(shard)
  lanes.start()
  try {
    clock.advance(90_000)
    await until('two wait behind the first', 20_000, async () => (await saidBy(metrics))[lag] === 90)
    expect(await saidBy(metrics)).toMatchObject({
      'permea_lanes_waiting{kind="jobs"}': 1,
      'permea_queue_depth{kind="jobs"}': 3,
    })
    for (const id of ['j0', 'j1']) {
      await until(`${id} is at work`, 20_000, () => underWay.get(id))
      underWay.get(id)?.end(finished)
    }
    await until('the last is at work', 20_000, () => underWay.get('j2'))
    // What is at work waits for nothing, however long it takes.
    clock.advance(90_000)
    const { looks } = trial
    await until('it was looked at again and again', 20_000, () => trial.looks > looks + 3)
    expect((await saidBy(metrics))[lag]).toBe(0)
    expect((await saidBy(metrics))['permea_lanes_waiting{kind="jobs"}']).toBe(0)
    underWay.get('j2')?.end(finished)
    await lose(shard)
    await until('others say it', 20_000, async () => (await saidBy(metrics))[lag] === undefined)
  } finally {
    await lanes.stop()
  }
})

test('strictly ordered work, which has no due time, counts from when it was first seen waiting', async () => {
  const { rows, clock, gain, lanes, metrics, endAll } = bench({ laneCap: 1, sweepMs: 10 })
  const lag = `permea_lane_lag_seconds{kind="jobs",shard="${shardOf(A)}"}`
  for (const job of jobs('j', 2)) rows.set(job.id, { ...job, isOrdered: true, dueMs: 0 })
  await gain(shardOf(A))
  lanes.start()
  try {
    await until('it is seen', 20_000, async () => (await saidBy(metrics))['permea_lanes_waiting{kind="jobs"}'] === 1)
    clock.advance(60_000)
    await until('it has waited a minute', 20_000, async () => (await saidBy(metrics))[lag] === 60)
  } finally {
    await endAll()
    await lanes.stop()
  }
})
