import type { Alerts } from './alerts/alerts.ts'
import { endpointFailing, endpointPaused, failingKeys, pausedKey } from './alerts/conditions.ts'
import type { ConnectionFacts } from './connections/connection.ts'
import type { CustomerFacts } from './customers/registry.ts'
import type { DestinationFacts } from './deliveries/health.ts'
import type { AppEventTypeFacts } from './event-types/routes.ts'
import type { ExternalEventTypeFacts } from './external-event-types/event-types.ts'
import type { ExternalSubscriptions } from './external-subscriptions/subscriptions.ts'
import type { AutoCreate } from './flows/auto-create.ts'
import type { Instances } from './flows/instances.ts'
import type { Endpoints } from './notifications/endpoints.ts'
import type { Tx } from './platform/database.ts'
import type { FactTable } from './platform/facts.ts'
import type { AppSubscriptions } from './subscriptions/app-subscriptions.ts'
import type { WorkspaceFacts } from './workspaces/routes.ts'

/** Everything that a room records for rooms above it. */
export type EngineFacts = WorkspaceFacts &
  DestinationFacts &
  CustomerFacts &
  ConnectionFacts &
  AppEventTypeFacts &
  ExternalEventTypeFacts

/** The rooms in which something follows. */
export interface Followers {
  endpoints: Pick<Endpoints, 'followWorkspace'>
  people: { followWorkspace(tx: Tx, created: WorkspaceFacts['workspace.created']): Promise<void> }
  alerts: Pick<Alerts, 'raise' | 'resolve'>
  subscriptions: Pick<AppSubscriptions, 'followCustomer' | 'followTypeSoon'>
  externalSubscriptions: Pick<ExternalSubscriptions, 'followCustomer' | 'followConnection' | 'followTypeSoon'>
  autoCreate: Pick<AutoCreate, 'forCustomer' | 'forConnection'>
  instances: Pick<Instances, 'archiveAllOfConnection'>
  /** Actions and data elements that a connection has of its own. */
  archiveOwnOf(tx: Tx, connection: { id: string }): Promise<void>
}

/**
 * What follows from each fact, in this order and in the transaction that records it. A fact without an entry does not
 * compile; one from which nothing follows says so.
 */
export function whatFollows(rooms: Followers): FactTable<EngineFacts> {
  const { alerts, autoCreate, endpoints, externalSubscriptions, instances, subscriptions } = rooms
  return {
    'workspace.created': [(tx, created) => rooms.people.followWorkspace(tx, created)],
    'workspace.changed': [(tx, workspace) => endpoints.followWorkspace(tx, workspace)],
    'destination.failing': [
      (tx, { destination, percent, error }) => alerts.raise(tx, endpointFailing(destination, percent, error)),
    ],
    'destination.paused': [(tx, destination) => alerts.raise(tx, endpointPaused(destination))],
    'destination.recovered': [
      async (tx, { id, workspaceId }) => {
        for (const key of [...failingKeys(id), pausedKey(id)]) await alerts.resolve(tx, workspaceId, key)
      },
    ],
    'customer.created': [(tx, customer) => autoCreate.forCustomer(tx, customer)],
    'customer.archived': [
      (tx, { id }) => subscriptions.followCustomer(tx, id, true),
      (tx, { id }) => externalSubscriptions.followCustomer(tx, id, true),
    ],
    'customer.restored': [
      (tx, { id }) => subscriptions.followCustomer(tx, id, false),
      (tx, { id }) => externalSubscriptions.followCustomer(tx, id, false),
    ],
    'connection.created': [(tx, connection) => autoCreate.forConnection(tx, connection)],
    // Instances let go of what they use before registrations are taken back: what is still used is not.
    'connection.archived': [
      (tx, { id }) => instances.archiveAllOfConnection(tx, id),
      (tx, connection) => rooms.archiveOwnOf(tx, connection),
      (tx, connection) => externalSubscriptions.followConnection(tx, connection, 'archived'),
    ],
    'connection.restored': [
      (tx, connection) => externalSubscriptions.followConnection(tx, connection, 'restored'),
      (tx, connection) => autoCreate.forConnection(tx, connection),
    ],
    // Registrations at the app stay, and wait for the connection to come back.
    'connection.disconnected': [],
    'connection.reconnected': [
      (tx, connection) => externalSubscriptions.followConnection(tx, connection, 'reconnected'),
    ],
    'app-event-type.archived': [(tx, { id }) => subscriptions.followTypeSoon(tx, id)],
    'app-event-type.restored': [(tx, { id }) => subscriptions.followTypeSoon(tx, id)],
    'external-event-type.archived': [(tx, type) => externalSubscriptions.followTypeSoon(tx, type)],
    'external-event-type.restored': [(tx, type) => externalSubscriptions.followTypeSoon(tx, type)],
  }
}
