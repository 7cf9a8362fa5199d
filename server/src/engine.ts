import type { Endpoint } from '@permea/contract'
import type { FastifyInstance } from 'fastify'
import { createActionsRoom } from './actions/room.ts'
import { archiveActionsOfConnection } from './actions/store.ts'
import { type Alerts, createAlerts } from './alerts/alerts.ts'
import { endpointFailing, endpointPaused, failingKeys, pausedKey } from './alerts/conditions.ts'
import { alertRoutes } from './alerts/routes.ts'
import { type ApiOptions, createApi } from './api/server.ts'
import type { Role } from './config.ts'
import { type ConnectionsRoom, createConnections } from './connections/connections.ts'
import { createConnectionsFront } from './connections/front.ts'
import { type Console, type ConsoleOptions, createConsole } from './console/console.ts'
import { type Customers, createCustomers } from './customers/registry.ts'
import { customerRoutes } from './customers/routes.ts'
import { createDeliveries, type Deliveries } from './deliveries/deliveries.ts'
import { createHealth } from './deliveries/health.ts'
import { createReplays, REPLAY_TASK } from './deliveries/replays.ts'
import { deliveryRoutes, replayRoutes } from './deliveries/routes.ts'
import { createExternalEventTypes } from './event-types/external-event-types.ts'
import { externalEventTypeRoutes } from './event-types/external-routes.ts'
import { eventTypeRoutes } from './event-types/routes.ts'
import { createAccept } from './events/accept.ts'
import { createExternalReceive, type ExternalReceive } from './events/external-receive.ts'
import { externalEventRoutes, incomingWebhookRoutes } from './events/external-routes.ts'
import { eventRoutes } from './events/routes.ts'
import { forgetOldAnswers } from './events/store.ts'
import { AUTO_CREATE_TASK, createAutoCreate } from './flows/auto-create.ts'
import { createConnectorEvents } from './flows/connector-events.ts'
import { createDefinitions } from './flows/definitions.ts'
import { type FlowRoutesOptions, flowRoutes } from './flows/flow-routes.ts'
import { createFlows, type Flows } from './flows/flows.ts'
import { instanceRoutes } from './flows/instance-routes.ts'
import { createInstances, type Instances } from './flows/instances.ts'
import { nodeTypeRoutes } from './flows/node-catalogue.ts'
import { loadNodeTypes } from './flows/node-type.ts'
import { createPlans } from './flows/plan.ts'
import { createSetup, SCHEDULE_TASK } from './flows/setup.ts'
import { nodesOfVersion, streamsInUse } from './flows/store.ts'
import { createFlowViews } from './flows/views.ts'
import type { Functions } from './functions/function.ts'
import { createFunctions } from './functions/functions.ts'
import { functionRoutes } from './functions/routes.ts'
import { createExternalIngress } from './ingress/external-ingress.ts'
import { createIngress, type IngressLimits } from './ingress/ingress.ts'
import { connectorRoutes } from './integrations/connector-routes.ts'
import { type Connectors, createConnectors } from './integrations/connectors.ts'
import { type Integration, sealParameters } from './integrations/integration.ts'
import { loadReadyMade } from './integrations/ready-made.ts'
import { integrationRoutes } from './integrations/routes.ts'
import { integrationById, sealOldParameters } from './integrations/store.ts'
import { createIntegrationViews } from './integrations/views.ts'
import { audienceOf, elementTypeOf } from './live/element-type.ts'
import { type Change, createLive } from './live/live.ts'
import { asyncApi } from './notifications/catalogue.ts'
import { createEndpoints } from './notifications/endpoints.ts'
import { createNotifications, type Notifications } from './notifications/notifications.ts'
import { catalogueRoutes, notificationRoutes } from './notifications/routes.ts'
import type { AllowRule } from './outbound/address-policy.ts'
import { createOutbound, type OutboundOptions } from './outbound/client.ts'
import type { Clock } from './platform/clock.ts'
import { createDatabase, type Database, sql } from './platform/database.ts'
import { createHousekeeping } from './platform/housekeeping.ts'
import { createIds, toWire } from './platform/ids.ts'
import type { Log } from './platform/log.ts'
import { createMetrics, type Metrics } from './platform/metrics.ts'
import { migrate } from './platform/migrations.ts'
import { createOwnership, type Ownership } from './platform/ownership.ts'
import { createQueue, migrateQueue, type Queue } from './platform/queue.ts'
import { createSealing, derivedKey, type SealingKey } from './platform/sealing.ts'
import { createLaunch } from './runs/launch.ts'
import type { Limits } from './runs/limits.ts'
import { runRoutes } from './runs/routes.ts'
import { createRuns, type Runs } from './runs/runs.ts'
import { createRunWatch } from './runs/watch.ts'
import { createSandbox } from './sandbox/sandbox.ts'
import { statisticsRoutes } from './statistics/routes.ts'
import { AppSubscriptionTasks, createAppSubscriptions } from './subscriptions/app-subscriptions.ts'
import { externalSubscriptionRoutes } from './subscriptions/external-routes.ts'
import { hasRegistrations } from './subscriptions/external-store.ts'
import {
  createExternalSubscriptions,
  type ExternalSubscriptions,
  FOLLOW_TYPE_TASK,
} from './subscriptions/external-subscriptions.ts'
import { subscriptionRoutes } from './subscriptions/routes.ts'
import { createWorkspaceDirectory, type WorkspaceDirectory } from './workspaces/directory.ts'
import { createOwnApi } from './workspaces/own-api.ts'
import { workspaceRoutes } from './workspaces/routes.ts'
import { createWorkspaceStore, type WorkspaceStore } from './workspaces/store.ts'
import { createTokens, type Tokens } from './workspaces/tokens.ts'
import { createYourApp } from './workspaces/your-app.ts'

export interface EngineOptions {
  databaseUrl: string
  publicUrl: string
  sealingKeys: readonly SealingKey[]
  egressAllow: readonly AllowRule[]
  roles: ReadonlySet<Role>
  retentionDays: number
  clock: Clock
  /** Uniform in [0, 1). */
  random(): number
  log: Log
  /** Most connections to the database, beside the one for locks. */
  connectionsMax?: number
  checkAnswers?: boolean
  onAnswered?(endpoint: Endpoint, status: number, key: string | null): void
  lookup?: OutboundOptions['lookup']
  ingressLimits?: Partial<IngressLimits>
  runLimits?: Partial<Limits>
  /** Longest attempt of a delivery, in milliseconds; 15 s where absent. */
  attemptTimeoutMs?: number
  /** Absent: no console is served. */
  console?: ConsoleOptions | null
  /** Where the ready-made connectors are; those of this product where absent. */
  connectorsDirectory?: URL
  /** How often processes look after shards, queued jobs and forgotten rows, in milliseconds. */
  tickMs?: number
}

/** Every room, built once. What is public here is for the start-up, the example and tests. */
export interface Engine extends AsyncDisposable {
  app: FastifyInstance
  database: Database
  queue: Queue
  runs: Runs
  deliveries: Deliveries
  notifications: Notifications
  alerts: Alerts
  /** Has what alerts follow from looked at now. */
  lookAfterAlerts(): Promise<void>
  ownership: Ownership
  metrics: Metrics
  workspaceStore: WorkspaceStore
  directory: WorkspaceDirectory
  tokens: Tokens
  /** Null where none is served. */
  console: Console | null
  customers: Customers
  flows: Flows
  instances: Instances
  externalReceive: ExternalReceive
  functions: Functions
  connectors: Connectors
  connections: ConnectionsRoom
  externalSubscriptions: ExternalSubscriptions
  /** Begins to work: takes shards, does jobs. HTTP is opened by the caller. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Brings the database to the newest schema. Safe for many processes at once. */
export async function migrateAll(databaseUrl: string, log: Log): Promise<void> {
  const database = createDatabase({ url: databaseUrl, connectionsMax: 2, log })
  try {
    await migrate(database)
    await migrateQueue(database, log)
  } finally {
    await database.close()
  }
}

const LANE_SWEEP_MS = 5000
const CONNECTIONS_MAX = 16

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { clock, log, publicUrl, random } = options
  const database = createDatabase({
    url: options.databaseUrl,
    connectionsMax: options.connectionsMax ?? CONNECTIONS_MAX,
    log,
  })
  const ids = createIds(clock)
  const metrics = createMetrics()
  const sealing = createSealing(options.sealingKeys)
  const isWorker = options.roles.has('worker')
  const queue = createQueue({
    database,
    clock,
    log,
    ...(options.tickMs === undefined ? {} : { pollMs: options.tickMs }),
  })
  const ownership = createOwnership({
    database,
    log,
    random,
    isWorker,
    onSession: (session) => queue.holdLock(session),
    ...(options.tickMs === undefined ? {} : { tickMs: options.tickMs }),
  })
  const outbound = createOutbound({
    allow: options.egressAllow,
    ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
  })

  const sandbox = createSandbox({ log, clock, random })
  const functions = createFunctions({ sandbox, outbound, database, ids, log })

  const workspaceStore = createWorkspaceStore(sealing)
  const directory = createWorkspaceDirectory({ database, store: workspaceStore, clock })
  const tokens = createTokens({
    directory,
    clock,
    ownKeys: options.sealingKeys.map((key) => derivedKey(key, 'tokens of the engine')),
    ensureCustomer: (workspaceId, claims) => customers.ensure(workspaceId, claims),
    async fetchJson(url) {
      const outcome = await outbound.send({ url, method: 'GET', responseBytesMax: 1024 * 1024 })
      if (outcome.kind !== 'answered' || outcome.status !== 200) throw new Error('its key set could not be fetched')
      return JSON.parse(outcome.body.toString('utf8'))
    },
  })
  const forgetTokens = async () => {
    directory.forget()
    tokens.forget()
    await ownership.notify({ about: 'workspaces' })
  }
  ownership.listen({
    noticed(notice) {
      if (notice.about !== 'workspaces') return
      directory.forget()
      tokens.forget()
    },
  })
  const authenticate = (authorization: string | undefined) => tokens.authenticate(authorization)
  const live = createLive({ ownership, clock, authenticate })
  const changed = (workspaceId: string, elementType: string, elementId: string | null, audience: Change['audience']) =>
    live.changed({ workspaceId, elementType, elementId, audience })
  const yourApp = createYourApp({ directory, tokens, clock })

  const notifications = createNotifications({ ids, deliveries: () => deliveries })
  const alerts = createAlerts({
    clock,
    ids,
    notifications,
    publicUrl,
    onChanged: (workspaceId) => changed(workspaceId, 'alert', null, 'admins'),
  })
  const health = createHealth({
    database,
    clock,
    watcher: {
      failing: (tx, destination, percent, error) => alerts.raise(tx, endpointFailing(destination, percent, error)),
      paused: (tx, destination) => alerts.raise(tx, endpointPaused(destination)),
      async recovered(tx, { id, workspaceId }) {
        for (const key of [...failingKeys(id), pausedKey(id)]) await alerts.resolve(tx, workspaceId, key)
      },
    },
  })
  const sweepMs = options.tickMs ?? LANE_SWEEP_MS
  const deliveries = createDeliveries({
    database,
    ownership,
    clock,
    ids,
    random,
    log,
    metrics,
    outbound,
    sealing,
    health,
    onChanged: (workspaceId, id) => changed(workspaceId, 'delivery', toWire('dlv', id), 'admins'),
    sweepMs,
    ...(options.attemptTimeoutMs === undefined ? {} : { attemptTimeoutMs: options.attemptTimeoutMs }),
  })
  const replays = createReplays({ database, clock, ids, queue, deliveries })
  const endpoints = createEndpoints({
    database,
    clock,
    ids,
    sealing,
    deliveries,
    health,
    async webhookChanged(tx, workspaceId, to) {
      await directory.change(tx, workspaceId, (current) => ({ ...current, ...to }))
    },
  })

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
  const nodeTypes = await loadNodeTypes()
  const connectorOf = (integration: Integration) => connectors.ofIntegration(integration)
  const connectorEvents = createConnectorEvents({ appOf: (connection) => connections.appOf(connection), connectorOf })
  const definitions = createDefinitions({ database, clock, ids, nodeTypes, functions, connectorEvents })
  const flows = createFlows({ database, clock, ids, definitions })
  const autoCreate = createAutoCreate({ database, queue, definitions, instances: () => instances })
  const customers = createCustomers({
    database,
    clock,
    ids,
    forgetTokens,
    watcher: {
      created: (tx, customer) => autoCreate.forCustomer(tx, customer),
      async archived(tx, customer) {
        await subscriptions.followCustomer(tx, customer.id, true)
        await externalSubscriptions.followCustomer(tx, customer.id, true)
      },
      async restored(tx, customer) {
        await subscriptions.followCustomer(tx, customer.id, false)
        await externalSubscriptions.followCustomer(tx, customer.id, false)
      },
    },
  })
  const connections = createConnections({
    database,
    clock,
    ids,
    random,
    log,
    queue,
    sealing,
    outbound,
    functions,
    connectors,
    customers,
    directory,
    yourApp,
    alerts,
    notifications,
    watcher: {
      created: (tx, connection) => autoCreate.forConnection(tx, connection),
      async archived(tx, connection) {
        await instances.archiveAllOfConnection(tx, connection.id)
        await archiveActionsOfConnection(tx, connection.id, clock.now())
        await externalSubscriptions.followConnection(tx, connection, 'archived')
      },
      async restored(tx, connection) {
        await externalSubscriptions.followConnection(tx, connection, 'restored')
        await autoCreate.forConnection(tx, connection)
      },
      disconnected: async () => {},
      reconnected: (tx, connection) => externalSubscriptions.followConnection(tx, connection, 'reconnected'),
    },
    isStillNeeded: (connection) => hasRegistrations(database.db, connection.id),
  })
  const externalEventTypes = createExternalEventTypes({
    database,
    clock,
    ids,
    functions,
    findConnection: (principal, selector) => connections.find(principal, selector),
    watcher: {
      archived: (tx, type) => externalSubscriptions.followTypeSoon(tx, type),
      restored: (tx, type) => externalSubscriptions.followTypeSoon(tx, type),
    },
  })
  const externalSubscriptions = createExternalSubscriptions({
    database,
    clock,
    ids,
    random,
    sealing,
    publicUrl,
    connections,
    alerts,
    log,
    ownership,
    queue,
    deliveries,
    sweepMs,
  })
  const connectionsFront = createConnectionsFront({
    database,
    clock,
    ids,
    sealing,
    ownership,
    outbound,
    directory,
    authenticate,
    connections,
    publicUrl,
  })
  const setup = createSetup({ clock, queue, nodeTypes, subscriptions, externalSubscriptions, connectorEvents })
  const instances = createInstances({ database, clock, ids, definitions, setup, flows, customers, connections })
  const views = createFlowViews({ database, clock })

  const ownApi = createOwnApi({ app: () => innerApp, publicUrl, directory, tokens })
  const steps = { outbound, yourApp, clock, functions, connections, ownApi }
  const actions = createActionsRoom({
    database,
    clock,
    ids,
    functions,
    connections,
    customers,
    connectorOf,
    steps,
  })
  const services = { ...steps, runAction: actions.runFor }
  const plans = createPlans({ types: nodeTypes, nodesOf: (versionId) => nodesOfVersion(database.db, versionId) })
  const runWatch = createRunWatch({ database, clock, alerts, log })
  const runs = createRuns({
    database,
    ownership,
    ids,
    random,
    log,
    metrics,
    services,
    plans,
    limits: options.runLimits ?? {},
    notifications,
    onFailed: (run) => runWatch.failed(run),
    onChanged: (id, { workspaceId, customerId }) => changed(workspaceId, 'flow-run', toWire('fr', id), { customerId }),
    sweepMs,
  })
  const launch = createLaunch({ database, clock, queue, nodeTypes, runs })
  const accept = createAccept({
    database,
    clock,
    ids,
    runs,
    onAccepted: ({ id, workspaceId, customerId }) =>
      changed(workspaceId, 'app-event-log-record', toWire('aev', id), { customerId }),
  })
  const ingress = createIngress({ accept, authenticate, metrics, limits: options.ingressLimits ?? {} })
  const externalReceive = createExternalReceive({
    database,
    clock,
    ids,
    log,
    sealing,
    ownership,
    functions,
    connectors,
    deliveries,
    runs,
    publicUrl,
    onStored(what, { id, workspaceId, customerId }) {
      const [type, prefix] =
        what === 'incoming-webhook'
          ? (['incoming-webhook-log-record', 'iwh'] as const)
          : (['external-event-log-record', 'eev'] as const)
      changed(workspaceId, type, toWire(prefix, id), customerId === null ? 'admins' : { customerId })
    },
    sweepMs,
  })
  const externalIngress = createExternalIngress({ receive: externalReceive, ids, metrics })

  queue.handle({
    ...connectionsFront.jobs,
    [AppSubscriptionTasks.sync]: (payload: { id: string }) => subscriptions.sync(payload),
    [AppSubscriptionTasks.followType]: (payload: { appEventTypeId: string }) => subscriptions.followType(payload),
    [AUTO_CREATE_TASK]: (payload: { flowId: string; workspaceId: string }) => autoCreate.forFlow(payload),
    [REPLAY_TASK]: (payload: { id: string }) => replays.run(payload),
    [FOLLOW_TYPE_TASK]: (payload: { rootId: string }) => externalSubscriptions.followType(payload),
    [SCHEDULE_TASK]: (payload: { flowInstanceId: string; nodeKey: string; at: string }) => launch.bySchedule(payload),
  })
  const housekeeping = createHousekeeping({
    database,
    clock,
    queue,
    log,
    retentionDays: options.retentionDays,
    watches: [() => runWatch.look()],
    chores: [(now) => forgetOldAnswers(database.db, now), (now) => connectionsFront.forgetOldRequests(now)],
  })

  const hasApi = options.roles.has('api')
  const startRun: FlowRoutesOptions['startRun'] = async (principal, instance, input) =>
    runView.started(principal, await launch.byApi(instance, input))
  const routes = [
    workspaceRoutes({
      database,
      directory,
      tokens,
      changed: (tx, workspace) => endpoints.followWorkspace(tx, workspace),
      announceChange: forgetTokens,
    }),
    notificationRoutes({
      database,
      clock,
      sealing,
      endpoints,
      announceChange: forgetTokens,
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
    ...connectionsFront.routes,
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
    ...actions.routes,
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
  const runView = runRoutes({ database, clock, customers, instances, views, launch, runs })
  const consoleOptions = options.console ?? null
  const webConsole =
    consoleOptions === null || !hasApi
      ? null
      : createConsole({
          ...consoleOptions,
          publicUrl,
          keys: options.sealingKeys.map((key) => derivedKey(key, 'sessions of the console')),
          database,
          directory,
          tokens,
          clock,
          announceChange: forgetTokens,
        })
  const apiOptions: ApiOptions = {
    log,
    metrics,
    publicUrl,
    authenticate,
    routes: [...routes, runView.routes, eventRoutes({ database, clock, publicUrl, customers, runs })],
    mountIngress: () => {},
    onChanged({ path }, { workspaceId }, answer) {
      const id = (answer as { id?: unknown } | undefined)?.id
      const elementType = elementTypeOf(path)
      changed(workspaceId, elementType, typeof id === 'string' ? id : null, audienceOf(elementType, answer))
    },
    mounts: connectionsFront.mounts,
    documents: { '/asyncapi.json': asyncApi() },
    async checkReady() {
      await sql`select 1`.execute(database.db)
    },
    ...(options.checkAnswers === undefined ? {} : { checkAnswers: options.checkAnswers }),
    ...(options.onAnswered === undefined ? {} : { onAnswered: options.onAnswered }),
  }

  const app = await createApi({
    ...apiOptions,
    ...(hasApi ? {} : { routes: [], mounts: [] }),
    mountIngress(scope) {
      if (!hasApi) return
      ingress.mount(scope)
      externalIngress.mount(scope)
    },
    async mountConsole(scope) {
      if (hasApi) live.mount(scope)
      await webConsole?.mount(scope)
    },
  })
  // Functions ask the API of their own process, also where it answers nobody else.
  const innerApp = hasApi ? app : await createApi(apiOptions)

  const engine: Engine = {
    app,
    database,
    queue,
    runs,
    deliveries,
    notifications,
    alerts,
    async lookAfterAlerts() {
      await runWatch.settled()
      await runWatch.look()
    },
    ownership,
    metrics,
    workspaceStore,
    directory,
    tokens,
    console: webConsole,
    customers,
    flows,
    instances,
    externalReceive,
    functions,
    connectors,
    connections,
    externalSubscriptions,
    async start() {
      await database.transaction((tx) =>
        sealOldParameters(tx, (shared) => sealParameters(sealing, { shared, byOption: {} })),
      )
      await housekeeping.runHourly()
      await ownership.start()
      if (isWorker) {
        deliveries.start()
        externalSubscriptions.start()
        runs.start()
        externalReceive.start()
        await queue.start()
      }
      if (options.roles.has('scheduler')) housekeeping.start()
    },
    async stop() {
      await app.close()
      if (innerApp !== app) await innerApp.close()
      await live.stop()
      await ingress.drained()
      await housekeeping.stop()
      await queue.stop()
      await runs.close()
      await externalReceive.close()
      await externalSubscriptions.close()
      await deliveries.close()
      await ownership.stop()
      await sandbox.stop()
      await functions.settled()
      await connections.settled()
      await outbound.close()
      await database.close()
    },
    [Symbol.asyncDispose]: () => engine.stop(),
  }
  return engine
}
