import { lookAtQuotas } from './alerts/quotas.ts'
import { REPLAY_TASK } from './deliveries/replays.ts'
import type { Ground, Telling } from './engine-ground.ts'
import type { EngineOptions } from './engine-options.ts'
import type { Pipeline } from './engine-pipeline.ts'
import type { RegistryRooms } from './engine-registry.ts'
import { createPayloadRetention } from './erasure/payload-retention.ts'
import { forgetOldAnswers } from './events/store.ts'
import { forgetEventKeys } from './external-events/store.ts'
import { FOLLOW_TYPE_TASK } from './external-subscriptions/subscriptions.ts'
import { AUTO_CREATE_TASK } from './flows/auto-create.ts'
import { SCHEDULE_TASK } from './flows/setup.ts'
import { forgetOldSessions } from './people/store.ts'
import { createHousekeeping } from './platform/housekeeping.ts'
import { forgetWaitKeys } from './runs/waits-store.ts'
import { AppSubscriptionTasks } from './subscriptions/app-subscriptions.ts'

/** What is done in the background: the jobs of the queue, and what is looked at and cleared away every hour. */
export function createJobs(
  options: EngineOptions,
  ground: Ground,
  { alerts, replays, auditRoom }: Pick<Telling, 'alerts' | 'replays' | 'auditRoom'>,
  registry: RegistryRooms,
  { runWatch, launch, erasure }: Pick<Pipeline, 'runWatch' | 'launch' | 'erasure'>,
) {
  const { clock, log } = options
  const { database, queue } = ground
  const { subscriptions, autoCreate, externalSubscriptions, connecting, connectionsRoom } = registry

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

  return { housekeeping, payloadRetention, lookAtAllQuotas }
}
