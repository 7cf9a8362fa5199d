import type { FunctionDefinition } from '@permea/contract'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import { type ExternalEventType, resolved } from '../external-event-types/event-type.ts'
import { familiesAtOnce, familiesOf, type TypeOfConnection } from '../external-event-types/store.ts'
import type { Connector } from '../integrations/connector.ts'
import type { Database, Tx } from '../platform/database.ts'
import { createGroupCommit, type GroupCommit } from '../platform/group-commit.ts'
import { toWire } from '../platform/ids.ts'
import {
  type RecordEventArgs,
  type RecordEventOf,
  recordEventFunctions,
  recordEventKey,
  recordEventOf,
} from './record-event.ts'
import type { ExternalStep, ExternalSubscription } from './subscription.ts'

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
  /** How it is looked for, where the app does not tell of it; then there may be nothing to register. */
  pullStrategy: string | null
  /** What its functions are given besides, where it is of records. */
  more: RecordEventArgs | null
}

/** What is of an external event type or of an event of its connection's connector. */
export interface Defined {
  connection: Connection
  of: Pick<ExternalSubscription, 'externalEventTypeId' | 'eventKey'>
}

/** Finds what subscriptions are of. */
export interface ExternalDefinitions {
  /**
   * The definition of an external event type or connector event for a connection; null where there is none (any more).
   * What is asked for at the same time is read together; whoever is in a transaction asks in it.
   */
  of(wanted: Defined, tx?: Tx): Promise<ExternalDefinition | null>
}

/** Types that are read in one statement. */
const GROUP_MAX = 500

export function createExternalDefinitions(options: {
  database: Database
  connections: Pick<Connections, 'appOf'>
}): ExternalDefinitions {
  const { database, connections } = options
  const families: GroupCommit<TypeOfConnection, ExternalEventType[]> = createGroupCommit({
    write: (wanted) => familiesAtOnce(database, wanted),
    groupMax: GROUP_MAX,
    groupWeightMax: GROUP_MAX,
    writersMax: 2,
    // Whoever asks is bounded: by a page, or by what a process works at.
    waitingMax: Number.MAX_SAFE_INTEGER,
    waitingWeightMax: Number.MAX_SAFE_INTEGER,
  })
  return {
    async of({ connection, of }, tx) {
      if (of.externalEventTypeId === null) return ofConnector(connections, connection, of.eventKey, tx)
      const wanted = { typeId: of.externalEventTypeId, connection }
      const family = tx === undefined ? await families.add(wanted, 1) : (await familiesOf(tx, [wanted]))[0]
      return ofFamily(family ?? [], connection)
    },
  }
}

async function ofConnector(
  connections: Pick<Connections, 'appOf'>,
  connection: Connection,
  eventKey: string | null,
  tx?: Tx,
): Promise<ExternalDefinition | null> {
  const app = await connections.appOf(connection, tx)
  const recordEvent = recordEventOf(eventKey ?? '')
  if (app !== null && recordEvent !== null) return ofRecords(app.connector, recordEvent)
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
    pullStrategy: event.implementationType === 'pull' ? 'pull' : null,
    more: null,
  }
}

function ofRecords(connector: Connector, recordEvent: RecordEventOf): ExternalDefinition | null {
  const found = recordEventFunctions(connector.definition, recordEvent)
  if (found === null) return null
  const ownerId = toWire('cnr', connector.id)
  const owned = (definition: FunctionDefinition | undefined) =>
    definition === undefined ? null : { definition, ownerId }
  const { subscribe, unsubscribe, refresh } = found.functions
  return {
    name: found.name,
    isGone: false,
    // Parameters of a collection come from data sources, as texts.
    parametersSchema: null,
    revision: `${connector.revision}:${recordEventKey(recordEvent)}`,
    subscribe: owned(subscribe),
    unsubscribe: owned(unsubscribe),
    refresh: owned(refresh),
    getEventSelector: null,
    pullStrategy: found.pullStrategy,
    more: found.more,
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
    pullStrategy: null,
    more: null,
  }
}

/** What a step calls; null where nothing is to be called for it. */
export function functionOf(definition: ExternalDefinition, step: ExternalStep): OwnedFunction | null {
  if (step === 'subscribe') return definition.subscribe ?? definition.getEventSelector
  return step === 'unsubscribe' ? definition.unsubscribe : definition.refresh
}
