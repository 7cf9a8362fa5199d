import type { Alerts } from './alerts/alerts.ts'
import { alertRoutes } from './alerts/routes.ts'
import type { RouteSet } from './api/routes.ts'
import type { ConnectionsRoom } from './connections/connections.ts'
import type { Customers } from './customers/registry.ts'
import { customerRoutes } from './customers/routes.ts'
import type { Deliveries } from './deliveries/deliveries.ts'
import type { Replays } from './deliveries/replays.ts'
import { deliveryRoutes, replayRoutes } from './deliveries/routes.ts'
import type { ExternalEventTypes } from './event-types/external-event-types.ts'
import { externalEventTypeRoutes } from './event-types/external-routes.ts'
import { eventTypeRoutes } from './event-types/routes.ts'
import type { ExternalReceive } from './events/external-receive.ts'
import { externalEventRoutes, incomingWebhookRoutes } from './events/external-routes.ts'
import type { AutoCreate } from './flows/auto-create.ts'
import type { FlowRoutesOptions } from './flows/flow-routes.ts'
import { flowRoutes } from './flows/flow-routes.ts'
import type { Flows } from './flows/flows.ts'
import { instanceRoutes } from './flows/instance-routes.ts'
import type { Instances } from './flows/instances.ts'
import { nodeTypeRoutes } from './flows/node-catalogue.ts'
import type { NodeTypes } from './flows/node-type.ts'
import { streamsInUse } from './flows/store.ts'
import type { FlowViews } from './flows/views.ts'
import type { Functions } from './functions/function.ts'
import { functionRoutes } from './functions/routes.ts'
import { connectorRoutes } from './integrations/connector-routes.ts'
import type { Connectors } from './integrations/connectors.ts'
import { integrationRoutes } from './integrations/routes.ts'
import { integrationById } from './integrations/store.ts'
import type { IntegrationViews } from './integrations/views.ts'
import type { Endpoints } from './notifications/endpoints.ts'
import { catalogueRoutes, notificationRoutes } from './notifications/routes.ts'
import type { Clock } from './platform/clock.ts'
import type { Database } from './platform/database.ts'
import type { Ids } from './platform/ids.ts'
import type { Sealing } from './platform/sealing.ts'
import { statisticsRoutes } from './statistics/routes.ts'
import type { AppSubscriptions } from './subscriptions/app-subscriptions.ts'
import { externalSubscriptionRoutes } from './subscriptions/external-routes.ts'
import type { ExternalSubscriptions } from './subscriptions/external-subscriptions.ts'
import { subscriptionRoutes } from './subscriptions/routes.ts'
import type { WorkspaceDirectory } from './workspaces/directory.ts'
import { workspaceRoutes } from './workspaces/routes.ts'
import type { Tokens } from './workspaces/tokens.ts'

/** Everything that has endpoints, as the engine has built it. */
export interface EngineParts {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  publicUrl: string
  oAuthCallbackUri: string
  directory: WorkspaceDirectory
  tokens: Tokens
  announceChange(): Promise<void>
  endpoints: Endpoints
  deliveries: Deliveries
  replays: Replays
  alerts: Alerts
  customers: Customers
  functions: Functions
  connectors: Connectors
  integrationViews: IntegrationViews
  connections: ConnectionsRoom
  connectionRoutes: readonly RouteSet[]
  subscriptions: AppSubscriptions
  flows: Flows
  instances: Instances
  views: FlowViews
  autoCreate: AutoCreate
  startRun: FlowRoutesOptions['startRun']
  actionRoutes: readonly RouteSet[]
  externalEventTypes: ExternalEventTypes
  externalSubscriptions: ExternalSubscriptions
  externalReceive: ExternalReceive
  nodeTypes: NodeTypes
}

/** The endpoints of every room but those of runs, which are made with them. */
export function engineRoutes(parts: EngineParts): RouteSet[] {
  const {
    database,
    clock,
    ids,
    sealing,
    publicUrl,
    oAuthCallbackUri,
    directory,
    tokens,
    announceChange,
    endpoints,
    deliveries,
    replays,
    alerts,
    customers,
    functions,
    connectors,
    integrationViews,
    connections,
    subscriptions,
    flows,
    instances,
    views,
    autoCreate,
    startRun,
    externalEventTypes,
    externalSubscriptions,
    externalReceive,
    nodeTypes,
  } = parts
  return [
    workspaceRoutes({
      database,
      directory,
      tokens,
      changed: (tx, workspace) => endpoints.followWorkspace(tx, workspace),
      announceChange,
    }),
    notificationRoutes({
      database,
      clock,
      sealing,
      endpoints,
      announceChange,
    }),
    catalogueRoutes(),
    deliveryRoutes({ database, deliveries, replays }),
    replayRoutes({ database, deliveries, replays }),
    alertRoutes({ database, alerts }),
    customerRoutes({ database, clock, sealing, directory, customers }),
    functionRoutes({
      database,
      functions,
      async clientOf(principal, selector) {
        const connection = await connections.find(principal, selector)
        const { id: connectionId, customerId, integrationId } = connection
        const client = connections.apiClient(connection, { sourceId: null })
        return { connectionId, customerId, integrationId, client }
      },
    }),
    connectorRoutes({
      database,
      clock,
      ids,
      sealing,
      functions,
      connectors,
      publicUrl,
      oAuthCallbackUri,
      appOfConnection: (principal, selector) => connections.find(principal, selector),
      integrationById: (workspaceId, id) => integrationById(database.db, workspaceId, id),
    }),
    ...parts.connectionRoutes,
    integrationRoutes({ database, clock, ids, sealing, connectors, views: integrationViews, publicUrl }),
    eventTypeRoutes({
      database,
      clock,
      ids,
      publicUrl,
      watcher: {
        archived: (tx, type) => subscriptions.followTypeSoon(tx, type.id),
        restored: (tx, type) => subscriptions.followTypeSoon(tx, type.id),
      },
    }),
    subscriptionRoutes({
      database,
      clock,
      publicUrl,
      customers,
      subscriptions,
      isNeeded: async (id) => (await streamsInUse(database.db, [id])).has(id),
    }),
    flowRoutes({
      database,
      flows,
      instances,
      views,
      createForAll: (tx, flow) => autoCreate.forFlowSoon(tx, flow),
      startRun,
    }),
    instanceRoutes({ instances, views, connections, startRun }),
    ...parts.actionRoutes,
    externalEventTypeRoutes({
      database,
      types: externalEventTypes,
      findConnection: (principal, selector) => connections.find(principal, selector),
    }),
    externalSubscriptionRoutes({
      database,
      clock,
      sealing,
      publicUrl,
      customers,
      connections,
      types: externalEventTypes,
      subscriptions: externalSubscriptions,
    }),
    incomingWebhookRoutes({ database, clock, sealing, customers, connections, receive: externalReceive }),
    externalEventRoutes({ database, clock, sealing, customers, connections, receive: externalReceive }),
    nodeTypeRoutes(nodeTypes),
    statisticsRoutes({ database, clock }),
  ]
}
