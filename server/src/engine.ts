import { Refusal } from './api/refusal.ts'
import { archiveOwnOf } from './engine-data.ts'
import { whatFollows } from './engine-facts.ts'
import { createGround, createTelling } from './engine-ground.ts'
import { createHttp } from './engine-http.ts'
import { createJobs } from './engine-jobs.ts'
import type { Engine, EngineOptions } from './engine-options.ts'
import { createPipeline } from './engine-pipeline.ts'
import { createRegistryRooms } from './engine-registry.ts'
import { sealWhatIsOld } from './engine-sealing.ts'
import { erasedCustomersOf } from './erasure/store.ts'
import { joinAsOwner } from './people/assembly.ts'
import { createDatabase } from './platform/database.ts'
import { isDatabaseAway } from './platform/database-errors.ts'
import type { Log } from './platform/log.ts'
import { migrate } from './platform/migrations.ts'
import { migrateQueue } from './platform/queue.ts'
import { checkKeepsSessions, checkVersion } from './platform/readiness.ts'

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
  const { clock } = options
  const openedLog = await openLog(options)
  const ground = createGround(options, (workspaceId, claims) => customers.ensure(workspaceId, claims), openedLog)
  const { database, isWorker, queue, ownership, outbound, sandbox, functions, live, facts } = ground
  const telling = createTelling(options, ground, {
    routes: () => allRoutes,
    customerOf: async (principal, selector) => {
      const found = await customers.find(principal, selector).catch(nullIfRefused)
      return found?.id ?? null
    },
    erasedCustomers: (workspaceId) => erasedCustomersOf(ground.database.db, workspaceId),
  })
  const { alerts, deliveries, endpoints, auditRoom } = telling
  // Functions ask the API of their own process.
  const registry = await createRegistryRooms(options, ground, telling, () => innerApp)
  const { subscriptions, autoCreate, customers, appRequests, externalSubscriptions, instances, connectionsRoom } =
    registry
  const pipeline = createPipeline(options, ground, telling, registry)
  const { runWatch, runs, externalReceive, pulls, intakeLog, ingress, brokerSources } = pipeline
  const { housekeeping, payloadRetention, lookAtAllQuotas } = createJobs(options, ground, telling, registry, pipeline)

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
      while (!(await payloadRetention.run(clock.now())));
    },
    async lookAfterAlerts() {
      await runWatch.settled()
      await Promise.all([runWatch.look(), alerts.look(), lookAtAllQuotas()])
    },
    async start() {
      await sealWhatIsOld(database, ground.sealing)
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
