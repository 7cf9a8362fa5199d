import { sendEvents } from '@permea/sdk'
import { answering, buildHouse, createTestDatabase, type House, type Receiver, startReceiver } from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import { twoCalls } from './ledger.ts'

// Clocks are set forward and back, change with the season, and differ between machines.

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

async function furnished(house: House, receiver: Receiver, more: { ordered?: boolean } = {}): Promise<string> {
  await house.admin.appEventTypes.create({ body: { key: 'order-created', name: 'Order created' } })
  await house.admin.flows.create({ body: { ...twoCalls('orders', receiver.port), ...more } })
  const customer = await house.as('anna')
  await customer.flowInstances.getByQuery({ query: { flowKey: 'orders', autoCreate: true } })
  const { items } = await customer.appEventSubscriptions.list()
  return items[0]?.webhookUri ?? ''
}

/** Every call of a node is refused the first time. */
function refuseFirst(receiver: Receiver, path: string): void {
  let isFirst = true
  receiver.behave((request, response) => {
    const isRefused = isFirst && request.path === path
    if (isRefused) isFirst = false
    return answering(isRefused ? 500 : 200)(request, response)
  })
}

const callsOf = (receiver: Receiver) => receiver.received.map((request) => request.path)

describe('a run that waits to be tried again', () => {
  test('loses and repeats nothing when the clock is set forward by an hour', async () => {
    await using receiver = await startReceiver()
    await using house = await buildHouse({ clock: 'settable' })
    refuseFirst(receiver, '/orders/second')
    const { id = '' } = await sendEvents(await furnished(house, receiver), { order: '1' })
    await house.settle()
    expect(callsOf(receiver)).toEqual(['/orders/first', '/orders/second'])
    await house.advance(HOUR_MS)
    expect(callsOf(receiver)).toEqual(['/orders/first', '/orders/second', '/orders/second'])
    await house.advance(HOUR_MS)
    expect(receiver.received).toHaveLength(3)
    const event = await house.admin.appEvents.get({ params: { id } })
    expect(event.launchedFlowRuns.map((run) => run.state)).toEqual(['completed'])
  })

  test('loses and repeats nothing when the clock is set back by an hour, also over a restart', async () => {
    await using database = await createTestDatabase()
    await using receiver = await startReceiver()
    refuseFirst(receiver, '/orders/second')
    const before = await buildHouse({ clock: 'settable', database: { url: database.url } })
    const url = await furnished(before, receiver)
    const { id = '' } = await sendEvents(url, { order: '1' })
    await before.settle()
    before.clock.advance(-HOUR_MS)
    await before.settle()
    // What comes in now is worked at once, whatever the clock said before.
    await sendEvents(url, { order: '2' })
    await before.settle()
    expect(callsOf(receiver)).toEqual(['/orders/first', '/orders/second', '/orders/first', '/orders/second'])
    await before[Symbol.asyncDispose]()

    await using after = await buildHouse({
      database: { url: database.url, workspace: before.workspace },
      engine: { clock: before.clock },
    })
    await after.settle()
    expect(receiver.received).toHaveLength(4)
    before.clock.advance(HOUR_MS + MINUTE_MS)
    await after.settle()
    expect(callsOf(receiver).slice(4)).toEqual(['/orders/second'])
    const event = await after.admin.appEvents.get({ params: { id } })
    expect(event.launchedFlowRuns.map((run) => run.state)).toEqual(['completed'])
  })
})

test('what a process records is found by others, though its clock is behind theirs', async () => {
  await using database = await createTestDatabase()
  await using receiver = await startReceiver()
  refuseFirst(receiver, '/orders/second')
  await using ahead = await buildHouse({
    clock: 'settable',
    database: { url: database.url },
    engine: { roles: new Set(['api']) },
  })
  await using behind = await buildHouse({
    clock: 'settable',
    database: { url: database.url, workspace: ahead.workspace },
    engine: { roles: new Set(['worker', 'scheduler']) },
  })
  ahead.clock.advance(HOUR_MS)
  // Ordered, because runs of other flows are not begun before the time that they came in at.
  const url = await furnished(ahead, receiver, { ordered: true })
  await behind.settle()
  const { id = '' } = await sendEvents(url, { order: '1' })
  await receiver.waitFor(2)
  await behind.settle()
  await behind.advance(HOUR_MS)
  expect(callsOf(receiver)).toEqual(['/orders/first', '/orders/second', '/orders/second'])
  const { items } = await ahead.admin.flowRuns.list({ query: { appEventId: id } })
  const nodeRuns = await ahead.admin.flowRuns.nodeRuns({ params: { id: items[0]?.id ?? '', nodeKey: 'first' } })
  expect(nodeRuns.items).toHaveLength(1)
})

// ── schedules ──

function scheduledFlow(receiver: Receiver, cron: string, timeZone: string) {
  return {
    key: 'nightly',
    name: 'nightly',
    nodes: {
      trigger: { type: 'schedule-trigger', config: { cron, timeZone }, links: [{ key: 'call' }] },
      call: {
        type: 'custom-http-request',
        config: { request: { uri: receiver.url, method: 'POST', body: { $var: '$.input.trigger' } } },
      },
    },
  }
}

async function schedule(house: House, receiver: Receiver, cron: string, timeZone: string): Promise<void> {
  await house.admin.flows.create({ body: scheduledFlow(receiver, cron, timeZone) })
  const customer = await house.as('anna')
  await customer.flowInstances.getByQuery({ query: { flowKey: 'nightly', autoCreate: true } })
}

const timesOf = (receiver: Receiver) =>
  receiver.received.map((request) => (request.json as { scheduledAt: string }).scheduledAt)

/** The clock of the wall in Berlin, `2026-10-25 02:30`. */
const berlin = (at: string) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin', dateStyle: 'short', timeStyle: 'short' }).format(
    new Date(at),
  )

async function advanceTo(houses: readonly House[], until: string, stepMs: number): Promise<void> {
  const [house] = houses
  if (house === undefined) throw new Error('a house is needed')
  while (house.clock.now().getTime() < Date.parse(until)) {
    await house.advance(stepMs)
    for (const each of houses) await each.settle()
  }
}

async function houseAt(start: string, more: Parameters<typeof buildHouse>[0] = {}): Promise<House> {
  const house = await buildHouse({ clock: 'settable', ...more, engine: { tickMs: 50, ...more.engine } })
  house.clock.advance(Date.parse(start) - house.clock.now().getTime())
  return house
}

describe('a schedule', () => {
  test.each([
    {
      what: 'when summer time ends',
      start: '2026-10-23T22:00:00Z',
      end: '2026-10-26T22:00:00Z',
      days: ['24', '25', '26'],
    },
    {
      what: 'when summer time begins',
      start: '2027-03-26T23:00:00Z',
      end: '2027-03-29T21:00:00Z',
      days: ['27', '28', '29'],
    },
  ])('fires once a day at the time of its zone, $what', { timeout: 120_000 }, async ({ start, end, days }) => {
    await using receiver = await startReceiver()
    await using house = await houseAt(start)
    await schedule(house, receiver, '30 2 * * *', 'Europe/Berlin')
    await advanceTo([house], end, 30 * MINUTE_MS)
    const times = timesOf(receiver).map(berlin)
    expect(times.map((time) => time.slice(8, 10))).toEqual(days)
    // On the day without a half past two it comes right after the gap.
    for (const time of times) expect(time.slice(11)).toBe(time.startsWith('2027-03-28') ? '03:00' : '02:30')
  })

  test('that comes every hour comes 25 times on the day with 25 hours', { timeout: 120_000 }, async () => {
    await using receiver = await startReceiver()
    await using house = await houseAt('2026-10-24T21:30:00Z')
    await schedule(house, receiver, '0 * * * *', 'Europe/Berlin')
    await advanceTo([house], '2026-10-25T22:30:00Z', 30 * MINUTE_MS)
    const times = timesOf(receiver)
    expect(new Set(times).size).toBe(times.length)
    expect(times).toHaveLength(25)
  })

  test('survives a restart and fires once though two engines run', { timeout: 120_000 }, async () => {
    await using database = await createTestDatabase()
    await using receiver = await startReceiver()
    const first = await houseAt('2026-11-02T10:30:00Z', { database: { url: database.url } })
    await schedule(first, receiver, '0 * * * *', 'UTC')
    await advanceTo([first], '2026-11-02T12:30:00Z', 30 * MINUTE_MS)
    expect(timesOf(receiver)).toEqual(['2026-11-02T11:00:00.000Z', '2026-11-02T12:00:00.000Z'])
    await first[Symbol.asyncDispose]()

    const shared = { database: { url: database.url, workspace: first.workspace } }
    await using one = await houseAt('2026-11-02T12:30:00Z', shared)
    await using two = await buildHouse({ ...shared, engine: { clock: one.clock, tickMs: 50 } })
    await advanceTo([one, two], '2026-11-02T16:30:00Z', 30 * MINUTE_MS)
    expect(timesOf(receiver).slice(2)).toEqual(['13', '14', '15', '16'].map((hour) => `2026-11-02T${hour}:00:00.000Z`))
  })

  test('that was missed for hours fires once for them', async () => {
    await using receiver = await startReceiver()
    await using house = await houseAt('2026-11-02T10:30:00Z')
    await schedule(house, receiver, '0 * * * *', 'UTC')
    await house.advance(5 * HOUR_MS)
    await house.advance(40 * MINUTE_MS)
    expect(timesOf(receiver)).toEqual(['2026-11-02T11:00:00.000Z', '2026-11-02T16:00:00.000Z'])
  })

  test('does not fire a time again when the clock is set back', async () => {
    await using receiver = await startReceiver()
    await using house = await houseAt('2026-11-02T10:30:00Z')
    await schedule(house, receiver, '0 * * * *', 'UTC')
    await house.advance(40 * MINUTE_MS)
    await house.advance(-HOUR_MS)
    await advanceTo([house], '2026-11-02T12:30:00Z', 10 * MINUTE_MS)
    expect(timesOf(receiver)).toEqual(['2026-11-02T11:00:00.000Z', '2026-11-02T12:00:00.000Z'])
  })
})
