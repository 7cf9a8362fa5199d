import type { Database } from '../platform/database.ts'
import type { Quotas } from '../workspaces/quotas.ts'
import type { WorkspaceStore } from '../workspaces/store.ts'
import type { Alerts } from './alerts.ts'
import { quotaNear } from './conditions.ts'
import { ongoingOfType } from './store.ts'

/** Says whose quotas are nearly used, and that they are no more. */
export async function lookAtQuotas({
  database,
  store,
  quotas,
  alerts,
}: {
  database: Database
  store: Pick<WorkspaceStore, 'bounded'>
  quotas: Pick<Quotas, 'usageOf'>
  alerts: Pick<Alerts, 'raise' | 'resolve'>
}): Promise<void> {
  const near = new Set<string>()
  for (const workspace of await store.bounded(database.db)) {
    for (const { quota, used, limit } of await quotas.usageOf(workspace)) {
      if (used === undefined || limit === undefined) continue
      const condition = quotaNear(workspace.id, { quota, used, limit })
      if (condition === null) continue
      near.add(`${workspace.id} ${condition.key}`)
      await database.transaction((tx) => alerts.raise(tx, condition))
    }
  }
  for (const { workspaceId, key } of await ongoingOfType(database.db, 'quota_near'))
    if (!near.has(`${workspaceId} ${key}`)) await database.transaction((tx) => alerts.resolve(tx, workspaceId, key))
}
