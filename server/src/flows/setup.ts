import type { ErrorData } from '@permea/contract'
import { errorData, Refusal } from '../api/refusal.ts'
import { asObject } from '../connections/apps.ts'
import type { Connection } from '../connections/connection.ts'
import { connectionById } from '../connections/store.ts'
import { type Customer, userVariable } from '../customers/customer.ts'
import { customerById } from '../customers/store.ts'
import type { ResolvedSource } from '../data-records/source.ts'
import { appEventTypeByKey } from '../event-types/store.ts'
import { recordEventKey } from '../external-subscriptions/record-event.ts'
import type { ExternalSubscriptions, WantedStream } from '../external-subscriptions/subscriptions.ts'
import { FormulaTooLarge } from '../formulas/bounds.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { Clock } from '../platform/clock.ts'
import type { Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { AppSubscriptions } from '../subscriptions/app-subscriptions.ts'
import type { ConnectorEvents } from './connector-events.ts'
import type { FlowInstance } from './flow.ts'
import type { NodeTypes, TriggerWish } from './node-type.ts'
import { missingParameters } from './parameter-secrets.ts'
import { incompleteness, triggerWishes } from './plan.ts'
import { nextTime } from './schedule.ts'
import {
  type EventTrigger,
  type ExternalTrigger,
  externalStreamsInUse,
  type FlowSchedule,
  nodesOfVersion,
  replaceEventTriggers,
  replaceExternalTriggers,
  replaceSchedules,
  streamsInUse,
} from './store.ts'
import { type FlowWait, replaceWaits } from './waits-store.ts'

export const SCHEDULE_TASK = 'flow-schedule'

export interface SetupOptions {
  clock: Clock
  sealing: Sealing
  queue: Queue
  nodeTypes: NodeTypes
  subscriptions: AppSubscriptions
  externalSubscriptions: Pick<ExternalSubscriptions, 'want' | 'lock' | 'release'>
  connectorEvents: ConnectorEvents
  /** Where the records of a data source are. */
  sourceOf(
    tx: Tx,
    connection: Connection,
    config: unknown,
    instanceKey: string,
  ): Promise<ResolvedSource | { problem: string }>
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
    const nodes = await nodesOfVersion(tx, options.sealing, instance.versionId)
    const { workspaceId, customerId, connectionId } = instance
    const customer = await customerById(tx, workspaceId, customerId)
    const connection = connectionId === null ? null : await connectionById(tx, workspaceId, connectionId)
    const isConnected = connectionId === null || (connection !== null && connection.archivedAt === null)
    const missing = [...incompleteness(nodes, options.nodeTypes), ...missingParameters(instance.parameters)]
    const isWorkable = missing.length === 0 && customer !== null && isConnected
    const isLive = instance.isEnabled && instance.archivedAt === null && isWorkable
    const wishes = isLive ? triggerWishes(nodes, options.nodeTypes) : []
    const events = await eventTriggers(tx, instance, wishes, options)
    const external = await externalTriggers(tx, instance, wishes, { customer, connection }, options)
    const before = await replaceEventTriggers(tx, instance.id, events.triggers)
    const externalBefore = await replaceExternalTriggers(tx, instance.id, external.triggers)
    const waitsBefore = await replaceWaits(tx, instance.id, [...events.waits, ...external.waits])
    await letGo(
      tx,
      [...before, ...waitsBefore.app],
      [...events.triggers, ...events.waits],
      streamsInUse,
      options.subscriptions,
    )
    await letGo(
      tx,
      [...externalBefore, ...waitsBefore.external],
      [...external.triggers, ...external.waits],
      externalStreamsInUse,
      options.externalSubscriptions,
    )
    await setSchedules(tx, instance, wishes, options)
    if (missing.length > 0) return { state: 'CONFIGURATION_ERROR', errors: missing }
    const errors = [...events.errors, ...external.errors]
    return errors.length === 0 ? { state: 'READY', errors: null } : { state: 'SETUP_FAILED', errors }
  }
}

type Wishes = ReturnType<typeof triggerWishes>

async function eventTriggers(
  tx: Tx,
  instance: FlowInstance,
  wishes: Wishes,
  options: SetupOptions,
): Promise<{ triggers: EventTrigger[]; waits: FlowWait[]; errors: ErrorData[] }> {
  const triggers: EventTrigger[] = []
  const waits: FlowWait[] = []
  const errors: ErrorData[] = []
  for (const { nodeKey, wish: whole } of wishes) {
    const wish = whole.kind === 'wait' ? whole.for : whole
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
    const trigger = {
      flowInstanceId: instance.id,
      nodeKey,
      appEventTypeId: type.id,
      customerId: instance.customerId,
      subscriptionId: subscription.id,
    }
    if (whole.kind === 'wait') waits.push({ ...trigger, kind: 'app', field: whole.field })
    else triggers.push(trigger)
  }
  return { triggers, waits, errors }
}

/** The streams of events of the connection's app that the triggers wait for; shared with other flows of the connection. */
async function externalTriggers(
  tx: Tx,
  instance: FlowInstance,
  wishes: Wishes,
  of: { customer: Customer | null; connection: Connection | null },
  options: SetupOptions,
): Promise<{ triggers: ExternalTrigger[]; waits: FlowWait[]; errors: ErrorData[] }> {
  const triggers: ExternalTrigger[] = []
  const waits: FlowWait[] = []
  const errors: ErrorData[] = []
  for (const { nodeKey, wish: whole } of wishes) {
    const wish = whole.kind === 'wait' ? whole.for : whole
    if (wish.kind !== 'connector-event' && wish.kind !== 'record-event') continue
    const fail = (message: string) =>
      errors.push(errorData('setup_failed', `node ${JSON.stringify(nodeKey)}: ${message}`, { nodeKey }))
    const { connection } = of
    if (connection === null) {
      fail('events of an external app need a connection, and the flow instance has none')
      continue
    }
    try {
      const wanted = await streamOf(tx, wish, { instance, customer: of.customer, connection }, options)
      if (typeof wanted === 'string') {
        fail(wanted)
        continue
      }
      const subscription = await options.externalSubscriptions.want(tx, wanted)
      const trigger = { flowInstanceId: instance.id, nodeKey, subscriptionId: subscription.id }
      if (whole.kind === 'wait')
        waits.push({
          ...trigger,
          kind: 'external',
          appEventTypeId: null,
          customerId: instance.customerId,
          field: whole.field,
        })
      else triggers.push(trigger)
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof FormulaTooLarge)) throw error
      fail(error.message)
    }
  }
  return { triggers, waits, errors }
}

type ExternalWish = Extract<TriggerWish, { kind: 'connector-event' | 'record-event' }>

/** The stream that a trigger waits for, with its formulas evaluated; a text says why there can be none. */
async function streamOf(
  tx: Tx,
  wish: ExternalWish,
  { instance, customer, connection }: { instance: FlowInstance; customer: Customer | null; connection: Connection },
  options: SetupOptions,
): Promise<WantedStream | string> {
  const scope = setupScope(instance, customer)
  if (wish.kind === 'connector-event') {
    const problem = await options.connectorEvents.problem(tx, { connection }, wish.eventKey)
    if (problem !== null) return problem
    return {
      connection,
      eventKey: wish.eventKey,
      parameters: asObject(await evaluateFormula(wish.parameters, scope, { owner: connection.customerId })),
    }
  }
  const config = await evaluateFormula(wish.dataSource, scope, { owner: connection.customerId })
  const source = await options.sourceOf(tx, connection, config, instance.instanceKey)
  if ('problem' in source) return `dataSource: ${source.problem}`
  const { place, pullUpdatesIntervalSeconds, fullSyncIntervalSeconds } = source
  return {
    connection,
    eventKey: recordEventKey({ type: wish.recordEvent, collectionKey: place.key }),
    parameters: place.parameters,
    pullUpdatesIntervalSeconds,
    fullSyncIntervalSeconds,
  }
}

/** What formulas of a node see when it is set up. */
function setupScope(instance: FlowInstance, customer: Customer | null): Record<string, unknown> {
  return {
    flowInstance: {
      id: toWire('cf', instance.id),
      ...(instance.instanceKey === '' ? {} : { instanceKey: instance.instanceKey }),
      parameters: instance.parameters ?? {},
    },
    ...(customer === null ? {} : { user: userVariable(customer) }),
  }
}

/** Streams that this instance used and no enabled flow uses any more are released. */
async function letGo(
  tx: Tx,
  before: readonly string[],
  after: readonly { subscriptionId: string }[],
  inUse: (tx: Tx, ids: readonly string[]) => Promise<Set<string>>,
  subscriptions: Pick<AppSubscriptions, 'lock' | 'release'>,
): Promise<void> {
  const left = before.filter((id) => !after.some((trigger) => trigger.subscriptionId === id)).sort()
  if (left.length === 0) return
  // Locked first, counted then: whoever starts to use one at this moment has either committed or waits for us.
  await subscriptions.lock(tx, left)
  const used = await inUse(tx, left)
  await subscriptions.release(
    tx,
    left.filter((id) => !used.has(id)),
  )
}

async function setSchedules(tx: Tx, instance: FlowInstance, wishes: Wishes, options: SetupOptions): Promise<void> {
  const schedules = wishes.flatMap(({ nodeKey, wish }): FlowSchedule[] => {
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
