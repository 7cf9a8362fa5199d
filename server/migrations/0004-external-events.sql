-- The incoming half: connectors and connections to external apps, customers' functions and their calls, external event
-- types and subscriptions, incoming webhooks and the events that come of them, actions and their runs.
-- What may hold formulas is `json`; what came from outside is `text` or `bytea`; secrets are sealed.

-- Connectors of a workspace. Ready-made ones are files of the engine and have no row.
create table connectors (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  logo_uri text,
  categories text[] not null default '{}',
  -- auth options, makeApiClient, test, disconnect, response handlers, events, global webhooks, operations, parametersSchema
  definition json not null,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index connectors_key on connectors (workspace_id, key) where archived_at is null;

-- An integration configures a connector; its parameters may be secret (an OAuth client's secret).
alter table integrations add column connector_id uuid;
alter table integrations add column oauth_callback_uri text;
alter table integrations add column options_config json;
alter table integrations add column parameters_sealed text;

-- Global webhooks of connectors: one URL per integration, shared by all its connections.
create table global_webhooks (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  integration_id uuid not null references integrations,
  key text not null,
  webhook_uuid uuid not null unique,
  created_at timestamptz not null,
  unique (integration_id, key)
);

create table connections (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  customer_id uuid not null references customers,
  integration_id uuid references integrations,
  connector_id uuid not null,
  auth_option_key text not null default 'default',
  uuid uuid not null,
  key text,
  name text not null,
  meta jsonb,
  is_test boolean not null default false,
  credentials_sealed text,
  input_sealed text,
  connector_parameters_sealed text,
  -- grows with every change of the credentials: who refreshes tells by it that somebody else already did
  credentials_version integer not null default 0,
  credentials_expire_at timestamptz,
  next_credentials_refresh_at timestamptz,
  -- who refreshes the credentials just now, and until when the others wait for it
  refresh_lease uuid,
  refresh_lease_until timestamptz,
  is_disconnected boolean not null default false,
  is_defunct boolean not null default false,
  error jsonb,
  retry_attempts integer not null default 0,
  next_retry_at timestamptz,
  last_active_at timestamptz,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index connections_key on connections (customer_id, key) where key is not null and archived_at is null;
create index connections_by_customer on connections (customer_id, id);
create index connections_by_integration on connections (integration_id, id) where integration_id is not null;
create index connections_by_age on connections (workspace_id, id);
create index connections_by_connector on connections (connector_id);

-- Somebody is connecting an app: the state of an OAuth redirect, and what came of it.
create table connection_requests (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  customer_id uuid not null references customers,
  -- chosen by the client, or made for it; names the request to who waits for it
  request_id text not null,
  -- of the address of its page, as a hash; null where it has none
  link_hash text,
  -- what the redirect must bring back, as a hash; null once it was used
  state_hash text,
  -- what was asked for, the PKCE verifier, tokens of OAuth 1
  payload_sealed text not null,
  status text not null check (status in ('pending', 'success', 'cancelled', 'error')),
  connection_id uuid references connections,
  error jsonb,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  unique (workspace_id, customer_id, request_id)
);
create unique index connection_requests_link on connection_requests (link_hash) where link_hash is not null;
create unique index connection_requests_state on connection_requests (state_hash) where state_hash is not null;
create index connection_requests_by_expiry on connection_requests (expires_at);

-- What was tried to keep a connection alive: connecting, refreshing, tests, disconnecting.
create table connection_logs (
  id uuid not null,
  workspace_id uuid not null,
  connection_id uuid not null,
  kind text not null,
  is_success boolean not null,
  error json,
  duration_ms integer,
  primary key (id)
) partition by range (id);
create table connection_logs_default partition of connection_logs default;
create index on connection_logs (connection_id, id);

-- Every call of a function that users wrote.
create table function_calls (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid,
  integration_id uuid,
  connection_id uuid,
  -- ids of the wire: whose function it is, and on behalf of what it was called
  owner_id text not null,
  slot text not null,
  source_id text,
  outcome text not null,
  error text,
  logs text,
  cpu_ms real not null,
  duration_ms real not null,
  host_calls smallint not null,
  primary key (id)
) partition by range (id);
create table function_calls_default partition of function_calls default;
create index on function_calls (workspace_id, id);
create index on function_calls (owner_id, id);
create index on function_calls (source_id, id) where source_id is not null;

-- Every request that was sent to an external app with a connection's credentials; secrets masked.
create table external_api_logs (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  integration_id uuid,
  connection_id uuid not null,
  -- the function call, flow run, action run or incoming request that sent it, as an id of the wire
  source_id text,
  method text not null,
  request_uri text not null,
  status_code integer,
  is_success boolean not null,
  duration_ms real not null,
  request text not null,
  response text,
  error text,
  primary key (id)
) partition by range (id);
create table external_api_logs_default partition of external_api_logs default;
create index on external_api_logs (workspace_id, id);
create index on external_api_logs (connection_id, id);
create index on external_api_logs (customer_id, id);
create index on external_api_logs (source_id, id) where source_id is not null;

create table external_event_types (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  -- none: universal. A connection's type has its connection's integration too.
  integration_id uuid references integrations,
  connection_id uuid references connections,
  parent_id uuid references external_event_types,
  -- the top of its chain; itself where it has no parent
  root_id uuid not null references external_event_types,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  type text not null default 'webhook' check (type = 'webhook'),
  -- where null and there is a parent, the parent's counts
  parameters_schema json,
  schema json,
  example json,
  subscribe json,
  handle json,
  unsubscribe json,
  refresh json,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index external_event_types_key on external_event_types
  (workspace_id, coalesce(connection_id, integration_id, '00000000-0000-0000-0000-000000000000'), key)
  where archived_at is null;
create unique index external_event_types_scope on external_event_types
  (root_id, coalesce(connection_id, integration_id, '00000000-0000-0000-0000-000000000000')) where archived_at is null;
create index external_event_types_by_root on external_event_types (root_id);

create table external_event_subscriptions (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  customer_id uuid not null references customers,
  connection_id uuid not null references connections,
  integration_id uuid references integrations,
  -- either an external event type (the top of its chain is what counts) …
  external_event_type_id uuid references external_event_types,
  -- … or an event of the connection's connector
  event_key text,
  parameters json not null default '{}',
  -- of the parameters: subscriptions of flows are shared by it
  parameters_hash text not null,
  name text not null,
  -- the unguessable part of the URL that the external app posts to
  webhook_uuid uuid not null unique,
  -- where events are posted; its destination has the subscription's id
  webhook_uri text,
  -- what should be, and what is as far as the external app said
  is_wanted boolean not null,
  is_manual boolean not null,
  status text not null check (status in ('subscribed', 'unsubscribed', 'error')),
  error jsonb,
  -- whether the external app has a registration that `unsubscribe` has to take back
  is_registered boolean not null default false,
  -- it is to be registered anew
  wants_resubscribe boolean not null default false,
  wants_refresh boolean not null default false,
  state_sealed text,
  -- grows with every change of the state: a change that was computed from an older one is computed again
  state_version integer not null default 0,
  -- of the function that registered: where it is another one now, a resubscribe is offered
  subscribed_by text,
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  next_refresh_at timestamptz,
  -- the moment before next_refresh_at at which it is refreshed
  refresh_due_at timestamptz,
  refresh_attempts integer not null default 0,
  global_webhook_key text,
  global_webhook_selector text,
  -- false while its customer, connection or type is archived
  is_live boolean not null default true,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  check ((external_event_type_id is null) <> (event_key is null))
);
create unique index external_event_subscriptions_shared on external_event_subscriptions
  (connection_id, event_key, parameters_hash) where event_key is not null and not is_manual and archived_at is null;
create index external_event_subscriptions_by_connection on external_event_subscriptions (connection_id);
create index external_event_subscriptions_by_customer on external_event_subscriptions (customer_id, id);
create index external_event_subscriptions_by_type on external_event_subscriptions (external_event_type_id)
  where external_event_type_id is not null;
create index external_event_subscriptions_by_age on external_event_subscriptions (workspace_id, id);
create index external_event_subscriptions_due on external_event_subscriptions (refresh_due_at)
  where refresh_due_at is not null and archived_at is null;
create index external_event_subscriptions_by_selector on external_event_subscriptions
  (integration_id, global_webhook_key, global_webhook_selector) where global_webhook_key is not null;

-- What is to be done at external apps about subscriptions: one row per subscription while there is something. The
-- journal holds the answers that `subscribe` got so far, so that after a crash or a failure it goes on where it stood
-- instead of registering a second time.
create table external_subscription_steps (
  id uuid primary key references external_event_subscriptions,
  connection_id uuid not null,
  shard smallint not null,
  position bigint generated always as identity,
  journal_sealed text,
  due_at timestamptz not null
) with (fillfactor = 80);
create index external_subscription_steps_lanes on external_subscription_steps (shard, connection_id, due_at, position);

-- What came in at the URLs that external apps post to.
create table incoming_webhooks (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid,
  integration_id uuid,
  connection_id uuid,
  subscription_id uuid,
  global_webhook_id uuid,
  method text not null,
  -- without the secret part of the URL; in both, values of secret names are masked
  query text,
  -- JSON text
  headers text not null,
  -- what is masked, for a replay
  secrets_sealed text,
  body bytea not null,
  status text not null check (status in ('success', 'error')),
  error text,
  response_status smallint,
  response text,
  duration_ms real,
  function_call_id uuid,
  event_ids uuid[] not null default '{}',
  -- the one it repeats
  replay_of uuid,
  primary key (id)
) partition by range (id);
create table incoming_webhooks_default partition of incoming_webhooks default;
create index on incoming_webhooks (workspace_id, id);
create index on incoming_webhooks (subscription_id, id) where subscription_id is not null;
create index on incoming_webhooks (connection_id, id) where connection_id is not null;
create index on incoming_webhooks (customer_id, id) where customer_id is not null;
create index on incoming_webhooks (workspace_id, id) where status = 'error';

-- Answered before its `handle` had settled: kept here until it has, so that a crash does not lose it.
create table incoming_webhooks_active (
  id uuid primary key,
  workspace_id uuid not null,
  -- the subscription or the global webhook
  lane_id uuid not null,
  shard smallint not null,
  position bigint generated always as identity,
  is_global boolean not null,
  -- everything that `handle` is given
  request_sealed text not null,
  due_at timestamptz not null
);
create index incoming_webhooks_active_lanes on incoming_webhooks_active (shard, lane_id, due_at, position);

create table external_events (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid not null,
  integration_id uuid,
  subscription_id uuid not null,
  incoming_webhook_id uuid,
  -- JSON text
  payload text not null,
  delivery_id uuid,
  primary key (id)
) partition by range (id);
create table external_events_default partition of external_events default;
create index on external_events (workspace_id, id);
create index on external_events (subscription_id, id);
create index on external_events (customer_id, id);
create index on external_events (connection_id, id);

-- The connector events that enabled instances wait for.
create table flow_instance_external_triggers (
  flow_instance_id uuid not null references flow_instances,
  node_key text not null,
  external_event_subscription_id uuid not null references external_event_subscriptions,
  primary key (flow_instance_id, node_key)
);
create index flow_instance_external_triggers_by_subscription
  on flow_instance_external_triggers (external_event_subscription_id);
create index flow_instances_by_connection on flow_instances (connection_id) where connection_id is not null;

create or replace view event_inputs as
  select id, payload from app_events union all select id, payload from external_events;

-- Who wants the events of a subscription.
create view wanted_external_runs as
  select t.external_event_subscription_id as subscription_id, t.node_key, i.customer_id,
         i.id as flow_instance_id, i.connection_id, i.integration_id, i.flow_id, i.universal_flow_id,
         i.version_id, i.is_ordered, i.concurrency
    from flow_instance_external_triggers t
    join flow_instances i on i.id = t.flow_instance_id;

-- What an external app's webhook URL stands for, with the functions that apply to its connection: of a chain of types,
-- the narrowest that has one.
create view external_event_sources as
  select s.webhook_uuid, s.id as subscription_id, s.workspace_id, s.customer_id, s.connection_id, s.integration_id,
         s.archived_at is not null as is_archived, s.is_wanted, s.is_live, s.parameters, s.state_sealed, s.state_version,
         s.event_key, s.global_webhook_key, s.global_webhook_selector, s.webhook_uri is not null as has_destination, d.is_ordered, d.concurrency,
         t.root_id, coalesce(c.handle, i.handle, u.handle) as handle,
         case when c.handle is not null then c.id when i.handle is not null then i.id else u.id end as handle_type_id,
         n.connector_id
    from external_event_subscriptions s
    join connections n on n.id = s.connection_id
    left join delivery_destinations d on d.id = s.id
    left join external_event_types t on t.id = s.external_event_type_id
    left join external_event_types u on u.id = t.root_id
    left join external_event_types i on i.root_id = t.root_id and i.integration_id = s.integration_id
          and i.connection_id is null and i.id <> t.root_id and i.archived_at is null
    left join external_event_types c on c.root_id = t.root_id and c.connection_id = s.connection_id
          and c.id <> t.root_id and c.archived_at is null;

create table actions (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  integration_id uuid references integrations,
  -- a connection's action has its connection's integration and customer too
  connection_id uuid references connections,
  customer_id uuid references customers,
  parent_id uuid references actions,
  instance_key text not null default '',
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  -- where not customized, the content is the parent's: it is written here whenever the parent changes
  type text not null,
  config json,
  input_schema json,
  output_mapping json,
  custom_output_schema json,
  is_customized boolean not null default true,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, uuid)
);
create unique index actions_key on actions
  (workspace_id, coalesce(connection_id, integration_id, '00000000-0000-0000-0000-000000000000'), key, instance_key)
  where archived_at is null;
create index actions_by_parent on actions (parent_id) where parent_id is not null;
create index actions_by_connection on actions (connection_id, id) where connection_id is not null;
create index actions_by_age on actions (workspace_id, id);

create table action_run_logs (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid,
  action_id uuid,
  action_name text not null,
  universal_action_id uuid,
  integration_action_id uuid,
  connection_action_id uuid,
  integration_id uuid,
  connection_id uuid,
  -- the flow run that ran it, as an id of the wire
  source_id text,
  input text,
  output text,
  status text not null check (status in ('success', 'error')),
  error text,
  logs text,
  meta text,
  duration_ms real not null,
  completed_at timestamptz not null,
  primary key (id)
) partition by range (id);
create table action_run_logs_default partition of action_run_logs default;
create index on action_run_logs (workspace_id, id);
create index on action_run_logs (action_id, id) where action_id is not null;
create index on action_run_logs (connection_id, id) where connection_id is not null;
create index on action_run_logs (customer_id, id) where customer_id is not null;
create index on action_run_logs (source_id, id) where source_id is not null;
