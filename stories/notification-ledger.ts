import type { Permea } from '@permea/sdk'
import { type EngineProcess, pause, type Received, type Receiver, type SeededRandom, until } from '@permea/testkit'
import { furnish, nameOf, twoCalls } from './ledger.ts'

/** What notifications came to once everything has calmed down. */
export interface NotificationSums {
  runs: Record<string, number>
  /** Notifications that must have come: one per state that each run went through. */
  due: number
  received: number
  lost: string[]
  /** Told of, though it did not happen. */
  invented: string[]
  duplicates: number
}

const CUSTOMERS = ['anna', 'ben', 'chloe']
const FLOW_RUN_EVENTS = [
  'flowRun.queued',
  'flowRun.started',
  'flowRun.completed',
  'flowRun.failed',
  'flowRun.stopped',
] as const
const RETRY_MS = 1000

/** Flows that succeed and one that fails, two endpoints that hear of their runs, and a way to send events. */
export async function furnishListened(engine: EngineProcess, app: Receiver, listener: Receiver) {
  const { admin, pathOf } = await furnish(
    engine,
    ['orders', 'doomed'].map((key) => twoCalls(key, app.port)),
    CUSTOMERS,
  )
  const endpointAt = (path: string, more: object) =>
    admin.notificationEndpoints.create({
      body: {
        url: `${listener.url}${path}`,
        eventTypes: [...FLOW_RUN_EVENTS],
        scheduleMs: Array(50).fill(RETRY_MS),
        ...more,
      },
    })
  const all = await endpointAt('/all', {})
  const ordered = await endpointAt('/ordered', { ordered: true })
  return { admin, paths: [...pathOf.values()], all, ordered }
}

/** Your application: it knows nothing of doomed orders, and is sometimes busy. */
export function behaveLikeTheApp(app: Receiver, random: SeededRandom): void {
  const refusedOnce = new Set<string>()
  app.behave(async (request, response) => {
    const what = nameOf(request)
    await pause(random.between(0, 30))
    if (what.startsWith('doomed/second')) return void response.writeHead(404).end()
    const isBusy = random.next() < 0.03 && !refusedOnce.has(what)
    if (isBusy) refusedOnce.add(what)
    response.writeHead(isBusy ? 429 : 200, { 'content-type': 'application/json' }).end('{"ok":true}')
  })
}

/** Your backend: takes most notifications, refuses some the first time. Gives what it took and what it was sent. */
export function behaveLikeTheBackend(
  listener: Receiver,
  random: SeededRandom,
): { taken: Received[]; sent: { request: Received; isTaken: boolean }[] } {
  const seen = { taken: [] as Received[], sent: [] as { request: Received; isTaken: boolean }[] }
  const refusedOnce = new Set<string>()
  listener.behave(async (request, response) => {
    const what = `${request.path} ${String(request.headers['webhook-id'])}`
    const isTaken = refusedOnce.has(what) || random.next() > (request.path === '/ordered' ? 0.01 : 0.03)
    refusedOnce.add(what)
    seen.sent.push({ request, isTaken })
    if (isTaken) seen.taken.push(request)
    await pause(random.between(0, 10))
    response.writeHead(isTaken ? 200 : 503).end()
  })
  return seen
}

/** Waits until no run is under way and no notification waits. */
export async function calmDown(admin: Permea, withinMs: number): Promise<void> {
  await until('every run has ended', withinMs, async () =>
    (
      await Promise.all((['queued', 'running'] as const).map((state) => admin.flowRuns.list({ query: { state } })))
    ).every(({ items }) => items.length === 0),
  )
  // What was queued or ended last is told of within the sweep, so nothing may wait for longer than that.
  let calmSinceMs = performance.now()
  await until('no notification waits', withinMs, async () => {
    const { items } = await admin.deliveries.list({ query: { state: 'pending', limit: 1 } })
    if (items.length > 0) calmSinceMs = performance.now()
    return performance.now() - calmSinceMs > SWEEP_MS
  })
}

const SWEEP_MS = 6000

/** Compares what the API says of every run with what the backend took. */
export async function reckonNotifications(admin: Permea, taken: readonly Received[]): Promise<NotificationSums> {
  const runs: { id: string; state: string }[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await admin.flowRuns.list({ query: { limit: 1000, ...(cursor === undefined ? {} : { cursor }) } })
    runs.push(...page.items)
    cursor = page.cursor
    if (cursor === undefined) break
  }
  const due = new Set(
    runs.flatMap(({ id, state }) => ['queued', 'started', state].map((event) => `flowRun.${event} ${id}`)),
  )
  const told = taken.map(({ json }) => {
    const { eventType, data } = json as { eventType: string; data: { flowRun: { id: string } } }
    return `${eventType} ${data.flowRun.id}`
  })
  const counts = Object.entries(Object.groupBy(runs, (run) => run.state))
  return {
    runs: Object.fromEntries(counts.map(([state, of]) => [state, of?.length ?? 0])),
    due: due.size,
    received: told.length,
    lost: [...due].filter((each) => !told.includes(each)),
    invented: told.filter((each) => !due.has(each)),
    duplicates: told.length - new Set(told).size,
  }
}

/**
 * Where strict order was broken: a message that came after a later one, or before the one ahead of it was taken. In
 * the order in which deliveries were stored, which is that of their ids.
 */
export async function inversions(
  admin: Permea,
  destinationId: string,
  sent: readonly { request: Received; isTaken: boolean }[],
): Promise<string[]> {
  const order: string[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await admin.deliveries.list({
      query: { destinationId, limit: 1000, ...(cursor === undefined ? {} : { cursor }) },
    })
    order.push(...page.items.map((delivery) => delivery.messageId))
    cursor = page.cursor
    if (cursor === undefined) break
  }
  const placeOf = new Map(order.toReversed().map((messageId, place) => [messageId, place]))
  const broken: string[] = []
  let highest = 0
  let lastTaken = -1
  for (const { request, isTaken } of sent) {
    const place = placeOf.get(String(request.headers['webhook-id'])) ?? -1
    if (place < highest) broken.push(`${place} after ${highest}`)
    if (place > lastTaken + 1) broken.push(`${place} though only ${lastTaken} was taken`)
    highest = Math.max(highest, place)
    if (isTaken) lastTaken = Math.max(lastTaken, place)
  }
  return broken
}
