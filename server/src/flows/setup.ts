import type { ErrorData, FlowNodes } from '@permea/contract'
import { Cron } from 'croner'
import { errorData } from '../api/refusal.ts'
import { customerById } from '../customers/store.ts'
import { appEventTypeByKey } from '../event-types/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Tx } from '../platform/database.ts'
import type { Queue } from '../platform/queue.ts'
import type { AppSubscriptions } from '../subscriptions/app-subscriptions.ts'
import type { FlowInstance } from './flow.ts'
import type { NodeTypes } from './node-type.ts'
import { triggerWishes } from './plan.ts'
import {
  type EventTrigger,
  type FlowSchedule,
  nodesOfVersion,
  replaceEventTriggers,
  replaceSchedules,
  streamsInUse,
} from './store.ts'

export const SCHEDULE_TASK = 'flow-schedule'

export interface SetupOptions {
  clock: Clock
  queue: Queue
  nodeTypes: NodeTypes
  subscriptions: AppSubscriptions
}

/**
 * Puts in place what an instance needs to be launched, and lets go of what it needs no more: event triggers with
 * their shared subscriptions, schedules. Called in the transaction of every change of the instance, whose row
 * must be locked.
 */
export type Setup = (
  tx: Tx,
  instance: FlowInstance,
) => Promise<{ state: FlowInstance['state']; errors: ErrorData[] | null }>

export function createSetup(options: SetupOptions): Setup {
  return async (tx, instance) => {
    const nodes = await nodesOfVersion(tx, instance.versionId)
    const customer = await customerById(tx, instance.workspaceId, instance.customerId)
    const isLive = instance.isEnabled && instance.archivedAt === null && customer !== null
    const events = isLive ? await eventTriggers(tx, instance, nodes, options) : { triggers: [], errors: [] }
    const before = await replaceEventTriggers(tx, instance.id, events.triggers)
    await letGo(tx, before, events.triggers, options.subscriptions)
    await setSchedules(tx, instance, isLive ? nodes : {}, options)
    return events.errors.length === 0
      ? { state: 'READY', errors: null }
      : { state: 'SETUP_FAILED', errors: events.errors }
  }
}

async function eventTriggers(
  tx: Tx,
  instance: FlowInstance,
  nodes: FlowNodes,
  options: SetupOptions,
): Promise<{ triggers: EventTrigger[]; errors: ErrorData[] }> {
  const triggers: EventTrigger[] = []
  const errors: ErrorData[] = []
  for (const { nodeKey, wish } of triggerWishes(nodes, options.nodeTypes)) {
    if (wish.kind !== 'app-event') continue
    const type = await appEventTypeByKey(tx, instance.workspaceId, wish.appEventTypeKey)
    if (type === null || type.archivedAt !== null) {
      const what = type === null ? 'does not exist' : 'is archived'
      const message = `node ${JSON.stringify(nodeKey)}: the app event type ${JSON.stringify(wish.appEventTypeKey)} ${what}`
      errors.push(errorData('setup_failed', message, { nodeKey }))
      continue
    }
    const wanted = { type, customerId: instance.customerId, instanceKey: instance.instanceKey, isManual: false }
    const subscription = await options.subscriptions.want(tx, wanted)
    triggers.push({
      flowInstanceId: instance.id,
      nodeKey,
      appEventTypeId: type.id,
      customerId: instance.customerId,
      subscriptionId: subscription.id,
    })
  }
  return { triggers, errors }
}

/** Streams that this instance used and no enabled flow uses any more are released. */
async function letGo(
  tx: Tx,
  before: readonly string[],
  after: readonly EventTrigger[],
  subscriptions: AppSubscriptions,
): Promise<void> {
  const left = before.filter((id) => !after.some((trigger) => trigger.subscriptionId === id)).sort()
  if (left.length === 0) return
  // Locked first, counted then: whoever starts to use one at this moment has either committed or waits for us.
  await subscriptions.lock(tx, left)
  const inUse = await streamsInUse(tx, left)
  await subscriptions.release(
    tx,
    left.filter((id) => !inUse.has(id)),
  )
}

async function setSchedules(tx: Tx, instance: FlowInstance, nodes: FlowNodes, options: SetupOptions): Promise<void> {
  const schedules = triggerWishes(nodes, options.nodeTypes).flatMap(({ nodeKey, wish }): FlowSchedule[] => {
    if (wish.kind !== 'schedule') return []
    const nextAt = nextTime(wish.cron, wish.timeZone, options.clock.now())
    return nextAt === null
      ? []
      : [{ flowInstanceId: instance.id, nodeKey, cron: wish.cron, timeZone: wish.timeZone, nextAt }]
  })
  await replaceSchedules(tx, instance.id, schedules)
  for (const schedule of schedules) await queueSchedule(tx, options.queue, schedule)
}

/** The job that fires a schedule at its next time; there is only ever one per schedule. */
export async function queueSchedule(tx: Tx, queue: Queue, schedule: FlowSchedule): Promise<void> {
  const { flowInstanceId, nodeKey } = schedule
  const payload = { flowInstanceId, nodeKey, at: schedule.nextAt.toISOString() }
  await queue.add(tx, {
    task: SCHEDULE_TASK,
    payload,
    runAt: schedule.nextAt,
    key: `schedule:${flowInstanceId}:${nodeKey}`,
  })
}

/** The first time of a schedule after `after`; null where it never comes again. */
export function nextTime(cron: string, timeZone: string, after: Date): Date | null {
  return new Cron(cron, { timezone: timeZone, paused: true }).nextRun(after)
}
