import { createActionsRoom } from './actions/room.ts'
import { archiveActionsOfConnection } from './actions/store.ts'
import { type ApiOptions, createApi } from './api/server.ts'
import { createConnections } from './connections/connections.ts'
import { createConnectionsFront } from './connections/front.ts'
import { createConsole } from './console/console.ts'
import { createCustomers } from './customers/registry.ts'
import { REPLAY_TASK } from './deliveries/replays.ts'
import { createGround, createTelling } from './engine-ground.ts'
import type { Engine, EngineOptions } from './engine-options.ts'
import { engineRoutes } from './engine-routes.ts'
import { createExternalEventTypes } from './event-types/external-event-types.ts'
import { createAccept } from './events/accept.ts'
import { createExternalReceive } from './events/external-receive.ts'
import { eventRoutes } from './events/routes.ts'
import { forgetOldAnswers } from './events/store.ts'
import { AUTO_CREATE_TASK, createAutoCreate } from './flows/auto-create.ts'
import { createConnectorEvents } from './flows/connector-events.ts'
import { createDefinitions } from './flows/definitions.ts'
import type { FlowRoutesOptions } from './flows/flow-routes.ts'
import { createFlows } from './flows/flows.ts'
import { createInstances } from './flows/instances.ts'
import { loadNodeTypes } from './flows/node-type.ts'
import { createPlans } from './flows/plan.ts'
import { createSetup, SCHEDULE_TASK } from './flows/setup.ts'
import { nodesOfVersion, streamsInUse } from './flows/store.ts'
import { createFlowViews } from './flows/views.ts'
import { createExternalIngress } from './ingress/external-ingress.ts'
import { createIngress } from './ingress/ingress.ts'
import { createConnectors } from './integrations/connectors.ts'
import { type Integration, sealParameters } from './integrations/integration.ts'
import { loadReadyMade } from './integrations/ready-made.ts'
import { sealOldParameters } from './integrations/store.ts'
import { createIntegrationViews } from './integrations/views.ts'
import { audienceOf, elementTypeOf } from './live/element-type.ts'
import { asyncApi } from './notifications/catalogue.ts'
import { createDatabase, sql, type Tx } from './platform/database.ts'
import { createHousekeeping } from './platform/housekeeping.ts'
import { toWire } from './platform/ids.ts'
import type { Log } from './platform/log.ts'
import { migrate } from './platform/migrations.ts'
import { migrateQueue } from './platform/queue.ts'
import { derivedKey } from './platform/sealing.ts'
import { createLaunch } from './runs/launch.ts'
import { runRoutes } from './runs/routes.ts'
import { createRuns } from './runs/runs.ts'
import { createRunWatch } from './runs/watch.ts'
import { AppSubscriptionTasks, createAppSubscriptions } from './subscriptions/app-subscriptions.ts'
import { hasRegistrations } from './subscriptions/external-store.ts'
import { createExternalSubscriptions, FOLLOW_TYPE_TASK } from './subscriptions/external-subscriptions.ts'
import { createOwnApi } from './workspaces/own-api.ts'

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

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { clock, log, publicUrl, random } = options
  const ground = createGround(options, (workspaceId, claims) => customers.ensure(workspaceId, claims))
  const {
    database,
    ids,
    metrics,
    sealing,
    isWorker,
    queue,
    ownership,
    outbound,
    sandbox,
    functions,
    workspaceStore,
    directory,
    tokens,
    forgetTokens,
    authenticate,
    live,
    changed,
    yourApp,
  } = ground
  const { notifications, alerts, sweepMs, deliveries, replays, endpoints } = createTelling(options, ground)

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
  const connectorOf = (integration: Integration, tx?: Tx) => connectors.ofIntegration(integration, tx)
  const connectorEvents = createConnectorEvents({
    appOf: (connection, tx) => connections.appOf(connection, tx),
    connectorOf,
  })
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
    partitionDaysAhead: options.partitionDaysAhead,
    watches: [() => runWatch.look()],
    chores: [(now) => forgetOldAnswers(database.db, now), (now) => connectionsFront.forgetOldRequests(now)],
  })

  const hasApi = options.roles.has('api')
  const startRun: FlowRoutesOptions['startRun'] = async (principal, instance, input) =>
    runView.started(principal, await launch.byApi(instance, input))
  const routes = engineRoutes({
    database,
    clock,
    ids,
    sealing,
    publicUrl,
    oAuthCallbackUri,
    directory,
    tokens,
    announceChange: forgetTokens,
    endpoints,
    deliveries,
    replays,
    alerts,
    customers,
    functions,
    connectors,
    integrationViews,
    connections,
    connectionRoutes: connectionsFront.routes,
    subscriptions,
    flows,
    instances,
    views,
    autoCreate,
    startRun,
    actionRoutes: actions.routes,
    externalEventTypes,
    externalSubscriptions,
    externalReceive,
    nodeTypes,
  })
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
    ...(options.trustedProxies === undefined ? {} : { trustedProxies: options.trustedProxies }),
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
