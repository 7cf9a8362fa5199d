import type { ItemOf, permea } from '../../api.ts'

/** What alerts are called, by type. */
export const ALERT_TITLES: Record<ItemOf<typeof permea.alerts.list>['type'], string> = {
  connection_disconnected: 'Connection lost',
  webhook_endpoint_failing: 'Endpoint failing',
  webhook_endpoint_paused: 'Endpoint paused',
  subscription_failed: 'Subscription failed',
  flow_failing: 'Flow failing',
  queue_backlog: 'Runs are waiting',
  quota_near: 'Quota nearly used',
}
