import type { Database, Tx } from '../platform/database.ts'
import type { TracePlace } from '../platform/tracing.ts'
import type { CameEvent } from '../runs/event-waits.ts'
import { EXTERNAL_EVENT_LAUNCH, type NewRun } from '../runs/run.ts'
import {
  type ExternalWantedRun,
  type WantedRun,
  wantedAtGlobals,
  wantedAtStreams,
  wantedByCustomers,
  wantedByStreams,
} from './store.ts'

/** Where an event comes in: at the URL of one stream, or at a global one for whatever streams the customer has there. */
export type EventAddress = { webhookUuid: string } | { webhookKey: string; customerId: string }

/** Which flows want an event, and the stream it is shown under. */
export interface Wish {
  subscriptionId: string | null
  wanted: readonly WantedRun[]
  /** Where in the event runs look for what they wait for. */
  waitFields: readonly string[]
}

/**
 * For the addresses of a batch of events, who wants those: at most two statements however many there are. What was
 * enabled before the call counts. Addresses that nobody wants events of are left out.
 */
export async function whoWants(
  database: Database,
  addresses: ReadonlyMap<string, EventAddress>,
): Promise<Map<string, Wish>> {
  const streams: string[] = []
  const globals: { webhookKey: string; customerId: string }[] = []
  for (const address of addresses.values()) {
    if ('webhookUuid' in address) streams.push(address.webhookUuid)
    else globals.push(address)
  }
  const [atStreams, atGlobals] = await Promise.all([
    streams.length === 0 ? [] : wantedAtStreams(database, streams),
    globals.length === 0 ? [] : wantedAtGlobals(database, globals),
  ])
  const wishes = new Map<string, Wish>()
  for (const rows of [Map.groupBy(atStreams, addressKey), Map.groupBy(atGlobals, addressKey)]) {
    for (const [key, wanted] of rows)
      wishes.set(key, {
        subscriptionId: shownStream(wanted),
        wanted: withFlow(wanted),
        waitFields: waitFieldsOf(wanted),
      })
  }
  return wishes
}

/** One text for each address. */
export function addressKey(address: EventAddress): string {
  return 'webhookUuid' in address ? address.webhookUuid : address.webhookKey + address.customerId
}

/** Who wants an event that is there already, by the stream or else the type and customer that it is of. */
export async function whoWantsAgain(
  tx: Tx,
  event: { appEventTypeId: string; customerId: string; subscriptionId: string | null },
): Promise<readonly WantedRun[]> {
  const { subscriptionId } = event
  return withFlow(
    subscriptionId === null ? await wantedByCustomers(tx, [event]) : await wantedByStreams(tx, [subscriptionId]),
  )
}

function waitFieldsOf(rows: readonly WantedRun[]): readonly string[] {
  return rows.some((row) => row.waitFields !== null) ? [...new Set(rows.flatMap((row) => row.waitFields ?? []))] : []
}

/** An application's event, as runs that wait for one look at it. */
export function cameFor(
  {
    id,
    customerId,
    appEventTypeId,
    payload,
  }: { id: string; customerId: string; appEventTypeId: string; payload: string },
  wish: Wish | undefined,
): CameEvent[] {
  if (wish === undefined || wish.waitFields.length === 0) return []
  const source = { kind: 'app', appEventTypeId, customerId } as const
  return [{ eventId: id, customerId, source, payload, fields: wish.waitFields }]
}

function withFlow(rows: readonly WantedRun[]): WantedRun[] {
  return rows.filter((row) => row.flowInstanceId !== null)
}

/** Of several streams of one customer, the one without instance key, else the oldest, stands for a global event. */
function shownStream(rows: readonly WantedRun[]): string | null {
  if (rows.length === 1) return rows[0]?.subscriptionId ?? null
  const [first] = [...rows].sort(
    (a, b) => compare(a.instanceKey, b.instanceKey) || compare(a.subscriptionId, b.subscriptionId),
  )
  return first?.subscriptionId ?? null
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The run that an event starts in one flow. */
export function runFor(workspaceId: string, eventId: string, wanted: WantedRun, trace: TracePlace | null): NewRun {
  const { nodeKey, flowInstanceId } = wanted
  if (nodeKey === null || flowInstanceId === null) throw new Error('no flow wants this')
  return {
    workspaceId,
    customerId: wanted.customerId,
    connectionId: wanted.connectionId,
    integrationId: wanted.integrationId,
    flowInstanceId,
    flowId: wanted.flowId,
    universalFlowId: wanted.universalFlowId,
    versionId: wanted.versionId,
    startNodeKey: nodeKey,
    eventId,
    inputText: null,
    launchedBy: trace === null ? { type: 'app-event-trigger' } : { type: 'app-event-trigger', trace },
    meta: null,
    isOrdered: wanted.isOrdered,
    concurrency: wanted.concurrency,
  }
}

/** The run that an event of an external app starts in one flow. */
export function externalRunFor(
  workspaceId: string,
  eventId: string,
  wanted: ExternalWantedRun,
  trace: TracePlace | null,
): NewRun {
  return {
    workspaceId,
    customerId: wanted.customerId,
    connectionId: wanted.connectionId,
    integrationId: wanted.integrationId,
    flowInstanceId: wanted.flowInstanceId,
    flowId: wanted.flowId,
    universalFlowId: wanted.universalFlowId,
    versionId: wanted.versionId,
    startNodeKey: wanted.nodeKey,
    eventId,
    inputText: null,
    launchedBy: trace === null ? { type: EXTERNAL_EVENT_LAUNCH } : { type: EXTERNAL_EVENT_LAUNCH, trace },
    meta: null,
    isOrdered: wanted.isOrdered,
    concurrency: wanted.concurrency,
  }
}
