import type { Alerts } from '../alerts/alerts.ts'
import { backlogKey, flowFailing, flowKey, queueBacklog } from '../alerts/conditions.ts'
import { alertSettingsOf, ongoingOfType, shortestMinutes } from '../alerts/store.ts'
import { customersByIds } from '../customers/store.ts'
import { instancesByIds, shownNodesOfVersion } from '../flows/store.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, timeOfId, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { BACKLOGS_MAX, backlogs } from './news-store.ts'
import type { NewRun } from './run.ts'
import { type EndedRun, lastEnded } from './watch-store.ts'

/** So many of an instance's last runs are looked at. */
const LOOKED_AT = 50
/** Beyond so many looks at the same time, an instance is looked at once in this time, however fast it fails. */
const LOOKS_MAX = 20
const LOOK_MS = 2000
const MINUTE_MS = 60_000

/** Watches runs for what a person should know: flows that keep failing, customers whose runs do not get their turn. */
export interface RunWatch {
  failed(run: NewRun): void
  /** Opens and resolves what follows from how things stand now; called every so often. */
  look(): Promise<void>
  settled(): Promise<void>
}

export function createRunWatch(options: { database: Database; clock: Clock; alerts: Alerts; log: Log }): RunWatch {
  const { database, clock, alerts } = options
  const lookedMs = boundedCache<number>(10_000)
  const underWay = new Set<Promise<void>>()

  async function checkInstance(run: NewRun): Promise<void> {
    const { db } = database
    const { flowFailures } = await alertSettingsOf(db, run.workspaceId)
    const found = failuresIn(await lastEnded(db, run.flowInstanceId, LOOKED_AT))
    if (found === null || found.count < flowFailures) return
    const flow = (await instancesByIds(db, [run.flowInstanceId])).get(run.flowInstanceId)
    const customer = (await customersByIds(db, [run.customerId])).get(run.customerId)
    const { message = 'it failed', data } = found.last.errors?.[0] ?? {}
    await database.transaction((tx) =>
      alerts.raise(
        tx,
        flowFailing(run, {
          failures: found.count,
          isMore: found.count === LOOKED_AT,
          threshold: flowFailures,
          flowName: flow?.name ?? 'a flow',
          customer: customer ?? null,
          error: message,
          runId: toWire('fr', found.last.id),
          nodeKeys: found.nodeKeys,
          nodeKey: nodeKeyOf(data) ?? found.nodeKeys[0] ?? null,
        }),
      ),
    )
  }

  async function resolveFlows(): Promise<void> {
    for (const alert of await ongoingOfType(database.db, 'flow_failing')) {
      const id = fromWire('cf', alert.contextKey ?? '')
      if (id !== null && (await isMended(id, alert.details?.nodeKeys ?? [])))
        await alerts.resolve(database.db, alert.workspaceId, flowKey(id))
    }
  }

  /** Only a run that came through what had failed says that it is mended. */
  async function isMended(flowInstanceId: string, nodeKeys: readonly string[]): Promise<boolean> {
    const runs = await lastEnded(database.db, flowInstanceId, LOOKED_AT)
    // Where no run is left to look at, nobody can say that it still fails.
    if (runs.length === 0) return true
    const last = runs.find((run) => run.state === 'failed' || cameThrough(run, nodeKeys))
    if (last !== undefined) return last.state !== 'failed' || !(await hasNodes(flowInstanceId, nodeKeys))
    return !(await hasNodes(flowInstanceId, nodeKeys))
  }

  /** A node that was taken out fails no more. */
  async function hasNodes(flowInstanceId: string, nodeKeys: readonly string[]): Promise<boolean> {
    const instance = (await instancesByIds(database.db, [flowInstanceId])).get(flowInstanceId)
    if (instance === undefined || instance.archivedAt !== null) return false
    if (nodeKeys.length === 0) return true
    const nodes = await shownNodesOfVersion(database.db, instance.versionId)
    return nodeKeys.some((key) => nodes[key] !== undefined)
  }

  async function lookAtBacklogs(): Promise<void> {
    const now = clock.now()
    const shortestMs = (await shortestMinutes(database.db, 'backlog')) * MINUTE_MS
    const waiting = await backlogs(database.db, new Date(now.getTime() - shortestMs))
    const lateCustomers = new Set<string>()
    for (const each of waiting) {
      const waitingMs = now.getTime() - timeOfId(each.oldestId).getTime()
      const { backlogMinutes } = await alertSettingsOf(database.db, each.workspaceId)
      if (waitingMs < backlogMinutes * MINUTE_MS) continue
      lateCustomers.add(each.customerId)
      const customer = (await customersByIds(database.db, [each.customerId])).get(each.customerId) ?? null
      await database.transaction((tx) =>
        alerts.raise(tx, queueBacklog({ ...each, customer }, waitingMs, backlogMinutes)),
      )
    }
    // Some that are late may not be among so many: then nobody is found to be on time.
    if (waiting.length >= BACKLOGS_MAX) return
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

const cameThrough = (run: EndedRun, nodeKeys: readonly string[]) =>
  run.state === 'completed' && (nodeKeys.length === 0 || nodeKeys.some((key) => run.completedNodes.includes(key)))

/** How many runs in a row failed, leaving out those that never came to what fails; null where the last one did not. */
function failuresIn(runs: readonly EndedRun[]): { count: number; last: EndedRun; nodeKeys: string[] } | null {
  const last = runs.find((run) => run.state === 'failed')
  if (last === undefined) return null
  const nodeKeys = last.failedNodes
  const end = runs.findIndex((run) => cameThrough(run, nodeKeys))
  const count = (end === -1 ? runs : runs.slice(0, end)).filter((run) => run.state === 'failed').length
  return count === 0 ? null : { count, last, nodeKeys }
}

function nodeKeyOf(data: unknown): string | null {
  const { nodeKey } = (data ?? {}) as { nodeKey?: unknown }
  return typeof nodeKey === 'string' ? nodeKey : null
}
