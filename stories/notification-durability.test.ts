import {
  buildHouse,
  createEngineProcess,
  createPostgresProcess,
  createTestDatabase,
  type EngineProcess,
  pause,
  seededRandom,
  startReceiver,
  until,
} from '@permea/testkit'
import { describe, expect, test } from 'vitest'
import {
  behaveLikeTheApp,
  behaveLikeTheBackend,
  calmDown,
  furnishListened,
  inversions,
  reckonNotifications,
} from './notification-ledger.ts'

// What backends are promised: they hear of every state of every run, and of none that was not, whatever dies.

// More of each are run by hand: `KILLS=30 npx vitest run stories/notification-durability.test.ts`.
const KILLS = Number(process.env.KILLS ?? 4)
const OUTAGES = Number(process.env.KILLS ?? 2)
const CLIENTS = 3
/** A machine that starts engines slowly gets less done between kills; what is missing is sent after the last. */
const ACCEPTED_MIN = 200

interface Sent {
  made: number
  accepted: number
}

/** Events are sent until `isOver`, each by a client that does not mind being refused. */
async function keepSending(
  engine: EngineProcess,
  paths: readonly string[],
  sent: Sent,
  isOver: () => boolean,
): Promise<void> {
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (!isOver()) {
        sent.made += 1
        const { made } = sent
        const path = paths[made % paths.length] ?? ''
        const body = JSON.stringify({ order: `order-${made}`, customer: 'whoever' })
        const headers = { 'content-type': 'application/json' }
        const response = await fetch(engine.url + path, { method: 'POST', headers, body }).catch(() => null)
        await response?.body?.cancel()
        if (response?.status === 200) sent.accepted += 1
        await pause(response?.status === 200 ? 40 : 80)
      }
    }),
  )
}

describe('every state of every run is told of at least once, and none that was not', () => {
  test(`while the engine is killed ${KILLS} times`, { timeout: 60_000 + KILLS * 20_000 }, async () => {
    const random = seededRandom()
    await using database = await createTestDatabase()
    await using app = await startReceiver()
    await using listener = await startReceiver()
    behaveLikeTheApp(app, random)
    const { taken, sent } = behaveLikeTheBackend(listener, random)
    const reachablePorts = [app.port, listener.port]
    await using engine = await createEngineProcess({ databaseUrl: database.url, reachablePorts })
    await engine.start()
    const { admin, paths, ordered } = await furnishListened(engine, app, listener)

    const events = { made: 0, accepted: 0 }
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const load = keepSending(engine, paths, events, () => !engine.isUp)
      await pause(random.between(100, 1200))
      await engine.kill('SIGKILL')
      await load
      await engine.start()
    }
    await keepSending(engine, paths, events, () => events.accepted >= ACCEPTED_MIN)
    await calmDown(admin, 60_000)
    await verify({ seed: random.seed, kills: KILLS }, { admin, orderedId: ordered.id, taken, sent })
  })

  test(`while PostgreSQL is restarted ${OUTAGES} times`, { timeout: 60_000 + OUTAGES * 30_000 }, async () => {
    const random = seededRandom()
    await using postgres = await createPostgresProcess()
    await postgres.start()
    await using app = await startReceiver()
    await using listener = await startReceiver()
    behaveLikeTheApp(app, random)
    const { taken, sent } = behaveLikeTheBackend(listener, random)
    await using engine = await createEngineProcess({
      databaseUrl: postgres.urlOf('postgres'),
      reachablePorts: [app.port, listener.port],
    })
    await engine.start()
    const { admin, paths, ordered } = await furnishListened(engine, app, listener)

    let isOver = false
    const events = { made: 0, accepted: 0 }
    const load = keepSending(engine, paths, events, () => isOver && events.accepted >= ACCEPTED_MIN)
    for (let outage = 1; outage <= OUTAGES; outage += 1) {
      await pause(random.between(500, 2000))
      await postgres.stop(outage % 2 === 0 ? 'immediate' : 'fast')
      await pause(random.between(0, 1000))
      await postgres.start()
      const before = taken.length
      await until('notifications go on', 15_000, () => taken.length > before)
    }
    isOver = true
    await load
    await calmDown(admin, 60_000)
    await verify({ seed: random.seed, outages: OUTAGES }, { admin, orderedId: ordered.id, taken, sent })
    expect(engine.isUp, engine.log()).toBe(true)
  })
})

async function verify(
  about: object,
  story: ReturnType<typeof behaveLikeTheBackend> & {
    admin: Parameters<typeof reckonNotifications>[0]
    orderedId: string
  },
): Promise<void> {
  const { admin, taken, sent } = story
  const at = async (path: string) =>
    reckonNotifications(
      admin,
      taken.filter((request) => request.path === path),
    )
  const [all, ordered] = [await at('/all'), await at('/ordered')]
  const inOrder = sent.filter(({ request }) => request.path === '/ordered')
  const broken = await inversions(admin, story.orderedId, inOrder)
  const shown = ({ due, received, lost, invented, duplicates }: typeof all) => ({
    due,
    received,
    lost: lost.length,
    invented: invented.length,
    duplicates,
  })
  process.stdout.write(
    `${JSON.stringify({ ...about, runs: all.runs, all: shown(all), ordered: { ...shown(ordered), inversions: broken.length } })}\n`,
  )
  for (const sums of [all, ordered]) expect([sums.lost, sums.invented]).toEqual([[], []])
  expect(broken).toEqual([])
  expect(all.runs.completed).toBeGreaterThan(50)
  expect(all.runs.failed).toBeGreaterThan(20)
}

test('a clock that jumps by an hour, forwards and back, loses no retry and repeats none', async () => {
  const MESSAGES = 30
  const FAILURES = 4
  const HOUR_MS = 3_600_000
  await using receiver = await startReceiver()
  await using house = await buildHouse({ clock: 'settable' })
  const random = seededRandom()
  const tries = new Map<string, number[]>()
  receiver.behave((request, response) => {
    const id = String(request.headers['webhook-id'])
    const statuses = tries.get(id) ?? []
    tries.set(id, [...statuses, statuses.length < FAILURES ? 503 : 200])
    response.writeHead(statuses.length < FAILURES ? 503 : 200).end()
  })
  await house.admin.notificationEndpoints.create({ body: { url: receiver.url, eventTypes: ['flowRun.completed'] } })
  const customer = await house.as('customer-x')
  const nodes = { start: { type: 'api-trigger' } }
  const { id: flowInstanceId } = await customer.flowInstances.create({ body: { name: 'Short', nodes } })

  // Runs begin while the clock jumps about; in the end it goes on for as long as the retries take.
  for (let step = 0; step < MESSAGES; step += 1) {
    await customer.flowRuns.create({ body: { flowInstanceId } })
    await house.settle()
    await house.advance(random.pick([HOUR_MS, -HOUR_MS, 10_000, -10_000]))
  }
  for (let hours = 0; hours < 60; hours += 1) await house.advance(HOUR_MS)

  const { items } = await house.admin.deliveries.list({ query: { limit: 1000 } })
  expect(items).toHaveLength(MESSAGES)
  for (const { id, messageId } of items) {
    const { state, attempts } = await house.admin.deliveries.get({ params: { id } })
    expect(state).toBe('succeeded')
    expect(attempts.map((attempt) => attempt.number).sort()).toEqual([1, 2, 3, 4, 5])
    expect(tries.get(messageId)).toEqual([503, 503, 503, 503, 200])
  }
  expect(tries.size).toBe(MESSAGES)
})
