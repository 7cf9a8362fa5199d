import { flowWireId } from '../flows/flow.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { FlowRunEvent, FlowRunPayload, Happening } from '../notifications/payloads.ts'
import type { Database, Tx } from '../platform/database.ts'
import { isRefused } from '../platform/database-errors.ts'
import { timeOfId, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import { isQueuedHeard, type RunNews, type ToldRun, takeNews, toldRuns } from './news-store.ts'
import type { LaunchedBy } from './run.ts'
import { placeOfRun } from './run-trace.ts'

/** Makes notifications of the state changes of runs that somebody wants to hear of. */
export interface NewsRelay {
  /** There are news: make notifications of them now. */
  nudge(): void
  /** Runs were queued: the same, where anybody listens to that. */
  nudgeOfQueued(): void
  settled(): Promise<void>
  start(): void
  stop(): Promise<void>
}

const GROUP_MAX = 200
const HEARD_MS = 1000

/**
 * The change of a run's state writes a row of news in the same statement; here the rows become messages, in one
 * transaction with their disappearance. So a notification exists exactly where its change does, and runs that nobody
 * listens to pay nothing.
 */
export function createNewsRelay(options: {
  database: Database
  notifications: Notifications
  log: Log
  sweepMs: number
}): NewsRelay {
  const { database, notifications } = options
  let current: Promise<void> | null = null
  let isAgain = false

  async function relayAll(): Promise<void> {
    try {
      while (isAgain) {
        isAgain = false
        while ((await relayGroup()) === GROUP_MAX) {}
      }
    } finally {
      // At once, so that whoever comes with news from now on begins anew.
      current = null
    }
  }

  async function relaySome(limit: number): Promise<number> {
    const { taken, items } = await database.transaction(async (tx) => {
      const news = await takeNews(tx, limit)
      return { taken: news.length, items: await notifications.emit(tx, await happeningsOf(tx, news)) }
    })
    notifications.offer(items)
    return taken
  }

  async function relayGroup(): Promise<number> {
    try {
      return await relaySome(GROUP_MAX)
    } catch (error) {
      if (!isRefused(error)) throw error
      return relayOneByOne()
    }
  }

  /** News of which no notification can be made must not hold up all that come after them. */
  async function relayOneByOne(): Promise<number> {
    for (let taken = 0; taken < GROUP_MAX; taken += 1) {
      try {
        if ((await relaySome(1)) === 0) return taken
      } catch (error) {
        if (!isRefused(error)) throw error
        const [lost] = await database.transaction((tx) => takeNews(tx, 1))
        options.log.error({ ...lost, message: (error as Error).message }, 'nobody can be told of a flow run')
      }
    }
    return GROUP_MAX
  }

  function relay(): Promise<void> {
    isAgain = true
    current ??= relayAll()
    return current
  }

  /** Whether anybody hears of queued runs, as of at most a moment ago; the sweep makes up for that moment. */
  let heard = { is: false, untilMs: 0 }

  function nudge(): void {
    relay().catch((error: Error) =>
      options.log.warn({ message: error.message }, 'flow runs could not be told of; it is tried again'),
    )
  }

  async function refreshHeard(): Promise<void> {
    heard = { is: heard.is, untilMs: performance.now() + HEARD_MS }
    heard = { is: await isQueuedHeard(database.db), untilMs: performance.now() + HEARD_MS }
    if (heard.is) nudge()
  }

  const sweep = forgettingErrors(options.log, 'telling of flow runs', options.sweepMs, relay)
  return {
    nudge,
    nudgeOfQueued() {
      if (performance.now() >= heard.untilMs) refreshHeard().catch(() => {})
      else if (heard.is) nudge()
    },
    settled: relay,
    start: () => sweep.start(),
    stop: () => sweep.stop(),
  }
}

const STATES: Readonly<Record<string, string>> = {
  'flowRun.queued': 'queued',
  'flowRun.started': 'running',
  'flowRun.completed': 'completed',
  'flowRun.failed': 'failed',
  'flowRun.stopped': 'stopped',
}

async function happeningsOf(tx: Tx, news: readonly RunNews[]): Promise<Happening[]> {
  if (news.length === 0) return []
  const runs = await toldRuns(tx, [...new Set(news.map((each) => each.runId))])
  return news.flatMap(({ runId, eventType }): Happening[] => {
    const run = runs.get(runId)
    if (run === undefined) return []
    const { id, workspaceId, customerId, eventId } = run
    const launchedBy = JSON.parse(run.launchedBy) as LaunchedBy
    const trace = placeOfRun({ id, run: { launchedBy, eventId } })
    const data = { flowRun: payloadOf(run, eventType) }
    return [{ workspaceId, customerId, trace, eventType: eventType as FlowRunEvent, data }]
  })
}

/** The run as it was when it came into this state, whatever happened to it since. */
function payloadOf(run: ToldRun, eventType: string): FlowRunPayload['flowRun'] {
  const hasEnded = eventType !== 'flowRun.queued' && eventType !== 'flowRun.started'
  const startedAt = eventType === 'flowRun.queued' || run.startedAt === null ? timeOfId(run.id) : run.startedAt
  const isOfIntegration = run.flowId !== null && run.flowId !== run.universalFlowId
  return {
    id: toWire('fr', run.id),
    connectionFlowId: toWire('cf', run.flowInstanceId),
    ...(run.flowId !== null && isOfIntegration
      ? { integrationFlowId: flowWireId({ id: run.flowId, integrationId: run.flowId }) }
      : {}),
    state: STATES[eventType] ?? '',
    startTime: startedAt.toISOString(),
    ...(hasEnded && run.endedAt !== null ? { endTime: run.endedAt.toISOString() } : {}),
    startNodeKey: run.startNodeKey,
    launchedBy: { type: (JSON.parse(run.launchedBy) as { type: string }).type },
    ...(eventType === 'flowRun.failed' ? { errors: run.errors ?? [] } : {}),
  }
}
