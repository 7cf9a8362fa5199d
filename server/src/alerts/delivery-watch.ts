import { failingDestinations } from '../deliveries/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import type { Condition } from './alert.ts'
import { endpointFailingNow } from './conditions.ts'
import { alertSettingsOf, shortestMinutes } from './store.ts'

const MINUTE_MS = 60_000

/**
 * Looks for destinations to which everything fails: somebody should know within minutes, not on the way to the fifth
 * day. They recover with the first success, as `deliveries` tells.
 */
export async function lookAtDeliveries(options: {
  database: Database
  clock: Clock
  raise(tx: Tx, condition: Condition): Promise<void>
}): Promise<void> {
  const { db } = options.database
  const now = options.clock.now()
  const shortestMs = (await shortestMinutes(db, 'delivery')) * MINUTE_MS
  for (const { lastError, ...destination } of await failingDestinations(db, new Date(now.getTime() - shortestMs))) {
    const { deliveryFailingMinutes } = await alertSettingsOf(db, destination.workspaceId)
    const minutes = Math.floor((now.getTime() - (destination.failingSince ?? now).getTime()) / MINUTE_MS)
    if (minutes < deliveryFailingMinutes) continue
    await options.database.transaction((tx) =>
      options.raise(tx, endpointFailingNow(destination, minutes, deliveryFailingMinutes, lastError)),
    )
  }
}
