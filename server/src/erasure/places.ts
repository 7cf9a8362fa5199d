import type { ItemKind, TablePlace } from './place.ts'
import { OF_CUSTOMERS } from './places-of-customers.ts'
import { WHAT_HAPPENED } from './places-of-what-happened.ts'
import { OF_WORKSPACES } from './places-of-workspaces.ts'

/**
 * Every table of the database, in the order in which a customer is erased.
 *
 * A new table, or a new column, has its place in one of the three lists: `places.test.ts` compares them with the
 * database. What quotes what customers sent, an error's text say, counts as payload. A table that may not lose what it
 * keeps (a chain of hashes, say) hashes the customer's part by itself and has it replaced here.
 */
export const PLACES: readonly TablePlace[] = [...WHAT_HAPPENED, ...OF_CUSTOMERS, ...OF_WORKSPACES]

/** Where ids of the customer's things are gathered from: each of these has a column `customer_id`. */
export const GATHERED: readonly { kind: ItemKind; table: string; column: string }[] = [
  { kind: 'connection', table: 'connections', column: 'id' },
  { kind: 'subscription', table: 'app_event_subscriptions', column: 'id' },
  { kind: 'address', table: 'app_event_subscriptions', column: 'webhook_uuid' },
  { kind: 'external-subscription', table: 'external_event_subscriptions', column: 'id' },
  { kind: 'address', table: 'external_event_subscriptions', column: 'webhook_uuid' },
  { kind: 'selector', table: 'external_event_subscriptions', column: 'global_webhook_selector' },
  { kind: 'destination', table: 'delivery_destinations', column: 'id' },
  { kind: 'instance', table: 'flow_instances', column: 'id' },
  { kind: 'element', table: 'data_elements', column: 'id' },
  { kind: 'alert', table: 'alerts', column: 'id' },
  { kind: 'run', table: 'flow_runs_open', column: 'id' },
  { kind: 'delivery', table: 'deliveries_active', column: 'id' },
]
