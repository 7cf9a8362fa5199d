import { flowWireId } from '../flows/flow.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { FlowRunEvent, FlowRunPayload, Happening } from '../notifications/payloads.ts'
import type { Database, Tx } from '../platform/database.ts'
import { timeOfId, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { forgettingErrors } from '../platform/periodic.ts'
import { isQueuedHeard, type RunNews, type ToldRun, takeNews, toldRuns } from './news-store.ts'

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
    while (isAgain) {
      isAgain = false
      for (let taken = GROUP_MAX; taken === GROUP_MAX; ) {
        const group = await database.transaction(async (tx) => {
          const news = await takeNews(tx, GROUP_MAX)
          return { taken: news.length, items: await notifications.emit(tx, await happeningsOf(tx, news)) }
        })
        notifications.offer(group.items)
        taken = group.taken
      }
    }
  }

  function relay(): Promise<void> {
    isAgain = true
    current ??= relayAll().finally(() => {
      current = null
    })
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
    const data = { flowRun: payloadOf(run, eventType) }
    return [{ workspaceId: run.workspaceId, customerId: run.customerId, eventType: eventType as FlowRunEvent, data }]
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
