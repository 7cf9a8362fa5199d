import type { FunctionDefinition } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { type ExternalEventType, resolved } from '../event-types/external-event-type.ts'
import { familiesOf } from '../event-types/external-store.ts'
import type { Database, Tx } from '../platform/database.ts'
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

/** What is of an external event type or of an event of its connection's connector. */
export interface Defined {
  connection: Connection
  of: Pick<ExternalSubscription, 'externalEventTypeId' | 'eventKey'>
}

/**
 * The definitions of external event types and connector events for their connections, in order; null where there is
 * none (any more). Whoever is in a transaction asks in it.
 */
export async function definitionsOf(
  options: { database: Database; connections: Pick<Connections, 'appOf'> },
  wanted: readonly Defined[],
  tx?: Tx,
): Promise<(ExternalDefinition | null)[]> {
  const typed = wanted.flatMap(({ connection, of }) =>
    of.externalEventTypeId === null ? [] : [{ typeId: of.externalEventTypeId, connection }],
  )
  const families = (await familiesOf(tx ?? options.database.db, typed)).values()
  const definitions: (ExternalDefinition | null | Promise<ExternalDefinition | null>)[] = []
  for (const { connection, of } of wanted) {
    if (of.externalEventTypeId !== null) definitions.push(ofFamily(families.next().value ?? [], connection))
    // A transaction is asked one thing at a time.
    else if (tx !== undefined) definitions.push(await ofConnector(options.connections, connection, of.eventKey, tx))
    else definitions.push(ofConnector(options.connections, connection, of.eventKey))
  }
  return Promise.all(definitions)
}

export async function definitionOf(
  options: { database: Database; connections: Pick<Connections, 'appOf'> },
  wanted: Defined,
  tx?: Tx,
): Promise<ExternalDefinition | null> {
  const [definition] = await definitionsOf(options, [wanted], tx)
  return definition ?? null
}

async function ofConnector(
  connections: Pick<Connections, 'appOf'>,
  connection: Connection,
  eventKey: string | null,
  tx?: Tx,
): Promise<ExternalDefinition | null> {
  const app = await connections.appOf(connection, tx)
  const event = app?.connector.definition.events[eventKey ?? '']
  if (app === null || event === undefined) return null
  const ownerId = toWire('cnr', app.connector.id)
  const owned = (definition: FunctionDefinition | undefined) =>
    definition === undefined ? null : { definition, ownerId }
  return {
    name: event.name,
    isGone: false,
    parametersSchema: event.parametersSchema ?? null,
    revision: `${app.connector.revision}:${eventKey}:parameters`,
    subscribe: owned(event.subscribe),
    unsubscribe: owned(event.unsubscribe),
    refresh: owned(event.refresh),
    getEventSelector: event.implementationType === 'global-webhook' ? owned(event.getEventSelector) : null,
  }
}

function ofFamily(family: readonly ExternalEventType[], connection: Connection): ExternalDefinition | null {
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
