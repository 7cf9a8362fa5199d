import type { Notifications } from '../notifications/notifications.ts'
import type { Clock } from '../platform/clock.ts'
import type { Tx } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { Condition } from './alert.ts'
import { raiseAlert, resolveAlert } from './store.ts'

/** Conditions that a person should know of. */
export interface Alerts {
  /**
   * Opens, reopens or bumps the alert of a condition; where it became ongoing just now, the workspace is notified in
   * the same transaction.
   */
  raise(tx: Tx, condition: Condition): Promise<void>
  resolve(tx: Tx, workspaceId: string, key: string): Promise<void>
  readonly workspaceUrl: string
}

export function createAlerts(options: {
  clock: Clock
  ids: Ids
  notifications: Notifications
  publicUrl: string
  /** Told of each alert that opened or ended; the transaction may still be open. */
  onChanged(workspaceId: string): void
}): Alerts {
  const workspaceUrl = `${options.publicUrl}/console`
  return {
    workspaceUrl,
    async raise(tx, condition) {
      const { alert, becameOngoing } = await raiseAlert(tx, options.ids.next(), condition, options.clock.now())
      if (!becameOngoing) return
      options.onChanged(condition.workspaceId)
      const { id, workspaceId, type, severity, description, status, createdAt } = alert
      await options.notifications.tell(tx, [
        {
          workspaceId,
          customerId: condition.customerId,
          eventType: 'alert.created',
          data: {
            alert: {
              id: toWire('alrt', id),
              type,
              severity,
              description,
              status,
              workspaceId: toWire('ws', workspaceId),
              workspaceUrl,
              createdAt: createdAt.toISOString(),
            },
          },
        },
      ])
    },
    async resolve(tx, workspaceId, key) {
      await resolveAlert(tx, workspaceId, key, options.clock.now())
      options.onChanged(workspaceId)
    },
  }
}
