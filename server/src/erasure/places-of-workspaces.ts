import { sql } from '../platform/database.ts'
import { deleted, table } from './found.ts'
import type { TablePlace } from './place.ts'

/** What is the workspace's, or the engine's own. */
export const OF_WORKSPACES: readonly TablePlace[] = [
  {
    table: 'erasures',
    columns: {
      metadata:
        'id workspace_id customer_id keeps_customer name_hashes status phase work stopped counts started_at updated_at finished_at',
      other: 'asked_by',
    },
    because: 'the record of what was erased: counts and ids',
  },
  {
    table: 'erasure_items',
    inWorkspace: [{ column: 'erasure_id', of: 'erasures' }],
    columns: { name: 'item', metadata: 'erasure_id kind' },
    because: 'gone a day after the erasure; selectors and addresses at its end',
  },
  {
    table: 'audit_details',
    columns: { payload: 'body', metadata: 'workspace_id sequence' },
    erased: [
      deleted([
        {
          where: ({ workspaceId, customerId }) => sql`(t.workspace_id, t.sequence) in (
            select r.workspace_id, r.sequence from ${table('audit_records')} r
             where r.customer_id = ${customerId} and r.workspace_id = ${workspaceId})`,
        },
      ]),
    ],
  },
  {
    table: 'audit_records',
    columns: {
      metadata:
        'workspace_id sequence id at actor_kind actor_id actor_role action outcome element_type element_id customer_id request_id changed details_hash previous_hash hash',
    },
    because:
      'the record that something was changed: ids, names of fields, hashes with a salt that goes with the details',
  },
  {
    table: 'audit_intents',
    columns: { payload: 'record', metadata: 'id workspace_id at' },
    because: 'gone with the end of the change, after a quarter of an hour at most; then its details are found above',
  },
  {
    table: 'broker_sources',
    columns: {
      credential: 'login_sealed',
      metadata: 'id workspace_id uuid app_event_type_id paused_at shard revision created_at updated_at archived_at',
      other: 'key name description meta url customer_header id_header',
    },
    because: 'what the workspace reads from its brokers, for all customers',
  },
  {
    table: 'broker_source_states',
    inWorkspace: 'with others',
    columns: {
      metadata: 'source_id state seen_at connected_at error_at last_message_at lag accepted refused',
      other: 'error',
    },
    because: 'how reading goes: what brokers say, and nothing of messages',
  },
  { table: 'audit_heads', columns: { other: 'workspace_id sequence hash seal' } },
  { table: 'audit_anchors', columns: { other: 'workspace_id sequence hash left_at' } },
  {
    table: 'background_jobs',
    columns: {
      metadata: 'id workspace_id kind status created_at finished_at',
      other: 'options progress result error archive download_key asked_by',
    },
    because: 'definitions of the workspace, which have nothing of a customer in them; forgotten after a day',
  },
  {
    table: 'workspaces',
    inWorkspace: 'with others',
    columns: {
      other:
        'id key name secret_sealed public_keys jwks_uri app_base_uri logo_uri webhook_uri enabled_webhook_events settings type is_example is_main quotas created_at updated_at archived_at',
    },
  },
  {
    table: 'workspace_deletions',
    inWorkspace: 'the engine',
    columns: {
      metadata: 'id workspace_id status phase work stopped counts started_at updated_at finished_at',
      other: 'key asked_by audit_sequence audit_hash',
    },
    because: 'the record that a workspace was deleted, which outlives it: its key, counts, the end of its audit log',
  },
  { table: 'workspace_usage', columns: { other: 'workspace_id day slot events bytes' } },
  { table: 'workspace_counts', columns: { other: 'workspace_id kind slot count' } },
  {
    table: 'api_keys',
    columns: {
      other: 'id workspace_id name scope prefix hash created_by created_at expires_at last_used_at revoked_at',
    },
  },
  // People of the workspace itself, not of its customers.
  {
    table: 'users',
    inWorkspace: { where: onlyMembers, before: ['memberships'] },
    columns: {
      other:
        'id email name password_hash sso_issuer sso_subject totp_sealed totp_pending_sealed totp_step recovery_hashes created_at updated_at',
    },
  },
  { table: 'memberships', columns: { other: 'workspace_id user_id role created_at' } },
  {
    table: 'invitations',
    columns: { other: 'id kind workspace_id email role hash invited_by created_at expires_at' },
  },
  {
    table: 'user_sessions',
    columns: {
      other: 'id user_id workspace_id hash is_pending is_sso tries address browser created_at seen_at expires_at',
    },
  },
  {
    table: 'alert_settings',
    columns: {
      other: 'workspace_id flow_failures backlog_minutes delivery_failing_minutes mail_to slack_url_sealed updated_at',
    },
  },
  { table: 'customers_audience', columns: { other: 'workspace_id event_types' } },
  {
    table: 'integrations',
    columns: {
      other:
        'id workspace_id uuid key name description logo_uri meta parameters revision created_at updated_at archived_at connector_id oauth_callback_uri options_config parameters_sealed',
    },
  },
  {
    table: 'connectors',
    columns: {
      other:
        'id workspace_id uuid key name description meta logo_uri categories definition revision created_at updated_at archived_at is_sealed',
    },
  },
  { table: 'global_webhooks', columns: { other: 'id workspace_id integration_id key webhook_uuid created_at' } },
  {
    table: 'app_event_types',
    columns: {
      other:
        'id workspace_id uuid key name description meta schema example subscribe_request unsubscribe_request tenant_id_formula user_id_formula validate_events webhook_key revision created_at updated_at archived_at secrets_sealed is_sealed payload_retention_days',
    },
  },
  {
    table: 'flows',
    columns: {
      other:
        'id workspace_id integration_id universal_flow_id uuid key name description meta parameters_schema parameters is_enabled auto_create_instances is_ordered concurrency base_version_id custom_nodes is_name_customized version_id universal_flow_revision revision created_at updated_at archived_at is_sealed',
    },
  },
  {
    table: 'flow_history',
    inWorkspace: [{ column: 'flow_id', of: 'flows' }],
    columns: { other: 'flow_id number version_id since changed_by' },
  },
  { table: 'intake_shards', inWorkspace: 'the engine', columns: { other: 'shard stream applied' } },
  { table: 'migrations', inWorkspace: 'the engine', columns: { other: 'name applied_at' } },
  {
    table: 'graphile_worker._private_job_queues',
    inWorkspace: { where: queueOf, before: [] },
    columns: { other: 'id queue_name locked_at locked_by is_available' },
  },
  {
    table: 'graphile_worker._private_known_crontabs',
    inWorkspace: 'the engine',
    columns: { other: 'identifier known_since last_execution' },
  },
  { table: 'graphile_worker._private_tasks', inWorkspace: 'the engine', columns: { other: 'id identifier' } },
  { table: 'graphile_worker.migrations', inWorkspace: 'the engine', columns: { other: 'id ts breaking' } },
  { table: 'payload_cuts', inWorkspace: 'the engine', columns: { other: 'log days until_id looked_back_on' } },
  {
    table: 'payload_cuts_waiting',
    inWorkspace: 'passing',
    columns: { metadata: 'log id' },
    because: 'ids, until what they are of has ended',
  },
  { table: 'payload_rules', inWorkspace: 'the engine', columns: { other: 'is_only fingerprint' } },
]

/** Whose account opens this workspace and no other. */
function onlyMembers(workspaceId: string) {
  const memberships = table('memberships')
  return sql`exists (select from ${memberships} m where m.user_id = t.id and m.workspace_id = ${workspaceId})
    and not exists (select from ${memberships} m where m.user_id = t.id and m.workspace_id <> ${workspaceId})`
}

/** Imports and exports of a workspace are done one after the other. */
function queueOf(workspaceId: string) {
  return sql`t.queue_name like '%' || ${workspaceId}::text and t.locked_at is null
    and not exists (select from ${table('graphile_worker._private_jobs')} j where j.job_queue_id = t.id)`
}
