import { type RawBuilder, sql } from 'kysely'
import type { Tx } from '../platform/database.ts'
import { keepNodeCounts } from '../runs/cut-store.ts'
import { table } from './found.ts'

/** Rows that go with those of a log. */
export interface CutAlong {
  table: string
  column: string
  cut: Readonly<Record<string, string | null>>
  /** The column has ids as they are on the wire, and the rows say when they were cut. */
  wire?: 'fr' | 'iwh'
}

/** A log whose payloads are cut, and what stays then. */
export interface PayloadLog {
  log: string
  /** What columns hold when the payload is cut; the others stay. */
  cut: Readonly<Record<string, string | null>>
  /** Keeps what follows from the payloads of these rows, which are in order, before they go. */
  keep?(tx: Tx, ids: readonly string[]): Promise<void>
  /** Rows that go with it: their payloads are cut too. */
  dependents?: readonly CutAlong[]
  /** Which event type says how long: joins to the row `l`, and the type’s id; absent: the workspace alone. */
  type?: { joins: RawBuilder<unknown>; internal?: RawBuilder<unknown>; external?: RawBuilder<unknown> }
  /** Whether something still needs the payload of `l`; absent: what is in the log is finished. */
  isNeeded?: RawBuilder<unknown>
}

const { raw } = sql
const CALL = { error: null, logs: null }
const REQUEST = { request: '{}', response: null, error: null }
const ACTION = { input: null, output: null, error: null, logs: null, meta: null }
/** What functions said that were called for it. */
const callsOf = (wire: 'fr' | 'iwh'): CutAlong => ({ table: 'function_calls', column: 'source_id', cut: CALL, wire })
const ofSubscription = (column: string) => ({
  joins: sql`left join ${table('external_event_subscriptions')} s on s.id = ${raw(column)}`,
  external: raw('s.external_event_type_id'),
})

/** An open run, or a new one, that has the event for its input. */
const RUNS = sql`exists (select from ${table('flow_runs_active')} a where a.app_event_id = l.id)
  or exists (select from ${table('flow_run_batches')} b where l.id = any(b.app_event_ids))`

/** Every log that has payloads. JSON texts that must be there are `null` when they are cut, and are never shown. */
export const PAYLOAD_LOGS: readonly PayloadLog[] = [
  {
    log: 'app_events',
    cut: { payload: 'null' },
    type: { joins: sql``, internal: raw('l.app_event_type_id') },
    isNeeded: RUNS,
  },
  {
    log: 'external_events',
    cut: { payload: 'null' },
    type: ofSubscription('l.subscription_id'),
    isNeeded: sql`${RUNS} or exists (select from ${table('deliveries_active')} d where d.id = l.delivery_id)`,
  },
  {
    log: 'incoming_webhooks',
    dependents: [callsOf('iwh')],
    cut: { query: null, headers: '{}', body: '', error: null, response: null, secrets_sealed: null },
    type: ofSubscription('l.subscription_id'),
  },
  {
    log: 'flow_runs',
    keep: keepNodeCounts,
    cut: { input: 'null', meta: null, errors: null, node_runs: null },
    dependents: [
      {
        table: 'flow_node_runs',
        column: 'run_id',
        cut: { item: null, outputs: null, errors: null, logs: null, next: null },
      },
      callsOf('fr'),
      { table: 'external_api_logs', column: 'source_id', cut: REQUEST, wire: 'fr' },
      { table: 'action_run_logs', column: 'source_id', cut: ACTION, wire: 'fr' },
    ],
    type: {
      joins: sql`left join ${table('app_events')} e on e.id = l.app_event_id
        left join ${table('external_events')} x on x.id = l.app_event_id and e.id is null
        left join ${table('external_event_subscriptions')} s on s.id = x.subscription_id`,
      internal: raw('e.app_event_type_id'),
      external: raw('s.external_event_type_id'),
    },
  },
  {
    log: 'deliveries',
    cut: { body: 'null', last_error: null, first_attempt: null },
    dependents: [
      { table: 'delivery_attempts', column: 'delivery_id', cut: { error: null, request: '{}', response: null } },
    ],
    // The destination of a subscription has its id.
    type: ofSubscription('l.destination_id'),
  },
  { log: 'action_run_logs', cut: ACTION },
  { log: 'external_api_logs', cut: { request: '{}', response: null, error: null } },
  { log: 'function_calls', cut: CALL },
  { log: 'app_event_subscription_requests', cut: { request: null, response: null, error: null } },
  { log: 'connection_logs', cut: { error: null } },
  { log: 'external_event_pulls', cut: { error: null, telemetry: null, logs: null } },
  { log: 'refused_requests', cut: { excerpt: null } },
]
