import { appEventSources } from '../event-types/store.ts'
import { subscriptionSources } from '../events/store.ts'
import { sourcesByUuids } from '../external-events/store.ts'
import { globalWebhookWorkspaces } from '../integrations/connector-store.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { type AddressOwner, createDoor, type Door } from './door.ts'

/** The doors to every kind of webhook address. */
export interface Doors {
  internal: { subscription: Door; global: Door }
  external: { subscription: Door; global: Door }
}

export function createDoors(database: Database): Doors {
  return {
    internal: {
      subscription: createDoor(async (uuids) =>
        byAddress([...(await subscriptionSources(database, uuids)).values()], (each) => ({
          ...each,
          elementId: toWire('aes', each.subscriptionId),
        })),
      ),
      global: createDoor(async (uuids) =>
        byAddress(await appEventSources(database, uuids), ({ id, webhookKey, workspaceId }) => ({
          webhookUuid: webhookKey,
          workspaceId,
          customerId: null,
          elementId: toWire('aet', id),
        })),
      ),
    },
    external: {
      subscription: createDoor(async (uuids) =>
        byAddress([...(await sourcesByUuids(database, uuids)).values()], (each) => ({
          ...each,
          elementId: toWire('ees', each.subscriptionId),
        })),
      ),
      global: createDoor(async (uuids) =>
        byAddress(await globalWebhookWorkspaces(database.db, uuids), ({ integrationId, ...each }) => ({
          ...each,
          customerId: null,
          elementId: toWire('int', integrationId),
        })),
      ),
    },
  }
}

function byAddress<Row>(
  rows: readonly Row[],
  ownerOf: (row: Row) => AddressOwner & { webhookUuid: string },
): Map<string, AddressOwner> {
  return new Map(
    rows.map((row) => {
      const { webhookUuid, ...owner } = ownerOf(row)
      return [webhookUuid, owner]
    }),
  )
}
