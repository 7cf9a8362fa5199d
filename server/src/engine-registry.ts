import type { FastifyInstance } from 'fastify'
import { createActionsRoom } from './actions/assembly.ts'
import { createAppRequestsRoom } from './app-requests/assembly.ts'
import { createConnectingRoom } from './connecting/assembly.ts'
import { createConnectionsRoom } from './connections/assembly.ts'
import { createCustomers } from './customers/registry.ts'
import { createData } from './engine-data.ts'
import type { Ground, Telling } from './engine-ground.ts'
import type { EngineOptions } from './engine-options.ts'
import { createTombstones } from './erasure/tombstones.ts'
import { createExternalEventTypes } from './external-event-types/event-types.ts'
import { registrationSecrets } from './external-subscriptions/registration-secrets.ts'
import { hasRegistrations } from './external-subscriptions/store.ts'
import { createExternalSubscriptions } from './external-subscriptions/subscriptions.ts'
import { createAutoCreate } from './flows/auto-create.ts'
import { createConnectorEvents } from './flows/connector-events.ts'
import { createDefinitions } from './flows/definitions.ts'
import { createFlows } from './flows/flows.ts'
import { createInstances } from './flows/instances.ts'
import { loadNodeTypes } from './flows/node-type.ts'
import { createSetup } from './flows/setup.ts'
import { streamsInUse } from './flows/store.ts'
import { createFlowViews } from './flows/views.ts'
import { createConnectors } from './integrations/connectors.ts'
import type { Integration } from './integrations/integration.ts'
import { loadReadyMade } from './integrations/ready-made.ts'
import { createTroubles } from './integrations/troubles.ts'
import { createIntegrationViews } from './integrations/views.ts'
import type { Tx } from './platform/database.ts'
import { createAppSubscriptions } from './subscriptions/app-subscriptions.ts'
import { createOwnApi } from './workspaces/own-api.ts'

export type RegistryRooms = Awaited<ReturnType<typeof createRegistryRooms>>

/** What users define, and what a customer has of it: from your application's subscriptions up to flows. */
export async function createRegistryRooms(
  options: EngineOptions,
  ground: Ground,
  telling: Telling,
  innerApp: () => FastifyInstance,
) {
  const { clock, log, publicUrl, random } = options
  const {
    database,
    ids,
    sealing,
    queue,
    ownership,
    outbound,
    functions,
    directory,
    tokens,
    forgetTokens,
    facts,
    yourApp,
  } = ground
  const { notifications, alerts, sweepMs, deliveries } = telling

  const subscriptions = createAppSubscriptions({
    database,
    clock,
    ids,
    random,
    queue,
    outbound,
    sealing,
    yourApp,
    publicUrl,
    inUse: streamsInUse,
    alerts,
  })
  const oAuthCallbackUri = `${publicUrl}/oauth-callback`
  const readyMade = await loadReadyMade(options.connectorsDirectory)
  const connectors = createConnectors({ database, sealing, readyMade })
  const integrationViews = createIntegrationViews({
    sealing,
    connectors,
    oAuthCallbackUri,
    connectionsOf: (principal, integrationIds) => connections.views.ofIntegrations(principal, integrationIds),
  })
  const troublesOf = createTroubles({ connectors, sealing })
  const nodeTypes = await loadNodeTypes()
  const connectorOf = (integration: Integration, tx?: Tx) => connectors.ofIntegration(integration, tx)
  const connectorEvents = createConnectorEvents({
    appOf: (connection, tx) => connections.appOf(connection, tx),
    connectorOf,
  })
  const definitions = createDefinitions({ database, clock, ids, sealing, nodeTypes, functions, connectorEvents })
  const flows = createFlows({ database, clock, ids, sealing, definitions })
  const autoCreate = createAutoCreate({ database, queue, definitions, instances: () => instances })
  const tombstones = createTombstones(options.sealingKeys)
  const customers = createCustomers({
    database,
    clock,
    ids,
    forgetTokens,
    facts,
    erased: tombstones,
  })
  const connectionsRoom = createConnectionsRoom({
    database,
    clock,
    ids,
    random,
    queue,
    sealing,
    outbound,
    functions,
    connectors,
    customers,
    alerts,
    notifications,
    facts,
    quotas: ground.quotas,
    plainClient: (connection, context) => appRequests.plainClient(connection, context),
    isStillNeeded: (connection) => hasRegistrations(database.db, connection.id),
  })
  const connections = connectionsRoom.api
  const appRequestsRoom = createAppRequestsRoom({
    ...ground,
    clock,
    log,
    publicUrl,
    connections,
    secretsOf: (connectionId) => registrationSecrets({ database, sealing, publicUrl }, connectionId),
  })
  const appRequests = appRequestsRoom.api
  const externalEventTypes = createExternalEventTypes({
    database,
    clock,
    ids,
    sealing,
    functions,
    findConnection: (principal, selector) => connections.find(principal, selector),
    facts,
  })
  const externalSubscriptions = createExternalSubscriptions({
    database,
    metrics: ground.metrics,
    clock,
    ids,
    random,
    sealing,
    publicUrl,
    connections,
    appCalls: appRequests,
    alerts,
    log,
    ownership,
    queue,
    deliveries,
    sweepMs,
  })
  const connecting = createConnectingRoom({
    ...{ ...ground, clock, log, publicUrl, connections, customers },
    audit: telling.auditRoom.api,
  })
  const data = createData({
    database,
    clock,
    ids,
    sealing,
    connections,
    customers,
    appCalls: appRequests,
    connectorOf,
    troublesOf,
  })
  const setup = createSetup({
    clock,
    queue,
    sealing,
    nodeTypes,
    subscriptions,
    externalSubscriptions,
    connectorEvents,
    sourceOf: data.sourceOf,
  })
  const instances = createInstances({ database, clock, ids, definitions, setup, flows, customers, connections })
  const views = createFlowViews({ database, clock, sealing, nodeTypes, schemas: data.schemas, troublesOf })

  const ownApi = createOwnApi({ app: innerApp, publicUrl, directory, tokens })
  const steps = { outbound, yourApp, clock, functions, appCalls: appRequests, ownApi, records: data.records }
  const actions = createActionsRoom({
    sealing,
    database,
    clock,
    ids,
    functions,
    connections,
    customers,
    connectorOf,
    steps,
    schemas: data.schemas,
    troublesOf,
  })
  const services = { ...steps, runAction: actions.runFor }

  return {
    subscriptions,
    oAuthCallbackUri,
    readyMade,
    connectors,
    integrationViews,
    nodeTypes,
    connectorOf,
    connectorEvents,
    definitions,
    flows,
    autoCreate,
    tombstones,
    customers,
    connectionsRoom,
    connections,
    appRequestsRoom,
    appRequests,
    externalEventTypes,
    externalSubscriptions,
    connecting,
    data,
    setup,
    instances,
    views,
    ownApi,
    steps,
    actions,
    services,
  }
}
