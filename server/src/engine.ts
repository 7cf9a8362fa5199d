import { lookAtQuotas } from './alerts/quotas.ts'
import { Refusal } from './api/refusal.ts'
import { REPLAY_TASK } from './deliveries/replays.ts'
import { archiveOwnOf } from './engine-data.ts'
import { whatFollows } from './engine-facts.ts'
import { createGround, createTelling } from './engine-ground.ts'
import { createHttp } from './engine-http.ts'
import type { Engine, EngineOptions } from './engine-options.ts'
import { createPipeline } from './engine-pipeline.ts'
import { createRegistryRooms } from './engine-registry.ts'
import { sealWhatIsOld } from './engine-sealing.ts'
import { createPayloadRetention } from './erasure/payload-retention.ts'
import { erasedCustomersOf } from './erasure/store.ts'
import { forgetOldAnswers } from './events/store.ts'
import { forgetEventKeys } from './external-events/store.ts'
import { FOLLOW_TYPE_TASK } from './external-subscriptions/subscriptions.ts'
import { AUTO_CREATE_TASK } from './flows/auto-create.ts'
import { SCHEDULE_TASK } from './flows/setup.ts'
import { joinAsOwner } from './people/assembly.ts'
import { forgetOldSessions } from './people/store.ts'
import { createDatabase } from './platform/database.ts'
import { isDatabaseAway } from './platform/database-errors.ts'
import { createHousekeeping } from './platform/housekeeping.ts'
import type { Log } from './platform/log.ts'
import { migrate } from './platform/migrations.ts'
import { migrateQueue } from './platform/queue.ts'
import { checkKeepsSessions, checkVersion } from './platform/readiness.ts'
import { forgetWaitKeys } from './runs/waits-store.ts'
import { AppSubscriptionTasks } from './subscriptions/app-subscriptions.ts'

export { isDatabaseAway }

/** Brings the database to the newest schema. Safe for many processes at once. */
export async function migrateAll(databaseUrl: string, log: Log): Promise<void> {
  const database = createDatabase({ url: databaseUrl, connectionsMax: 2, log })
  try {
    await checkVersion(database)
    await checkKeepsSessions(database)
    await migrate(database)
    await migrateQueue(database, log)
  } finally {
    await database.close()
  }
}

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { clock, log } = options
  const openedLog = await openLog(options)
  const ground = createGround(options, (workspaceId, claims) => customers.ensure(workspaceId, claims), openedLog)
  const { database, sealing, isWorker, queue, ownership, outbound, sandbox, functions, live, facts } = ground
  const telling = createTelling(options, ground, {
    routes: () => allRoutes,
    customerOf: async (principal, selector) => {
      const found = await customers.find(principal, selector).catch(nullIfRefused)
      return found?.id ?? null
    },
    erasedCustomers: (workspaceId) => erasedCustomersOf(ground.database.db, workspaceId),
  })
  const { alerts, deliveries, replays, endpoints, auditRoom } = telling
  // Functions ask the API of their own process.
  const registry = await createRegistryRooms(options, ground, telling, () => innerApp)
  const {
    subscriptions,
    autoCreate,
    customers,
    appRequests,
    externalSubscriptions,
    connecting,
    instances,
    connectionsRoom,
  } = registry
  const pipeline = createPipeline(options, ground, telling, registry)
  const { runWatch, runs, launch, externalReceive, pulls, intakeLog, ingress, brokerSources, erasure } = pipeline

  queue.handle({
    ...connectionsRoom.jobs,
    ...erasure.jobs,
    [AppSubscriptionTasks.sync]: (payload: { id: string }) => subscriptions.sync(payload),
    [AppSubscriptionTasks.followType]: (payload: { appEventTypeId: string }) => subscriptions.followType(payload),
    [AUTO_CREATE_TASK]: (payload: { flowId: string; workspaceId: string }) => autoCreate.forFlow(payload),
    [REPLAY_TASK]: (payload: { id: string }) => replays.run(payload),
    [FOLLOW_TYPE_TASK]: (payload: { rootId: string }) => externalSubscriptions.followType(payload),
    [SCHEDULE_TASK]: (payload: { flowInstanceId: string; nodeKey: string; at: string }) => launch.bySchedule(payload),
  })
  const payloadRetention = createPayloadRetention({ ...options, database })
  const lookAtAllQuotas = () => lookAtQuotas({ database, store: ground.workspaceStore, quotas: ground.quotas, alerts })
  const housekeeping = createHousekeeping({
    database,
    clock,
    queue,
    log,
    retentionDays: options.retentionDays,
    partitionDaysAhead: options.partitionDaysAhead,
    watches: [
      () => runWatch.look(),
      () => alerts.look(),
      lookAtAllQuotas,
      async () => void (await payloadRetention.run(clock.now())),
      () => auditRoom.api.recover(),
    ],
    chores: [
      (now) => forgetOldAnswers(database.db, now),
      (now) => forgetEventKeys(database.db, now),
      (now) => forgetWaitKeys(database.db, now),
      (now) => forgetOldSessions(database.db, now),
      (now) => ground.quotas.forgetOld(now),
      ...(connecting.chores ?? []),
      ...erasure.chores,
      ...(auditRoom.chores ?? []),
    ],
  })

  facts.layDown(
    whatFollows({
      endpoints,
      people: { followWorkspace: (tx, created) => joinAsOwner(tx, created, clock.now()) },
      alerts,
      subscriptions,
      externalSubscriptions,
      autoCreate,
      instances,
      archiveOwnOf: (tx, connection) => archiveOwnOf(tx, connection, clock.now()),
    }),
  )

  const { app, innerApp, webConsole, allRoutes } = await createHttp(options, ground, telling, registry, pipeline)

  const engine: Engine = {
    ...ground,
    ...telling,
    ...registry,
    ...pipeline,
    app,
    console: webConsole,
    async cutPayloads() {
      while (!(await payloadRetention.run(clock.now(), true)));
    },
    async lookAfterAlerts() {
      await runWatch.settled()
      await Promise.all([runWatch.look(), alerts.look(), lookAtAllQuotas()])
    },
    async start() {
      await sealWhatIsOld(database, sealing)
      await housekeeping.runHourly()
      await ownership.start()
      if (isWorker) {
        deliveries.start()
        externalSubscriptions.start()
        runs.start()
        externalReceive.start()
        pulls.start()
        brokerSources.start()
        await queue.start()
      }
      intakeLog?.start()
      if (options.roles.has('scheduler')) housekeeping.start()
    },
    async stop() {
      connectionsRoom.api.renewal.letGo()
      await app.close()
      if (innerApp !== app) await innerApp.close()
      await live.stop()
      await brokerSources.stop()
      await ingress.drained()
      await intakeLog?.stop()
      await ground.refusedRequests.settled()
      await auditRoom.stop?.()
      await housekeeping.stop()
      await queue.stop()
      await runs.close()
      await pulls.close()
      await externalReceive.close()
      await externalSubscriptions.close()
      await deliveries.close()
      await connectionsRoom.api.renewal.settled()
      await ownership.stop()
      await sandbox.stop()
      await functions.settled()
      await appRequests.settled()
      await outbound.close()
      await openedLog?.close()
      await database.close()
      await options.tracing?.stop()
    },
    [Symbol.asyncDispose]: () => engine.stop(),
  }
  return engine
}

function nullIfRefused(error: unknown): null {
  if (error instanceof Refusal) return null
  throw error
}

/** Nothing of it is loaded where there is none. */
async function openLog({ intakeLog, log }: EngineOptions) {
  if (intakeLog === undefined || intakeLog === null) return null
  const { openIntakeLog } = await import('./intake-log/assembly.ts')
  return openIntakeLog({ ...intakeLog, log })
}
