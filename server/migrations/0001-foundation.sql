-- Workspaces, customers, what they define about internal events and flows, and the logs of what happened.
-- What may hold formulas is `json`, never `jsonb`: the order of keys is part of a formula's meaning.
-- Growing tables are partitioned by day on their UUIDv7 id; the partitions are made by the engine.

create table workspaces (
  id uuid primary key,
  key text not null unique,
  name text not null,
  secret_sealed text not null,
  public_keys jsonb not null default '[]',
  jwks_uri text,
  app_base_uri text,
  logo_uri text,
  webhook_uri text,
  enabled_webhook_events text[] not null default '{}',
  settings jsonb not null default '{}',
  type text not null default 'production' check (type in ('production', 'development')),
  is_example boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz
);

create table customers (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  internal_id text not null,
  name text not null,
  fields jsonb not null default '{}',
  credentials_sealed text,
  meta jsonb,
  is_test boolean not null default false,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_active_at timestamptz,
  archived_at timestamptz,
  unique (workspace_id, internal_id)
);
create index customers_by_age on customers (workspace_id, id);

create table integrations (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  logo_uri text,
  meta jsonb,
  parameters json,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index integrations_key on integrations (workspace_id, key) where archived_at is null;

create table app_event_types (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  schema json,
  example json,
  subscribe_request json,
  unsubscribe_request json,
  tenant_id_formula json,
  user_id_formula json,
  validate_events boolean not null default false,
  webhook_key uuid not null unique,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index app_event_types_key on app_event_types (workspace_id, key) where archived_at is null;

create table app_event_subscriptions (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  customer_id uuid not null references customers,
  app_event_type_id uuid not null references app_event_types,
  -- '' where none was given, so that the unique rule holds
  instance_key text not null default '',
  webhook_uuid uuid not null unique,
  -- what should be: asked for by a flow or by hand
  is_wanted boolean not null,
  is_manual boolean not null default false,
  -- what is, as far as the application said
  status text not null check (status in ('pending', 'subscribed', 'unsubscribed', 'error')),
  error jsonb,
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  -- as shown: secrets masked
  subscription_request json,
  subscription_response json,
  -- as received, for the formulas of the unsubscribe request
  response_sealed text,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (app_event_type_id, customer_id, instance_key)
);
create index app_event_subscriptions_by_customer on app_event_subscriptions (customer_id);
create index app_event_subscriptions_by_age on app_event_subscriptions (workspace_id, id);

create table app_event_subscription_requests (
  id uuid not null,
  workspace_id uuid not null,
  subscription_id uuid not null,
  kind text not null check (kind in ('subscribe', 'unsubscribe')),
  trigger text not null check (trigger in ('auto', 'manual')),
  request jsonb,
  response jsonb,
  error jsonb,
  duration_ms integer,
  primary key (id)
) partition by range (id);
create table app_event_subscription_requests_default partition of app_event_subscription_requests default;
create index on app_event_subscription_requests (subscription_id, id);

-- What a flow consists of, stored once per content: instances and runs point to it.
create table flow_versions (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  hash text not null,
  nodes json not null,
  unique (workspace_id, hash)
);

-- Universal flows (no integration) and integration-level flows.
create table flows (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  integration_id uuid references integrations,
  universal_flow_id uuid references flows,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  parameters_schema json,
  parameters json,
  is_enabled boolean not null default true,
  auto_create_instances boolean not null default false,
  is_ordered boolean not null default false,
  concurrency integer,
  -- the nodes a non-customised copy follows, and its own nodes laid over them
  base_version_id uuid references flow_versions,
  custom_nodes json,
  is_name_customized boolean not null default false,
  version_id uuid not null references flow_versions,
  universal_flow_revision uuid,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index flows_key on flows (workspace_id, coalesce(integration_id, '00000000-0000-0000-0000-000000000000'), key)
  where archived_at is null;
create index flows_by_universal on flows (universal_flow_id) where universal_flow_id is not null;

create table flow_instances (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  customer_id uuid not null references customers,
  connection_id uuid,
  integration_id uuid references integrations,
  flow_id uuid references flows,
  universal_flow_id uuid references flows,
  instance_key text not null default '',
  uuid uuid not null,
  key text,
  name text not null,
  description text,
  meta jsonb,
  parameters json,
  is_enabled boolean not null,
  is_ordered boolean not null default false,
  concurrency integer,
  base_version_id uuid references flow_versions,
  custom_nodes json,
  is_name_customized boolean not null default false,
  version_id uuid not null references flow_versions,
  flow_revision uuid,
  universal_flow_revision uuid,
  state text not null check (state in ('READY', 'SETUP_FAILED', 'CONFIGURATION_ERROR')),
  errors jsonb,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index flow_instances_selector on flow_instances
  (flow_id, customer_id, coalesce(connection_id, '00000000-0000-0000-0000-000000000000'), instance_key)
  where archived_at is null and flow_id is not null;
create index flow_instances_by_customer on flow_instances (customer_id, id);
create index flow_instances_by_age on flow_instances (workspace_id, id);

-- The event triggers of enabled instances: what an event is joined to when it is accepted.
create table flow_instance_triggers (
  flow_instance_id uuid not null references flow_instances,
  node_key text not null,
  app_event_type_id uuid not null,
  customer_id uuid not null,
  app_event_subscription_id uuid not null references app_event_subscriptions,
  primary key (flow_instance_id, node_key)
);
create index flow_instance_triggers_by_subscription on flow_instance_triggers (app_event_subscription_id);
create index flow_instance_triggers_by_customer on flow_instance_triggers (customer_id, app_event_type_id);

create table flow_schedules (
  flow_instance_id uuid not null references flow_instances,
  node_key text not null,
  cron text not null,
  time_zone text not null,
  next_at timestamptz not null,
  primary key (flow_instance_id, node_key)
);

create table app_events (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  app_event_type_id uuid not null,
  subscription_id uuid,
  -- JSON text as it came in: kept to the byte for single events
  payload text not null,
  primary key (id)
) partition by range (id);
create table app_events_default partition of app_events default;
create index on app_events (workspace_id, id);
create index on app_events (customer_id, id);
create index on app_events (subscription_id, id);

-- Answers given to requests that carried an idempotency key, for 24 hours.
create table ingress_answers (
  url_key uuid not null,
  -- the customer of the token and the key: customers' keys must not meet
  scope text not null,
  status integer not null,
  answer json not null,
  created_at timestamptz not null,
  primary key (url_key, scope)
);
create index ingress_answers_by_age on ingress_answers (created_at);

-- Runs that are not finished. Small and busy: a run leaves it for `flow_runs` the moment it is final, in
-- one statement, so that exactly one ending is recorded and the big table is only ever appended to.
create table flow_runs_active (
  id uuid primary key,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid,
  integration_id uuid,
  flow_instance_id uuid not null,
  flow_id uuid,
  universal_flow_id uuid,
  version_id uuid not null,
  start_node_key text not null,
  app_event_id uuid,
  -- JSON text; null where the input is the event's payload
  input text,
  launched_by text not null,
  meta json,
  state text not null check (state in ('queued', 'running')),
  started_at timestamptz,
  shard smallint not null,
  lane_id uuid not null,
  position bigint generated always as identity,
  is_ordered boolean not null,
  group_cap integer not null,
  -- when it may start; in a strictly ordered lane always 1970, so that position alone gives the order
  due_at timestamptz not null,
  -- an ordered run that waits to be tried again holds up those behind it until then
  held_until timestamptz,
  -- tries made per node run that waits for another one
  waiting json
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index flow_runs_active_lanes on flow_runs_active (shard, lane_id, due_at, position);
create index flow_runs_active_by_instance on flow_runs_active (flow_instance_id);
create index flow_runs_active_by_event on flow_runs_active (app_event_id) where app_event_id is not null;

create table flow_runs (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid,
  integration_id uuid,
  flow_instance_id uuid not null,
  flow_id uuid,
  universal_flow_id uuid,
  version_id uuid not null,
  start_node_key text not null,
  app_event_id uuid,
  input text,
  launched_by text not null,
  meta json,
  state text not null check (state in ('completed', 'failed', 'stopped')),
  started_at timestamptz,
  ended_at timestamptz not null,
  -- json, because jsonb refuses characters that a receiver may well send
  errors json,
  node_counts json,
  primary key (id)
) partition by range (id);
create table flow_runs_default partition of flow_runs default;
create index on flow_runs (workspace_id, id);
create index on flow_runs (customer_id, id);
create index on flow_runs (flow_instance_id, id);
create index on flow_runs (app_event_id) where app_event_id is not null;
create index on flow_runs (workspace_id, id) where state = 'failed';

-- Finished node runs: the record people read and the checkpoint a run resumes from.
create table flow_node_runs (
  id uuid not null,
  run_id uuid not null,
  node_key text not null,
  -- where in the run it stands: its parent's path, the output it was fed and its node
  path text not null,
  status text not null check (status in ('completed', 'failed', 'skipped')),
  -- JSON texts; outputs are null where it only hands on what it was fed
  item text,
  outputs text,
  errors text,
  logs text,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  attempts smallint not null default 1,
  primary key (id)
) partition by range (id);
create table flow_node_runs_default partition of flow_node_runs default;
create index on flow_node_runs (run_id, id);

-- What a per-customer webhook URL stands for, in one place.
create view subscription_sources as
  select s.webhook_uuid, s.id as subscription_id, s.workspace_id, s.customer_id, s.app_event_type_id,
         s.archived_at is not null as is_archived, c.archived_at is not null as is_customer_archived,
         t.archived_at is not null as is_type_archived, t.validate_events, t.schema, t.revision as type_revision
    from app_event_subscriptions s
    join app_event_types t on t.id = s.app_event_type_id
    join customers c on c.id = s.customer_id;

-- Every stream of events with the enabled flows that want it; a stream that no flow wants has one row without a flow.
create view wanted_runs as
  select s.id as subscription_id, s.app_event_type_id, s.customer_id, s.instance_key, t.node_key,
         i.id as flow_instance_id, i.connection_id, i.integration_id, i.flow_id, i.universal_flow_id,
         i.version_id, i.is_ordered, i.concurrency
    from app_event_subscriptions s
    left join flow_instance_triggers t on t.app_event_subscription_id = s.id
    left join flow_instances i on i.id = t.flow_instance_id
   where s.archived_at is null;

-- The input of runs that events launched.
create view event_inputs as select id, payload from app_events;
