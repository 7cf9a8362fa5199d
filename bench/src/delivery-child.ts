import type { Engine } from '../../server/src/engine-options.ts'
import { systemClock } from '../../server/src/platform/clock.ts'
import { createIds, fromWire } from '../../server/src/platform/ids.ts'
import { startBenchEngine } from './bench-engine.ts'
import { answerParent } from './child.ts'
import { machineMs, wait } from './moments.ts'

let engine: Engine | null = null
let workspaceId = ''
const ids = createIds(systemClock)

/** Starts an engine with one endpoint for each address; gives their ids. */
async function start({ databaseUrl, urls }: { databaseUrl: string; urls: readonly string[] }): Promise<string[]> {
  const bench = await startBenchEngine({ databaseUrl, appUrl: null })
  engine = bench.engine
  workspaceId = bench.workspaceId
  const { admin } = bench
  const made = await Promise.all(urls.map((url) => admin.notificationEndpoints.create({ body: { url } })))
  return made.map((endpoint) => fromWire('ne', endpoint.id) ?? '')
}

/** Stores `count` messages for each of these destinations in one transaction; the body says when. */
async function tell({ destinationIds, count }: { destinationIds: readonly string[]; count: number }): Promise<void> {
  const running = engine
  if (running === null) throw new Error('the engine is not started')
  const items = await running.database.transaction((tx) =>
    running.deliveries.insert(
      tx,
      destinationIds.flatMap((destinationId) =>
        Array.from({ length: count }, () => ({
          workspaceId,
          destinationId,
          messageId: ids.next(),
          eventType: 'connection.created',
          customerId: null,
          sourceId: null,
          body: JSON.stringify({ sentAtMs: machineMs() }),
          isOrdered: false,
          concurrency: 10,
        })),
      ),
    ),
  )
  running.deliveries.offer(items)
}

/** Messages for these destinations in turn, at a rate. Gives how many. */
async function tellSteadily(given: {
  destinationIds: readonly string[]
  perSecond: number
  seconds: number
}): Promise<number> {
  const beganMs = machineMs()
  const count = given.perSecond * given.seconds
  const underWay: Promise<void>[] = []
  for (let made = 0; made < count; made += 1) {
    const leftMs = beganMs + (made * 1000) / given.perSecond - machineMs()
    if (leftMs > 0) await wait(leftMs)
    underWay.push(tell({ destinationIds: [given.destinationIds[made % given.destinationIds.length] ?? ''], count: 1 }))
  }
  await Promise.all(underWay)
  return count
}

const asks = {
  start,
  tell,
  tellSteadily,
  async stop() {
    const running = engine
    engine = null
    await running?.stop()
  },
}
export type DeliveryAsks = typeof asks

answerParent(asks)
