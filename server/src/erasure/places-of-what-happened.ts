import { sql } from '../platform/database.ts'
import { among, CUSTOMER, deleted, history, table } from './found.ts'
import type { ErasedSubject, TablePlace } from './place.ts'

/** Shorter ids stand in many texts by chance. */
const TELLING_CHARS = 4

/** Events, runs, messages, requests: what grows, and what is under way. */
export const WHAT_HAPPENED: readonly TablePlace[] = [
  {
    table: 'deliveries_active',
    columns: {
      payload: 'body last_error',
      metadata:
        'id workspace_id destination_id message_id event_type customer_id source_id attempts_made last_attempt_at shard position is_ordered group_cap due_at held_until trace',
    },
    erased: [history([CUSTOMER, among('destination_id', 'destination'), among('source_id', 'wire')])],
  },
  {
    table: 'deliveries',
    columns: {
      payload: 'body last_error first_attempt',
      metadata:
        'id workspace_id destination_id message_id event_type customer_id source_id state attempts_made last_attempt_at settled_at payload_cut_at trace',
    },
    // Those to endpoints of the workspace have no index by customer: an index would cost every message.
    erased: [
      history([CUSTOMER, among('destination_id', 'destination'), among('source_id', 'wire')], {
        isWalked: true,
        dependents: [{ table: 'delivery_attempts', column: 'delivery_id' }],
      }),
    ],
  },
  {
    table: 'delivery_attempts',
    columns: {
      payload: 'error request response',
      metadata:
        'id workspace_id delivery_id destination_id number trigger replay_id outcome error_class http_status duration_ms next_attempt_at',
    },
    // With their deliveries; here those that were under way.
    erased: [history([among('delivery_id', 'delivery')])],
  },
  {
    table: 'delivery_replays',
    columns: {
      metadata: 'id workspace_id filter rate_per_second state total succeeded failed done_until created_at ended_at',
    },
    because: 'its filter has ids and times',
  },
  {
    table: 'flow_run_news',
    columns: { metadata: 'position run_id workspace_id event_type' },
    because: 'ids, for moments',
  },
  {
    table: 'flow_run_batches',
    inWorkspace: 'passing',
    columns: {
      metadata:
        'id owner run_ids workspace_ids customer_ids connection_ids integration_ids flow_instance_ids flow_ids universal_flow_ids version_ids start_node_keys app_event_ids launched_by group_caps',
    },
    because: 'ids, until the last run of the batch has ended',
  },
  {
    table: 'flow_node_runs',
    inWorkspace: 'with others',
    columns: {
      payload: 'item outputs errors logs next',
      metadata: 'id run_id node_key path status started_at ended_at attempts',
    },
    // With their runs; here those of runs that were under way.
    erased: [history([among('run_id', 'run')])],
  },
  {
    table: 'flow_run_waits',
    inWorkspace: [{ column: 'customer_id', of: 'customers' }],
    columns: { payload: 'key about', metadata: 'run_id path customer_id event_id' },
    // With their runs; here those of runs that were under way.
    erased: [deleted([CUSTOMER], { isWalked: true })],
  },
  {
    table: 'event_wait_keys',
    inWorkspace: [{ column: 'customer_id', of: 'customers' }],
    columns: { payload: 'key', metadata: 'id customer_id' },
    erased: [history([CUSTOMER], { isWalked: true })],
  },
  {
    table: 'flow_runs_active',
    columns: {
      payload: 'input meta waiting',
      metadata:
        'id workspace_id customer_id connection_id integration_id flow_instance_id flow_id universal_flow_id version_id start_node_key app_event_id launched_by state started_at shard lane_id position is_ordered group_cap due_at held_until',
    },
    erased: [history([CUSTOMER], { dependents: [{ table: 'flow_run_waits', column: 'run_id' }] })],
  },
  {
    table: 'flow_runs',
    columns: {
      payload: 'input meta errors node_runs',
      metadata:
        'id workspace_id customer_id connection_id integration_id flow_instance_id flow_id universal_flow_id version_id start_node_key app_event_id launched_by state started_at ended_at node_counts payload_cut_at',
    },
    erased: [
      history([CUSTOMER], {
        // Of a run in a batch this row says that it has ended.
        only: () => sql`t.id <> all(array(select unnest(b.run_ids) from ${table('flow_run_batches')} b))`,
        dependents: [{ table: 'flow_node_runs', column: 'run_id' }],
      }),
      {
        found: [among('version_id', 'version')],
        only: ({ customerId }) => sql`t.customer_id <> ${customerId}`,
        isWalked: true,
        how: { noted: 'version-in-use', column: 'version_id' },
      },
    ],
  },
  {
    table: 'action_run_logs',
    columns: {
      payload: 'input output error logs meta',
      name: 'action_name',
      metadata:
        'id workspace_id customer_id action_id universal_action_id integration_action_id connection_action_id integration_id connection_id source_id status duration_ms completed_at payload_cut_at',
    },
    erased: [history([CUSTOMER])],
  },
  {
    table: 'incoming_webhooks_active',
    columns: {
      payload: 'request_sealed',
      metadata: 'id workspace_id lane_id shard position is_global due_at',
    },
    // One at a URL of many customers is nobody's until its function has said whose it is, which takes it away from here.
    erased: [history([among('lane_id', 'external-subscription')])],
  },
  {
    table: 'incoming_webhooks',
    columns: {
      payload: 'query headers body error response',
      credential: 'secrets_sealed',
      metadata:
        'id workspace_id customer_id integration_id connection_id subscription_id global_webhook_id method status response_status duration_ms function_call_id event_ids replay_of repeated_event_ids payload_cut_at',
    },
    erased: [
      // What came at a URL of many customers may be others' too: its record stays, without what it said.
      {
        found: [
          {
            where: ({ customerId }) => sql`exists (select from ${table('external_events')} e
              where e.id = any(t.event_ids || coalesce(t.repeated_event_ids, '{}')) and e.customer_id = ${customerId})`,
          },
          {
            where: ({ erasureId }) => sql`exists (select from ${table('erasure_items')} i
              where i.erasure_id = ${erasureId} and i.kind = 'selector' and position(convert_to(i.item, 'UTF8') in t.body) > 0)`,
          },
        ],
        only: ({ workspaceId }) => sql`t.customer_id is null and t.workspace_id = ${workspaceId} and t.headers <> '{}'`,
        isWalked: true,
        isHistory: true,
        how: { replaced: { query: null, headers: '{}', body: '', error: null, response: null, secrets_sealed: null } },
        remembered: 'iwh',
      },
      history([CUSTOMER, among('subscription_id', 'external-subscription')]),
    ],
  },
  {
    table: 'external_events',
    columns: {
      payload: 'payload',
      metadata:
        'id workspace_id customer_id connection_id integration_id subscription_id incoming_webhook_id delivery_id payload_cut_at',
    },
    erased: [history([CUSTOMER])],
  },
  {
    table: 'external_event_keys',
    inWorkspace: [{ column: 'subscription_id', of: 'external_event_subscriptions' }],
    columns: { payload: 'key', metadata: 'subscription_id event_id expires_at' },
    erased: [deleted([among('subscription_id', 'external-subscription')])],
  },
  {
    table: 'external_event_pulls',
    columns: {
      payload: 'error telemetry logs',
      metadata:
        'id workspace_id customer_id connection_id integration_id subscription_id status strategy started_at ended_at event_ids payload_cut_at',
    },
    erased: [history([CUSTOMER])],
  },
  {
    table: 'app_events',
    columns: {
      payload: 'payload',
      metadata: 'id workspace_id customer_id app_event_type_id subscription_id payload_cut_at',
    },
    erased: [history([CUSTOMER])],
  },
  {
    table: 'ingress_answers',
    inWorkspace: [
      { column: 'url_key', of: 'app_event_subscriptions', its: 'webhook_uuid' },
      { column: 'url_key', of: 'app_event_types', its: 'webhook_key' },
      { column: 'url_key', of: 'external_event_subscriptions', its: 'webhook_uuid' },
      { column: 'url_key', of: 'global_webhooks', its: 'webhook_uuid' },
    ],
    columns: { name: 'scope', metadata: 'url_key status answer created_at' },
    // Of a customer that is kept they stay their day, so that nothing is taken in twice.
    erased: [
      deleted([among('url_key', 'address'), { where: ({ customerId }) => sql`t.scope like ${customerId} || ':%'` }], {
        isWalked: true,
      }),
    ],
  },
  {
    table: 'refused_requests',
    columns: {
      payload: 'message excerpt',
      name: 'claimed_id path address',
      metadata: 'id workspace_id customer_id element_id reason status method not_kept payload_cut_at',
    },
    erased: [history([CUSTOMER, among('element_id', 'wire'), { where: namedIn }], { isWalked: true })],
  },
  {
    table: 'external_api_logs',
    columns: {
      payload: 'request_uri request response error',
      metadata:
        'id workspace_id customer_id integration_id connection_id source_id method status_code is_success duration_ms payload_cut_at',
    },
    erased: [history([CUSTOMER])],
  },
  {
    table: 'function_calls',
    columns: {
      payload: 'error logs',
      metadata:
        'id workspace_id customer_id integration_id connection_id owner_id slot source_id outcome cpu_ms duration_ms host_calls payload_cut_at',
    },
    erased: [
      history([CUSTOMER, among('connection_id', 'connection'), among('source_id', 'wire')], {
        // A request at a URL of many customers may have led to calls for others.
        only: ({ customerId }) => sql`(t.customer_id is null or t.customer_id = ${customerId})`,
        isWalked: true,
      }),
    ],
  },
  {
    table: 'app_event_subscription_requests',
    columns: {
      payload: 'request response error',
      metadata: 'id workspace_id subscription_id kind trigger duration_ms payload_cut_at',
    },
    erased: [history([among('subscription_id', 'subscription')])],
  },
  {
    table: 'connection_logs',
    columns: { payload: 'error', metadata: 'id workspace_id connection_id kind is_success duration_ms payload_cut_at' },
    erased: [history([among('connection_id', 'connection')])],
  },
  {
    table: 'alerts',
    columns: {
      payload: 'description details',
      metadata: 'id workspace_id key type severity status customer_id context_key created_at last_seen_at resolved_at',
    },
    erased: [history([CUSTOMER, among('context_key', 'wire')])],
  },
  {
    table: 'intake_set_aside',
    columns: { payload: 'entry error', metadata: 'id workspace_id shard sequence tries' },
    because: 'its entries are read, and rewritten without the customer, by the room that owns it',
  },
  {
    table: 'intake_catalogue_changes',
    inWorkspace: 'passing',
    columns: { name: 'gone_name', metadata: 'sequence kind row_id' },
    because: 'until it is told, which takes moments',
  },
]

/** Refused requests that claim to be the customer's, or speak of it, without proof. */
function namedIn({ workspaceId, internalId }: ErasedSubject) {
  const isTelling = internalId.length >= TELLING_CHARS
  return sql`(t.workspace_id is null or t.workspace_id = ${workspaceId}) and (t.claimed_id = ${internalId}
    or ${isTelling} and position(${internalId} in concat(t.excerpt, ' ', t.message, ' ', t.path)) > 0)`
}
