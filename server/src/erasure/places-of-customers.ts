import { sql } from '../platform/database.ts'
import { among, CUSTOMER, deleted, table } from './found.ts'
import type { TablePlace } from './place.ts'

/** Jobs are told what they are about by ids of these. */
const TOLD_OF_IN_JOBS = [
  'alerts',
  'app_event_subscriptions',
  'app_event_types',
  'background_jobs',
  'connections',
  'customers',
  'data_elements',
  'delivery_destinations',
  'delivery_replays',
  'erasures',
  'external_event_subscriptions',
  'external_event_types',
  'flow_instances',
  'flows',
  'integrations',
]

/** What a customer has: connections, subscriptions, flows, elements of its own. What refers to a row goes before it. */
export const OF_CUSTOMERS: readonly TablePlace[] = [
  {
    table: 'external_subscription_steps',
    inWorkspace: [{ column: 'id', of: 'external_event_subscriptions' }],
    columns: { payload: 'journal_sealed', metadata: 'id connection_id shard position due_at' },
    erased: [deleted([among('id', 'external-subscription')])],
  },
  {
    table: 'pulls_active',
    inWorkspace: [{ column: 'id', of: 'external_event_subscriptions' }],
    columns: { metadata: 'id pull_id connection_id shard due_at position failures' },
    erased: [deleted([among('id', 'external-subscription')])],
  },
  {
    table: 'record_snapshots',
    inWorkspace: [{ column: 'subscription_id', of: 'external_event_subscriptions' }],
    columns: { name: 'record_id', payload: 'hash', metadata: 'subscription_id scan' },
    erased: [deleted([among('subscription_id', 'external-subscription')])],
  },
  {
    table: 'flow_instance_external_triggers',
    inWorkspace: [{ column: 'flow_instance_id', of: 'flow_instances' }],
    columns: { metadata: 'flow_instance_id node_key external_event_subscription_id' },
    erased: [
      deleted([
        among('flow_instance_id', 'instance'),
        among('external_event_subscription_id', 'external-subscription'),
      ]),
    ],
  },
  {
    table: 'flow_instance_triggers',
    inWorkspace: [{ column: 'flow_instance_id', of: 'flow_instances' }],
    columns: { metadata: 'flow_instance_id node_key app_event_type_id customer_id app_event_subscription_id' },
    erased: [deleted([CUSTOMER, among('flow_instance_id', 'instance')])],
  },
  {
    table: 'flow_instance_waits',
    inWorkspace: [{ column: 'flow_instance_id', of: 'flow_instances' }],
    columns: {
      metadata:
        'flow_instance_id node_key app_event_subscription_id external_event_subscription_id app_event_type_id customer_id field',
    },
    erased: [deleted([CUSTOMER, among('flow_instance_id', 'instance')])],
  },
  {
    table: 'flow_schedules',
    inWorkspace: [{ column: 'flow_instance_id', of: 'flow_instances' }],
    columns: { payload: 'cron time_zone', metadata: 'flow_instance_id node_key next_at' },
    erased: [deleted([among('flow_instance_id', 'instance')])],
  },
  {
    table: 'flow_instances',
    columns: {
      payload: 'meta parameters custom_nodes errors description',
      name: 'instance_key key name',
      metadata:
        'id workspace_id customer_id connection_id integration_id flow_id universal_flow_id uuid is_enabled is_ordered concurrency base_version_id is_name_customized version_id flow_revision universal_flow_revision state revision created_at updated_at archived_at is_sealed',
    },
    erased: [deleted([CUSTOMER])],
  },
  {
    table: 'flow_versions',
    columns: { payload: 'nodes', credential: 'secrets_sealed', metadata: 'id workspace_id hash is_sealed' },
    // Those that nothing points to any more. They are shared by content, so they do not say whose they were.
    erased: [
      deleted([among('id', 'version')], {
        only: ({ erasureId }) => sql`not exists (select from ${table('erasure_items')} i
            where i.erasure_id = ${erasureId} and i.kind = 'version-in-use' and i.item = t.id::text)
          and not exists (select from ${table('flow_instances')} x where t.id in (x.version_id, x.base_version_id))
          and not exists (select from ${table('flows')} x where t.id in (x.version_id, x.base_version_id))
          and not exists (select from ${table('flow_history')} x where x.version_id = t.id)
          and not exists (select from ${table('flow_runs_active')} x where x.version_id = t.id)
          and not exists (select from ${table('flow_run_batches')} x where t.id = any(x.version_ids))`,
      }),
    ],
  },
  {
    table: 'external_event_subscriptions',
    columns: {
      payload: 'parameters error subscribed_by',
      credential: 'webhook_uuid state_sealed',
      name: 'name webhook_uri global_webhook_selector',
      metadata:
        'id workspace_id customer_id connection_id integration_id external_event_type_id event_key parameters_hash is_wanted is_manual status is_registered wants_resubscribe wants_refresh state_version attempts next_attempt_at next_refresh_at refresh_due_at refresh_attempts global_webhook_key is_live revision created_at updated_at archived_at pull_strategy pull_interval_seconds pull_due_at is_sealed',
    },
    erased: [deleted([CUSTOMER])],
  },
  {
    table: 'external_event_types',
    columns: {
      payload: 'meta parameters_schema schema example subscribe handle unsubscribe refresh dedupe_key description',
      name: 'key name',
      metadata:
        'id workspace_id integration_id connection_id parent_id root_id uuid type revision created_at updated_at archived_at payload_retention_days is_sealed',
    },
    erased: [deleted([among('connection_id', 'connection')])],
  },
  {
    table: 'app_event_subscriptions',
    columns: {
      payload: 'error subscription_request subscription_response',
      credential: 'webhook_uuid response_sealed',
      name: 'instance_key',
      metadata:
        'id workspace_id customer_id app_event_type_id is_wanted is_manual status attempts next_attempt_at revision created_at updated_at archived_at',
    },
    erased: [deleted([CUSTOMER])],
  },
  {
    table: 'data_links',
    inWorkspace: [{ column: 'table_id', of: 'data_elements' }],
    columns: { name: 'external_record_id app_record_id', metadata: 'id table_id direction linked_at' },
    erased: [deleted([among('table_id', 'element')])],
  },
  {
    table: 'data_elements',
    columns: {
      payload: 'content meta description',
      name: 'instance_key key name',
      metadata:
        'id workspace_id kind integration_id connection_id customer_id parent_id uuid is_customized revision created_at updated_at archived_at is_sealed',
    },
    erased: [deleted([CUSTOMER, among('connection_id', 'connection')])],
  },
  {
    table: 'actions',
    columns: {
      payload: 'config input_schema output_mapping custom_output_schema meta description',
      credential: 'secrets_sealed',
      name: 'instance_key key name',
      metadata:
        'id workspace_id integration_id connection_id customer_id parent_id uuid type is_customized revision created_at updated_at archived_at is_sealed',
    },
    erased: [deleted([CUSTOMER, among('connection_id', 'connection')])],
  },
  {
    table: 'notification_endpoints',
    columns: { name: 'name', metadata: 'id workspace_id event_types is_workspace_webhook archived_at customer_id' },
    erased: [deleted([CUSTOMER])],
  },
  {
    table: 'delivery_destinations',
    columns: {
      payload: 'paused_reason',
      credential: 'secret_sealed previous_secret_sealed headers_sealed',
      name: 'url',
      metadata:
        'id workspace_id kind previous_secret_until concurrency throttle_per_second is_ordered schedule_ms state paused_at failing_since last_success_at last_failure_at warned_percent created_at updated_at customer_id',
    },
    erased: [deleted([CUSTOMER, among('id', 'destination')])],
  },
  {
    table: 'connection_requests',
    columns: {
      payload: 'error',
      credential: 'link_hash state_hash payload_sealed',
      name: 'request_id',
      metadata: 'id workspace_id customer_id status connection_id created_at expires_at',
    },
    erased: [deleted([CUSTOMER])],
  },
  {
    table: 'connections',
    columns: {
      payload: 'meta error',
      credential: 'credentials_sealed input_sealed connector_parameters_sealed',
      name: 'key name',
      metadata:
        'id workspace_id customer_id integration_id connector_id auth_option_key uuid is_test credentials_version credentials_expire_at next_credentials_refresh_at refresh_lease refresh_lease_until is_disconnected is_defunct retry_attempts next_retry_at last_active_at revision created_at updated_at archived_at',
    },
    erased: [deleted([CUSTOMER])],
  },
  {
    table: 'graphile_worker._private_jobs',
    inWorkspace: { where: jobsAbout, before: TOLD_OF_IN_JOBS },
    columns: {
      payload: 'last_error',
      metadata:
        'id job_queue_id task_id payload priority run_at attempts max_attempts created_at updated_at key locked_at locked_by revision flags is_available',
    },
    erased: [
      deleted(
        [
          {
            where: ({ erasureId }) => sql`exists (select from ${table('erasure_items')} i
              where i.erasure_id = ${erasureId} and i.item in (t.payload ->> 'id', t.payload ->> 'flowInstanceId', t.payload ->> 'alertId'))`,
          },
        ],
        { only: () => sql`t.locked_at is null` },
      ),
    ],
  },
  {
    table: 'customers',
    columns: {
      payload: 'fields meta',
      credential: 'credentials_sealed',
      name: 'internal_id name',
      metadata: 'id workspace_id is_test created_at updated_at last_active_at archived_at',
    },
    because: 'its row goes when all else is gone, with the end of the erasure',
  },
]

function jobsAbout(workspaceId: string) {
  const ids = sql.join(
    TOLD_OF_IN_JOBS.map((name) => sql`select x.id from ${table(name)} x where x.workspace_id = ${workspaceId}`),
    sql` union all `,
  )
  return sql`t.locked_at is null and exists (select from json_each_text(t.payload) told
    where told.value = ${workspaceId} or told.value in (select mine.id::text from (${ids}) mine))`
}
