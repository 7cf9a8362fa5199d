import { answering, buildHouse, type House, type Receiver, refusalKey, startReceiver, until } from '@permea/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sql, type Tx } from '../platform/database.ts'
import { fromWire } from '../platform/ids.ts'
import { livingDestinations, lockDestination } from './store.ts'

const HOUR = 3_600_000

let receiver: Receiver
let house: House

beforeEach(async () => {
  receiver = await startReceiver()
  house = await buildHouse({ clock: 'settable' })
})

afterEach(async () => {
  await house[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

const create = (more: object = {}) =>
  house.admin.notificationEndpoints.create({
    body: { url: `${receiver.url}/hook`, eventTypes: ['connection.created'], ...more },
  })

const about = () => {
  const connection = {
    id: 'con_1',
    integrationId: 'int_1',
    integrationKey: 'slack',
    name: 'Slack',
    disconnected: false,
    customerId: 'customer-123',
  }
  return { workspaceId: house.workspace.id, customerId: house.workspace.id, data: { connection } }
}

async function tell(count = 1): Promise<void> {
  await house.engine.database.transaction(async (tx) => {
    for (let told = 0; told < count; told += 1)
      await house.engine.notifications.connection(tx, 'connection.created', about())
  })
  await house.settle()
}

/** How many others in this database wait for a lock. Asked on a connection that is there already: the pool is small. */
async function waitingForLocks(tx: Tx): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(distinct pid) as count from pg_locks
     where not granted and pid in (select pid from pg_locks l join pg_database d on d.oid = l.database
                                    where d.datname = current_database())`.execute(tx)
  return rows[0]?.count ?? 0
}

const ongoing = async () =>
  (await house.admin.alerts.list({ query: { status: 'ongoing' } })).items.map((alert) => alert.type)
const endpoint = (id: string) => house.admin.notificationEndpoints.get({ params: { id } })
const states = async () =>
  Object.entries(Object.groupBy((await house.admin.deliveries.list()).items, (each) => each.state)).map(
    ([state, of]) => `${of?.length} ${state}`,
  )

test('a success ends a row of failures: nothing is failing any more, and its alerts are resolved', async () => {
  receiver.behave(answering(500))
  const { id } = await create({ scheduleMs: [] })
  await tell()
  const failing = await endpoint(id)
  expect(failing.failingSince).toBe(house.clock.now().toISOString())
  expect(await ongoing()).toEqual(['webhook_endpoint_failing'])
  await house.advance(HOUR)
  await tell()
  expect((await endpoint(id)).failingSince).toBe(failing.failingSince)
  receiver.behave(answering(200))
  await tell()
  expect((await endpoint(id)).failingSince).toBeUndefined()
  expect(await ongoing()).toEqual([])
})

test('many failures at the same time pause a destination once and are told of once', async () => {
  receiver.behave(answering(410))
  await house.admin.notificationEndpoints.create({
    body: { url: `${receiver.url}/alerts`, eventTypes: ['alert.created'] },
  })
  receiver.behave((request, response) => answering(request.path === '/alerts' ? 200 : 410)(request, response))
  await create({ concurrency: 50 })
  await tell(50)
  expect(receiver.received.filter((request) => request.path === '/alerts')).toHaveLength(1)
  expect(await ongoing()).toEqual(['webhook_endpoint_paused'])
})

test('messages are written beside a change of their destination, so that two which are told of each other can pause', async () => {
  const { id } = await create()
  const destinationId = fromWire('ne', id) ?? ''
  const { database } = house.engine
  await database.transaction(async (tx) => {
    await lockDestination(tx, destinationId)
    await database.transaction(async (beside) => {
      await sql`set local lock_timeout = '500ms'`.execute(beside)
      expect((await livingDestinations(beside, [destinationId])).size).toBe(1)
    })
  })
})

test('what was under way when somebody paused changes nothing of that, and alarms nobody', async () => {
  let answer: () => void = () => {}
  receiver.behave((_request, response) => {
    answer = () => response.writeHead(410).end()
  })
  const { id } = await create()
  const told = tell()
  await receiver.waitFor(1)
  const paused = await house.admin.notificationEndpoints.pause({ params: { id } })
  house.clock.advance(HOUR)
  answer()
  await told
  expect(await endpoint(id)).toMatchObject({ pausedReason: 'paused by hand', pausedAt: paused.pausedAt })
  expect(await ongoing()).toEqual([])
})

test('an attempt by hand leaves the health alone, whatever comes of it', async () => {
  receiver.behave(answering(500))
  const { id } = await create({ scheduleMs: [] })
  await tell()
  const before = await endpoint(id)
  const [delivery] = (await house.admin.deliveries.list()).items
  await house.advance(HOUR)
  for (const status of [410, 200]) {
    receiver.behave(answering(status))
    await house.admin.deliveries.retry({ params: { id: delivery?.id ?? '' } })
  }
  expect(await endpoint(id)).toEqual(before)
})

describe('archiving', () => {
  test('cancels what waits, resolves what was wrong, and nothing is sent any more', async () => {
    receiver.behave(answering(500))
    const { id } = await create({ scheduleMs: [HOUR] })
    await tell(3)
    await house.advance(2 * HOUR)
    await tell(2)
    expect((await states()).sort()).toEqual(['2 pending', '3 exhausted'])
    expect(await ongoing()).toEqual(['webhook_endpoint_failing'])
    const sent = receiver.received.length
    await house.admin.notificationEndpoints.archive({ params: { id } })
    expect((await states()).sort()).toEqual(['2 cancelled', '3 exhausted'])
    expect(await ongoing()).toEqual([])
    await tell()
    await house.advance(10 * HOUR)
    expect(receiver.received).toHaveLength(sent)
  })

  test('leaves nothing behind that waits for ever: it waits for messages that are being written', async () => {
    const { id } = await create()
    await house.admin.notificationEndpoints.pause({ params: { id } })
    const { database, notifications } = house.engine
    let archiving: Promise<unknown> = Promise.resolve()
    let isArchived = false
    await database.transaction(async (tx) => {
      await notifications.connection(tx, 'connection.created', about())
      archiving = house.admin.notificationEndpoints.archive({ params: { id } }).then(() => {
        isArchived = true
      })
      await until('archiving waits for the message, or does not', 10_000, async () => {
        return isArchived || (await waitingForLocks(tx)) > 0
      })
    })
    await archiving
    await house.settle()
    expect(await states()).toEqual(['1 cancelled'])
  })

  test.each(['patch', 'pause', 'resume', 'rotateSecret'] as const)(
    'is final: %s at the same moment does not bring the endpoint back',
    async (what) => {
      const params = { id: (await create()).id }
      const { notificationEndpoints: endpoints } = house.admin
      const changes: Promise<string | undefined>[] = []
      await house.engine.database.transaction(async (tx) => {
        await lockDestination(tx, fromWire('ne', params.id) ?? '')
        const archiving = endpoints.archive({ params })
        changes.push(archiving.then(() => 'archived at last'))
        await until('archiving waits', 10_000, async () => (await waitingForLocks(tx)) >= 1)
        changes.push(refusalKey(endpoints[what]({ params, body: {} })))
        await until('the change waits behind it', 10_000, async () => (await waitingForLocks(tx)) >= 2)
      })
      expect(await Promise.all(changes)).toEqual(['archived at last', 'archived'])
      expect(await endpoint(params.id)).toMatchObject({ state: 'archived' })
      expect((await endpoints.list()).items).toEqual([])
    },
  )
})

describe('a record that the database refuses', () => {
  async function refuse(what: string): Promise<void> {
    await sql
      .raw(`create function refuse() returns trigger language plpgsql as $$
        begin if ${what} then raise 'refused' using errcode = '22P05'; end if; return new; end $$`)
      .execute(house.engine.database.db)
    await sql`create trigger refuse before insert on deliveries for each row execute function refuse()`.execute(
      house.engine.database.db,
    )
  }

  test('is kept without what was sent and answered, and the message is not sent again', async () => {
    await refuse('(new.first_attempt::json ->> 7) is not null')
    await create()
    await tell(10)
    expect(receiver.received).toHaveLength(10)
    const { items } = await house.admin.deliveries.list()
    expect(items.map((delivery) => delivery.state)).toEqual(Array(10).fill('succeeded'))
    const { attempts } = await house.admin.deliveries.get({ params: { id: items[0]?.id ?? '' } })
    expect(attempts).toMatchObject([{ outcome: 'acknowledged', httpStatus: 200, request: {} }])
    await house.advance(HOUR)
    expect(receiver.received).toHaveLength(10)
  })

  test('is insisted upon where it is refused even so, meanwhile nothing is sent again', async () => {
    await refuse('true')
    await create()
    const told = tell()
    await receiver.waitFor(1)
    house.clock.advance(HOUR)
    await until('it was tried to record it a few times', 10_000, async () => {
      const { rows } = await sql<{ count: number }>`
        select xact_rollback as count from pg_stat_database where datname = current_database()`.execute(
        house.engine.database.db,
      )
      return (rows[0]?.count ?? 0) > 3
    })
    await sql`drop trigger refuse on deliveries`.execute(house.engine.database.db)
    await told
    expect(receiver.received).toHaveLength(1)
    expect(await states()).toEqual(['1 succeeded'])
  })
})
