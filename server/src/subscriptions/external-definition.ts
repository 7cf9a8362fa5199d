import type { FunctionDefinition } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { resolved } from '../event-types/external-event-type.ts'
import { familyOf } from '../event-types/external-store.ts'
import type { Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { ExternalStep, ExternalSubscription } from './external-subscription.ts'

/** A function, and whose it is as an id of the wire. */
export interface OwnedFunction {
  definition: FunctionDefinition
  ownerId: string
}

/** What a subscription is of, as it applies to its connection now. */
export interface ExternalDefinition {
  name: string
  /** Archived: it cannot be subscribed to. */
  isGone: boolean
  parametersSchema: Record<string, unknown> | boolean | null
  /** Of the schema, for remembering it compiled. */
  revision: string
  subscribe: OwnedFunction | null
  unsubscribe: OwnedFunction | null
  refresh: OwnedFunction | null
  /** Events that come in at the integration's global webhook: what says which are this connection's. */
  getEventSelector: OwnedFunction | null
}

/** The definition of an external event type or connector event for a connection; null where there is none (any more). */
export async function definitionOf(
  tx: Tx,
  connections: Pick<Connections, 'appOf'>,
  connection: Connection,
  of: Pick<ExternalSubscription, 'externalEventTypeId' | 'eventKey'>,
): Promise<ExternalDefinition | null> {
  if (of.externalEventTypeId !== null) return ofType(tx, connection, of.externalEventTypeId)
  const app = await connections.appOf(connection, tx)
  const event = app?.connector.definition.events[of.eventKey ?? '']
  if (app === null || event === undefined) return null
  const ownerId = toWire('cnr', app.connector.id)
  const owned = (definition: FunctionDefinition | undefined) =>
    definition === undefined ? null : { definition, ownerId }
  return {
    name: event.name,
    isGone: false,
    parametersSchema: event.parametersSchema ?? null,
    revision: `${app.connector.revision}:${of.eventKey}:parameters`,
    subscribe: owned(event.subscribe),
    unsubscribe: owned(event.unsubscribe),
    refresh: owned(event.refresh),
    getEventSelector: event.implementationType === 'global-webhook' ? owned(event.getEventSelector) : null,
  }
}

async function ofType(tx: Tx, connection: Connection, typeId: string): Promise<ExternalDefinition | null> {
  const family = await familyOf(tx, typeId, connection)
  if (family.length === 0) return null
  const type = resolved(family, connection)
  const owned = (slot: { definition: FunctionDefinition; ownerId: string } | null) =>
    slot === null ? null : { definition: slot.definition, ownerId: toWire('eet', slot.ownerId) }
  return {
    name: type.name,
    isGone: type.isArchived,
    parametersSchema: type.parametersSchema,
    revision: `${type.revision}:parameters`,
    subscribe: owned(type.subscribe),
    unsubscribe: owned(type.unsubscribe),
    refresh: owned(type.refresh),
    getEventSelector: null,
  }
}

/** What a step calls; null where nothing is to be called for it. */
export function functionOf(definition: ExternalDefinition, step: ExternalStep): OwnedFunction | null {
  if (step === 'subscribe') return definition.subscribe ?? definition.getEventSelector
  return step === 'unsubscribe' ? definition.unsubscribe : definition.refresh
}
