import type { Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { NewRun } from '../runs/run.ts'
import { type WantedRun, wantedByCustomers, wantedByStreams } from './store.ts'

/** Where an event belongs: one stream, or whatever streams the customer has of the type. */
export interface EventPlace {
  workspaceId: string
  appEventTypeId: string
  customerId: string
  /** Set where the event came in at the URL of one stream. */
  subscriptionId: string | null
}

/** Which flows want an event, and the stream it is shown under. */
export interface Wish {
  subscriptionId: string | null
  wanted: readonly WantedRun[]
}

/**
 * For a batch of events, who wants each: at most two statements however many events there are. What was enabled
 * before the call counts.
 */
export async function whoWants(tx: Tx, places: readonly EventPlace[]): Promise<Wish[]> {
  const streams = new Set(places.flatMap((place) => (place.subscriptionId === null ? [] : [place.subscriptionId])))
  const pairs = new Map(places.filter((place) => place.subscriptionId === null).map((place) => [pairKey(place), place]))
  const byStream =
    streams.size === 0 ? new Map() : Map.groupBy(await wantedByStreams(tx, [...streams]), (row) => row.subscriptionId)
  const byPair = pairs.size === 0 ? new Map() : Map.groupBy(await wantedByCustomers(tx, [...pairs.values()]), pairKey)
  const shown = new Map([...byPair].map(([key, rows]) => [key, shownStream(rows)]))
  return places.map((place): Wish => {
    if (place.subscriptionId !== null) {
      return { subscriptionId: place.subscriptionId, wanted: withFlow(byStream.get(place.subscriptionId)) }
    }
    return { subscriptionId: shown.get(pairKey(place)) ?? null, wanted: withFlow(byPair.get(pairKey(place))) }
  })
}

function pairKey(place: { appEventTypeId: string; customerId: string }): string {
  return place.appEventTypeId + place.customerId
}

function withFlow(rows: readonly WantedRun[] | undefined): WantedRun[] {
  return (rows ?? []).filter((row) => row.flowInstanceId !== null)
}

/** Of several streams of one customer, the one without instance key, else the oldest, stands for a global event. */
function shownStream(rows: readonly WantedRun[]): string | null {
  const [first] = [...rows].sort(
    (a, b) => compare(a.instanceKey, b.instanceKey) || compare(a.subscriptionId, b.subscriptionId),
  )
  return first?.subscriptionId ?? null
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The run that an event starts in one flow. */
export function runFor(workspaceId: string, eventId: string, wanted: WantedRun): NewRun {
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
    appEventId: eventId,
    inputText: null,
    launchedBy: { type: 'app-event-trigger', ids: [toWire('aev', eventId)] },
    meta: null,
    isOrdered: wanted.isOrdered,
    concurrency: wanted.concurrency,
  }
}
