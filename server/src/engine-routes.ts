import type { Alerts } from './alerts/alerts.ts'
import { alertRoutes, alertSettingsRoutes } from './alerts/routes.ts'
import type { RouteSet } from './api/routes.ts'
import { apiKeyRoutes } from './api-keys/routes.ts'
import type { AppRequests } from './app-requests/assembly.ts'
import type { ConnectionParts } from './connections/connections.ts'
import type { Customers } from './customers/registry.ts'
import { customerRoutes } from './customers/routes.ts'
import type { Deliveries } from './deliveries/deliveries.ts'
import type { Replays } from './deliveries/replays.ts'
import { deliveryRoutes, replayRoutes } from './deliveries/routes.ts'
import type { EngineFacts } from './engine-facts.ts'
import { eventTypeRoutes } from './event-types/routes.ts'
import type { ExternalEventTypes } from './external-event-types/event-types.ts'
import { externalEventTypeRoutes } from './external-event-types/routes.ts'
import type { ExternalReceive } from './external-events/receive.ts'
import { externalEventRoutes, incomingWebhookRoutes } from './external-events/routes.ts'
import { refusalOfSlot } from './external-events/slot-refusal.ts'
import { externalSubscriptionRoutes } from './external-subscriptions/routes.ts'
import type { ExternalSubscriptions } from './external-subscriptions/subscriptions.ts'
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
import type { Facts } from './platform/facts.ts'
import type { Ids } from './platform/ids.ts'
import type { Sealing } from './platform/sealing.ts'
import { statisticsRoutes } from './statistics/routes.ts'
import type { AppSubscriptions } from './subscriptions/app-subscriptions.ts'
import { subscriptionRoutes } from './subscriptions/routes.ts'
import { webhookVendorRoutes } from './webhook-vendors/routes.ts'
import type { WorkspaceDirectory } from './workspaces/directory.ts'
import type { Quotas } from './workspaces/quotas.ts'
import { workspaceRoutes } from './workspaces/routes.ts'
import type { WorkspaceStore } from './workspaces/store.ts'
import type { Tokens } from './workspaces/tokens.ts'

/** Everything that has endpoints, as the engine has built it. */
export interface EngineParts {
  database: Database
  clock: Clock
  facts: Facts<EngineFacts>
  ids: Ids
  sealing: Sealing
  publicUrl: string
  oAuthCallbackUri: string
  directory: WorkspaceDirectory
  workspaceStore: WorkspaceStore
  quotas: Quotas
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
  connections: ConnectionParts
  appRequests: AppRequests
  connectionRoutes: readonly RouteSet[]
  subscriptions: AppSubscriptions
  flows: Flows
  instances: Instances
  views: FlowViews
  autoCreate: AutoCreate
  startRun: FlowRoutesOptions['startRun']
  unapplied: Parameters<typeof statisticsRoutes>[0]['unapplied']
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
    facts,
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
    appRequests,
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
      clock,
      ids,
      store: parts.workspaceStore,
      quotas: parts.quotas,
      directory,
      tokens,
      facts,
      announceChange,
    }),
    apiKeyRoutes({ database, clock, ids, announceChange }),
    notificationRoutes({
      database,
      clock,
      sealing,
      endpoints,
      customers,
      announceChange,
    }),
    catalogueRoutes(),
    deliveryRoutes({ database, deliveries, replays }),
    replayRoutes({ database, deliveries, replays }),
    alertRoutes({ database, alerts }),
    alertSettingsRoutes({ database, clock, sealing, channels: alerts.channels }),
    customerRoutes({ database, clock, sealing, directory, customers }),
    functionRoutes({
      database,
      functions,
      async clientOf(principal, selector) {
        const connection = await connections.find(principal, selector)
        const { id: connectionId, customerId, integrationId } = connection
        const client = appRequests.apiClient(connection, { sourceId: null })
        return { connectionId, customerId, integrationId, client }
      },
      refusalOf: refusalOfSlot,
    }),
    webhookVendorRoutes(connectors.readyMadeKeys),
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
      sealing,
      database,
      clock,
      ids,
      publicUrl,
      facts,
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
      connections,
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
    externalEventRoutes({
      database,
      clock,
      sealing,
      customers,
      connections,
      receive: externalReceive,
      types: externalEventTypes,
    }),
    nodeTypeRoutes(nodeTypes),
    statisticsRoutes({ database, clock, unapplied: parts.unapplied }),
  ]
}
