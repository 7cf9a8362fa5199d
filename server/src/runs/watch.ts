import { LRUCache } from 'lru-cache'
import type { Alerts } from '../alerts/alerts.ts'
import { backlogKey, flowFailing, flowKey, queueBacklog } from '../alerts/conditions.ts'
import { ongoingOfType } from '../alerts/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, timeOfId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { BACKLOGS_MAX, backlogs, lastStates } from './news-store.ts'
import type { NewRun } from './run.ts'

/** So many failures in a row of one flow instance open an alert. */
const FAILURES = 5
/** Beyond so many looks at the same time, an instance is looked at once in this time, however fast it fails. */
const LOOKS_MAX = 20
const LOOK_MS = 2000
/** Runs that wait this long to start are a backlog. */
const BACKLOG_MS = 300_000

/** Watches runs for what a person should know: flows that keep failing, customers whose runs do not get their turn. */
export interface RunWatch {
  failed(run: NewRun): void
  /** Opens and resolves what follows from how things stand now; called every so often. */
  look(): Promise<void>
  settled(): Promise<void>
}

export function createRunWatch(options: { database: Database; clock: Clock; alerts: Alerts; log: Log }): RunWatch {
  const { database, clock, alerts } = options
  const lookedMs = new LRUCache<string, number>({ max: 10_000 })
  const underWay = new Set<Promise<void>>()

  async function checkInstance(run: NewRun): Promise<void> {
    const states = await lastStates(database.db, run.flowInstanceId, FAILURES)
    if (states.length < FAILURES || states.some((state) => state !== 'failed')) return
    await database.transaction((tx) => alerts.raise(tx, flowFailing(run, FAILURES)))
  }

  async function resolveFlows(): Promise<void> {
    for (const alert of await ongoingOfType(database.db, 'flow_failing')) {
      const id = fromWire('cf', alert.contextKey ?? '')
      const [last] = id === null ? [] : await lastStates(database.db, id, 1)
      // Where no run is left to look at, nobody can say that it still fails.
      if (id !== null && (last === 'completed' || last === undefined))
        await alerts.resolve(database.db, alert.workspaceId, flowKey(id))
    }
  }

  async function lookAtBacklogs(): Promise<void> {
    const now = clock.now()
    const late = await backlogs(database.db, new Date(now.getTime() - BACKLOG_MS))
    for (const each of late) {
      const waitingMs = now.getTime() - timeOfId(each.oldestId).getTime()
      await database.transaction((tx) => alerts.raise(tx, queueBacklog(each, waitingMs)))
    }
    // Some that are late may not be among so many: then nobody is found to be on time.
    if (late.length >= BACKLOGS_MAX) return
    const lateCustomers = new Set(late.map((each) => each.customerId))
    for (const { customerId, workspaceId } of await ongoingOfType(database.db, 'queue_backlog')) {
      if (customerId !== null && !lateCustomers.has(customerId)) {
        await alerts.resolve(database.db, workspaceId, backlogKey(customerId))
      }
    }
  }

  return {
    failed(run) {
      const nowMs = performance.now()
      const isRecent = nowMs - (lookedMs.get(run.flowInstanceId) ?? Number.NEGATIVE_INFINITY) < LOOK_MS
      if (isRecent && underWay.size >= LOOKS_MAX) return
      lookedMs.set(run.flowInstanceId, nowMs)
      const checking: Promise<void> = checkInstance(run)
        .catch((error: Error) => options.log.warn({ message: error.message }, 'a failing flow could not be looked at'))
        .finally(() => underWay.delete(checking))
      underWay.add(checking)
    },
    async look() {
      await resolveFlows()
      await lookAtBacklogs()
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
