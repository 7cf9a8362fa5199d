import { openedParts } from './actions/action-secrets.ts'
import { type ApiOptions, createApi } from './api/server.ts'
import { callOrigin } from './audit/assembly.ts'
import { createConsole } from './console/console.ts'
import type { Ground, Telling } from './engine-ground.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Pipeline } from './engine-pipeline.ts'
import type { RegistryRooms } from './engine-registry.ts'
import { engineRoutes } from './engine-routes.ts'
import { openedRequests } from './event-types/app-event-type.ts'
import { findAppEventType } from './event-types/routes.ts'
import { eventRoutes } from './events/routes.ts'
import type { FlowRoutesOptions } from './flows/flow-routes.ts'
import { setAsideRoutes } from './intake-log/routes.ts'
import { createLanesRoom } from './lanes/assembly.ts'
import { audienceOf, elementTypeOf } from './live/element-type.ts'
import { asyncApi } from './notifications/catalogue.ts'
import { createPeopleRoom } from './people/assembly.ts'
import { checkReady } from './platform/readiness.ts'
import { derivedKey } from './platform/sealing.ts'
import { pullRoutes } from './pulls/routes.ts'
import { refusedRequestRoutes } from './refused-requests/routes.ts'
import { runRoutes } from './runs/routes.ts'
import { searchRoutes } from './search/routes.ts'
import { createWorkspaceFilesRoom } from './workspace-files/assembly.ts'

/** What answers over HTTP: the API, webhook URLs, pages, the console. */
export async function createHttp(
  options: EngineOptions,
  ground: Ground,
  telling: Telling,
  registry: RegistryRooms,
  pipeline: Pipeline,
) {
  const { clock, log, publicUrl } = options
  const {
    database,
    ids,
    metrics,
    sealing,
    ownership,
    functions,
    directory,
    tokens,
    forgetTokens,
    authenticate,
    live,
    facts,
    rates,
    intake,
  } = ground
  const { mailer, alerts, deliveries, replays, endpoints, auditRoom } = telling
  const {
    subscriptions,
    oAuthCallbackUri,
    connectors,
    integrationViews,
    nodeTypes,
    flows,
    autoCreate,
    customers,
    connectionsRoom,
    connections,
    appRequestsRoom,
    appRequests,
    externalEventTypes,
    externalSubscriptions,
    connecting,
    instances,
    views,
    actions,
    data,
  } = registry
  const { plans, runs, launch, externalReceive, pulls, intakeLog, ingress, brokerSources, erasure } = pipeline

  const hasApi = options.roles.has('api')
  const startRun: FlowRoutesOptions['startRun'] = async (principal, instance, input) =>
    runView.started(principal, await launch.byApi(instance, input))
  const workspaceFiles = createWorkspaceFilesRoom({
    ...{ ...options, ...ground, routes: () => routes, audit: auditRoom.api },
    unmasked: {
      flow: async (principal, id) => {
        const flow = await flows.find(principal, id)
        return { nodes: await flows.nodesOf(flow), parameters: flow.parameters ?? undefined }
      },
      'app-event-type': async (principal, id) =>
        openedRequests(sealing, await findAppEventType(database, principal, id)),
      action: async (principal, id) => openedParts(sealing, await actions.actions.find(principal, id, {})),
    },
  })
  const people = createPeopleRoom({
    ...{ ...ground, clock, publicUrl },
    mailer,
    singleSignOn: options.singleSignOn ?? null,
    announceChange: forgetTokens,
  })
  const routes = engineRoutes({
    database,
    workspaceStore: ground.workspaceStore,
    quotas: ground.quotas,
    clock,
    facts,
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
    appRequests,
    connectionRoutes: [connectionsRoom, connecting, appRequestsRoom].flatMap((room) => room.routes ?? []),
    subscriptions,
    flows,
    instances,
    views,
    autoCreate,
    startRun,
    unapplied: intakeLog === null ? null : () => intakeLog.unapplied(),
    actionRoutes: [
      ...(people.routes ?? []),
      ...actions.routes,
      ...data.routes,
      ...workspaceFiles.routes,
      ...erasure.routes,
      pullRoutes({ database, clock, connections, customers, pulls }),
    ],
    externalEventTypes,
    externalSubscriptions,
    externalReceive,
    nodeTypes,
  })
  const runView = runRoutes({ database, clock, customers, instances, views, launch, runs, plans })
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
          workspaceStore: ground.workspaceStore,
          tokens,
          people: people.api,
          audit: auditRoom.api,
          log,
          clock,
          announceChange: forgetTokens,
          intake,
        })
  const allRoutes = [
    ...routes,
    searchRoutes(routes),
    ...createLanesRoom({
      ...{ database, customers, ownership },
      surveys: {
        'flow-runs': runs.surveyLanes,
        deliveries: deliveries.surveyLanes,
        'incoming-webhooks': externalReceive.surveyLanes,
        'external-subscriptions': externalSubscriptions.surveyLanes,
        pulls: pulls.surveyLanes,
      },
    }).routes,
    setAsideRoutes({ ...ground, clock, customers, runs, receive: externalReceive }),
    ...brokerSources.routes,
    refusedRequestRoutes({ database, clock, customers }),
    runView.routes,
    eventRoutes({ database, clock, publicUrl, customers, runs, tracing: ground.tracing }),
    ...(auditRoom.routes ?? []),
  ]
  const apiOptions: ApiOptions = {
    log,
    metrics,
    traces: ground.traces,
    intake,
    publicUrl,
    authenticate,
    admit: ({ workspaceId, customerId }) =>
      customerId === null ? undefined : rates.admit(workspaceId, [{ name: 'apiPerCustomer', of: customerId }]),
    routes: allRoutes,
    record: (call, request) => auditRoom.api.begin({ ...call, origin: callOrigin(request) }),
    mountIngress: () => {},
    onRefused: ground.refusedRequests.noteRequest,
    onChanged({ path }, { workspaceId }, answer) {
      const id = (answer as { id?: unknown } | undefined)?.id
      const elementType = elementTypeOf(path)
      const elementId = typeof id === 'string' ? id : null
      live.changed({ workspaceId, elementType, elementId, audience: audienceOf(elementType, answer) })
    },
    mounts: [connecting, appRequestsRoom, workspaceFiles, auditRoom].flatMap((room) => room.mounts ?? []),
    documents: { '/asyncapi.json': asyncApi() },
    async checkReady() {
      if (intakeLog !== null && hasApi) return { intakeLog: intakeLog.status() }
      await checkReady(database, ownership)
      return {}
    },
    tls: options.tls ?? undefined,
    ...(options.trustedProxies === undefined ? {} : { trustedProxies: options.trustedProxies }),
    ...(options.checkAnswers === undefined ? {} : { checkAnswers: options.checkAnswers }),
    ...(options.onAnswered === undefined ? {} : { onAnswered: options.onAnswered }),
  }

  const app = await createApi({
    ...apiOptions,
    ...(hasApi ? {} : { routes: [], mounts: [] }),
    mountIngress(scope) {
      if (hasApi) ingress.mount(scope)
    },
    async mountConsole(scope) {
      if (hasApi) live.mount(scope)
      await webConsole?.mount(scope)
    },
  })
  // Functions ask the API of their own process, also where it answers nobody else.
  const innerApp = hasApi ? app : await createApi(apiOptions)

  return { app, innerApp, webConsole, allRoutes }
}
