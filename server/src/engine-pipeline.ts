import { createBrokerSourcesRoom } from './broker-sources/assembly.ts'
import type { Ground, Telling } from './engine-ground.ts'
import type { EngineOptions } from './engine-options.ts'
import type { RegistryRooms } from './engine-registry.ts'
import { createErasureRoom } from './erasure/assembly.ts'
import { createAccept } from './events/accept.ts'
import { intakeTablesOf } from './events/intake-tables.ts'
import { createExternalReceive } from './external-events/receive.ts'
import { createPlans } from './flows/plan.ts'
import { nodesOfVersion } from './flows/store.ts'
import { lookupsIn } from './ingress/doors.ts'
import { createIngressRoom } from './ingress/room.ts'
import { createPulls } from './pulls/pulls.ts'
import { createLaunch } from './runs/launch.ts'
import { createRuns } from './runs/runs.ts'
import { createRunWatch } from './runs/watch.ts'

export type Pipeline = ReturnType<typeof createPipeline>

/** What moves events: from webhook URLs to runs and what they do. */
export function createPipeline(options: EngineOptions, ground: Ground, telling: Telling, registry: RegistryRooms) {
  const { clock, log, publicUrl, random } = options
  const { database, ids, metrics, sealing, queue, ownership, functions, authenticate, live, rates, intake } = ground
  const { tracing } = ground
  const { notifications, alerts, sweepMs, deliveries } = telling
  const { connectors, nodeTypes, services, connections, appRequests, data } = registry

  const plans = createPlans({
    types: nodeTypes,
    nodesOf: (versionId) => nodesOfVersion(database.db, sealing, versionId),
  })
  const runWatch = createRunWatch({ database, clock, alerts, log })
  const runs = createRuns({
    database,
    ownership,
    ids,
    sealing,
    nodeTypes,
    random,
    log,
    metrics,
    services,
    plans,
    limits: options.runLimits ?? {},
    notifications,
    onFailed: (run) => runWatch.failed(run),
    tracing,
    live,
    sweepMs,
  })
  const launch = createLaunch({ database, clock, queue, sealing, nodeTypes, runs, tracing })
  const accept = createAccept({
    tables: intakeTablesOf(database),
    clock,
    ids,
    runs,
    live,
  })
  const externalReceive = createExternalReceive({
    database,
    clock,
    ids,
    log,
    metrics,
    sealing,
    ownership,
    functions,
    connectors,
    deliveries,
    runs,
    publicUrl,
    recordEvents: data.recordEvents,
    tracing,
    ...(options.answerWithinMs === undefined ? {} : { answerWithinMs: options.answerWithinMs }),
    live,
    sweepMs,
  })
  const pulls = createPulls({
    ...{ database, clock, random, sealing, connections, appCalls: appRequests, ids, log, metrics, ownership, sweepMs },
    collections: data.collections,
    events: externalReceive,
  })
  const intakeLog =
    ground.openedLog?.build({
      ...{ ...ground, ...options, customers: registry.customers, runs, receive: externalReceive },
    }) ?? null
  const ingress = createIngressRoom({
    addresses: lookupsIn(database),
    ids,
    accept,
    receive: externalReceive,
    authenticate,
    ...intakeLog,
    metrics,
    intake,
    rates,
    quotas: ground.quotas,
    noteRefused: ground.refusedRequests.noteEvent,
    placeOf: ground.traces.placeOf,
    limits: options.ingressLimits ?? {},
  })

  const brokerSources = createBrokerSourcesRoom({
    ...{ ...ground, clock, log, random },
    accept: intakeLog?.accept ?? accept,
    ...(options.tickMs === undefined ? {} : { sweepMs: options.tickMs }),
  })

  const erasure = createErasureRoom({
    ...{ ...options, ...ground, ...registry, notifications, runs, plans },
    archiveConnection: (connection) => registry.connections.archiving.archive(connection),
  })

  return { plans, runWatch, runs, launch, accept, externalReceive, pulls, intakeLog, ingress, brokerSources, erasure }
}
