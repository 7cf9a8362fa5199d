import type { LaneKind } from '@permea/contract'
import { ownersOfConnectionLanes } from '../connections/store.ts'
import { ownersOfCustomerLanes } from '../customers/store.ts'
import { destinationWireId } from '../deliveries/delivery.ts'
import { ownersOfDestinationLanes } from '../deliveries/statistics-store.ts'
import { ownersOfSubscriptionLanes } from '../external-subscriptions/store.ts'
import { ownersOfInstanceLanes } from '../flows/store.ts'
import { ownersOfWebhookLanes } from '../integrations/connector-store.ts'
import type { Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { LaneOwner } from '../platform/lane-standing.ts'

/** Whose a lane is, and what has it. */
export interface LaneElement extends LaneOwner {
  id: string
  /** On the wire. */
  elementId: string
  name: string | null
}

type FindElements = (tx: Tx, laneIds: readonly string[]) => Promise<LaneElement[]>

/** What may have lanes of each kind. */
const FINDERS: Readonly<Record<LaneKind, readonly FindElements[]>> = {
  'flow-runs': [
    async (tx, ids) =>
      (await ownersOfCustomerLanes(tx, ids)).map((each) => ({ ...each, elementId: toWire('cus', each.id) })),
    async (tx, ids) =>
      (await ownersOfInstanceLanes(tx, ids)).map((each) => ({ ...each, elementId: toWire('cf', each.id) })),
  ],
  deliveries: [
    async (tx, ids) =>
      (await ownersOfDestinationLanes(tx, ids)).map((each) => ({
        ...each,
        elementId: destinationWireId(each),
        name: null,
      })),
  ],
  'incoming-webhooks': [
    subscriptions,
    async (tx, ids) =>
      (await ownersOfWebhookLanes(tx, ids)).map((each) => ({ ...each, elementId: toWire('int', each.integrationId) })),
  ],
  'external-subscriptions': [connections],
  pulls: [connections],
}

/** What has these lanes; those of which nothing is known any more are missing. */
export async function elementsOf(
  tx: Tx,
  kind: LaneKind,
  laneIds: readonly string[],
): Promise<Map<string, LaneElement>> {
  const found = new Map<string, LaneElement>()
  if (laneIds.length === 0) return found
  for (const find of FINDERS[kind]) for (const element of await find(tx, laneIds)) found.set(element.id, element)
  return found
}

async function subscriptions(tx: Tx, ids: readonly string[]): Promise<LaneElement[]> {
  return (await ownersOfSubscriptionLanes(tx, ids)).map((each) => ({ ...each, elementId: toWire('ees', each.id) }))
}

async function connections(tx: Tx, ids: readonly string[]): Promise<LaneElement[]> {
  return (await ownersOfConnectionLanes(tx, ids)).map((each) => ({ ...each, elementId: toWire('con', each.id) }))
}
