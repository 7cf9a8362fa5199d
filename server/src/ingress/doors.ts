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

/** Finds whose addresses are, by the uuids in them. */
export interface AddressLookups {
  subscriptions(uuids: readonly string[]): Promise<ReadonlyMap<string, Owned & { subscriptionId: string }>>
  types(keys: readonly string[]): Promise<ReadonlyMap<string, { id: string; workspaceId: string }>>
  /** Of external apps; `id` is of the subscription. */
  externals(uuids: readonly string[]): Promise<ReadonlyMap<string, Owned & { id: string }>>
  /** `id` is of the integration. */
  globals(uuids: readonly string[]): Promise<ReadonlyMap<string, { id: string; workspaceId: string }>>
}

interface Owned {
  workspaceId: string
  customerId: string | null
}

export function lookupsIn(database: Database): AddressLookups {
  return {
    subscriptions: (uuids) => subscriptionSources(database, uuids),
    types: async (keys) => new Map((await appEventSources(database, keys)).map((type) => [type.webhookKey, type])),
    async externals(uuids) {
      const found = await sourcesByUuids(database, uuids)
      return new Map([...found].map(([uuid, each]) => [uuid, { ...each, id: each.subscriptionId }]))
    },
    async globals(uuids) {
      const found = await globalWebhookWorkspaces(database.db, uuids)
      return new Map(found.map((each) => [each.webhookUuid, { ...each, id: each.integrationId }]))
    },
  }
}

export function createDoors(find: AddressLookups): Doors {
  return {
    internal: {
      subscription: doorBy(find.subscriptions, ({ subscriptionId, workspaceId, customerId }) => ({
        workspaceId,
        customerId,
        elementId: toWire('aes', subscriptionId),
      })),
      global: doorBy(find.types, ({ id, workspaceId }) => ({
        workspaceId,
        customerId: null,
        elementId: toWire('aet', id),
      })),
    },
    external: {
      subscription: doorBy(find.externals, ({ id, workspaceId, customerId }) => ({
        workspaceId,
        customerId,
        elementId: toWire('ees', id),
      })),
      global: doorBy(find.globals, ({ id, workspaceId }) => ({
        workspaceId,
        customerId: null,
        elementId: toWire('int', id),
      })),
    },
  }
}

function doorBy<Row>(
  load: (uuids: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
  ownerOf: (row: Row) => AddressOwner,
): Door {
  return createDoor(async (uuids) => new Map([...(await load(uuids))].map(([uuid, row]) => [uuid, ownerOf(row)])))
}
