import type { Live } from '../live/live.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { Condition } from './alert.ts'
import type { Channels } from './channels.ts'
import { lookAtDeliveries } from './delivery-watch.ts'
import { raiseAlert, resolveAlert } from './store.ts'

/** Conditions that a person should know of. */
export interface Alerts {
  /**
   * Opens, reopens or bumps the alert of a condition; where it became ongoing just now, the workspace is notified in
   * the same transaction.
   */
  raise(tx: Tx, condition: Condition): Promise<void>
  resolve(tx: Tx, workspaceId: string, key: string): Promise<void>
  /** Opens what follows from how deliveries stand now; called every so often. */
  look(): Promise<void>
  /** Where the console shows the workspace. */
  workspaceUrlOf(tx: Tx, workspaceId: string): Promise<string>
  readonly channels: Channels
}

export function createAlerts(options: {
  database: Database
  clock: Clock
  ids: Ids
  notifications: Notifications
  channels: Channels
  workspaceUrlOf: Alerts['workspaceUrlOf']
  live: Pick<Live, 'changed'>
}): Alerts {
  const tellOf = (workspaceId: string) =>
    options.live.changed({ workspaceId, elementType: 'alert', elementId: null, audience: 'admins' })
  const alerts: Alerts = {
    look: () => lookAtDeliveries({ database: options.database, clock: options.clock, raise: alerts.raise }),
    workspaceUrlOf: options.workspaceUrlOf,
    channels: options.channels,
    async raise(tx, condition) {
      const { alert, becameOngoing } = await raiseAlert(tx, options.ids.next(), condition, options.clock.now())
      if (!becameOngoing) return
      tellOf(condition.workspaceId)
      await options.channels.tell(tx, alert, 'opened')
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
              workspaceUrl: await alerts.workspaceUrlOf(tx, workspaceId),
              createdAt: createdAt.toISOString(),
            },
          },
        },
      ])
    },
    async resolve(tx, workspaceId, key) {
      const alert = await resolveAlert(tx, workspaceId, key, options.clock.now())
      if (alert === null) return
      tellOf(workspaceId)
      await options.channels.tell(tx, alert, 'resolved')
    },
  }
  return alerts
}
