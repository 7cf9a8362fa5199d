-- Printed from the migrations by `node tidy/print-schema.ts`: what they come to, to be read, not run.

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
  source_id text,
  input text,
  output text,
  status text not null,
  error text,
  logs text,
  meta text,
  duration_ms real not null,
  completed_at timestamp with time zone not null,
  payload_cut_at timestamp with time zone,
  constraint action_run_logs_status_check CHECK ((status = ANY (ARRAY['success'::text, 'error'::text]))),
  constraint action_run_logs_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX action_run_logs_action_id_id_idx ON public.action_run_logs USING btree (action_id, id) WHERE (action_id IS NOT NULL);
CREATE INDEX action_run_logs_connection_id_id_idx ON public.action_run_logs USING btree (connection_id, id) WHERE (connection_id IS NOT NULL);
CREATE INDEX action_run_logs_customer_id_id_idx ON public.action_run_logs USING btree (customer_id, id) WHERE (customer_id IS NOT NULL);
CREATE INDEX action_run_logs_source_id_id_idx ON public.action_run_logs USING btree (source_id, id) WHERE (source_id IS NOT NULL);
CREATE INDEX action_run_logs_workspace_id_id_idx ON public.action_run_logs USING btree (workspace_id, id);

create table actions (
  id uuid not null,
  workspace_id uuid not null,
  integration_id uuid,
  connection_id uuid,
  customer_id uuid,
  parent_id uuid,
  instance_key text not null default ''::text,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  type text not null,
  config json,
  input_schema json,
  output_mapping json,
  custom_output_schema json,
  is_customized boolean not null default true,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  secrets_sealed text,
  is_sealed boolean not null default false,
  constraint actions_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connections(id),
  constraint actions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint actions_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint actions_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES actions(id),
  constraint actions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint actions_pkey PRIMARY KEY (id),
  constraint actions_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX actions_by_age ON public.actions USING btree (workspace_id, id);
CREATE INDEX actions_by_connection ON public.actions USING btree (connection_id, id) WHERE (connection_id IS NOT NULL);
CREATE INDEX actions_by_key ON public.actions USING btree (workspace_id, key);
CREATE INDEX actions_by_parent ON public.actions USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE UNIQUE INDEX actions_key ON public.actions USING btree (workspace_id, COALESCE(connection_id, integration_id, '00000000-0000-0000-0000-000000000000'::uuid), key, instance_key) WHERE (archived_at IS NULL);
CREATE INDEX actions_unsealed ON public.actions USING btree (id) WHERE (NOT is_sealed);

create table alert_settings (
  workspace_id uuid not null,
  flow_failures integer not null,
  backlog_minutes integer not null,
  delivery_failing_minutes integer not null,
  mail_to text[] not null,
  slack_url_sealed text,
  updated_at timestamp with time zone not null,
  constraint alert_settings_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint alert_settings_pkey PRIMARY KEY (workspace_id)
);

create table alerts (
  id uuid not null,
  workspace_id uuid not null,
  key text not null,
  type text not null,
  severity text not null,
  description text not null,
  status text not null,
  customer_id uuid,
  context_key text,
  created_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  resolved_at timestamp with time zone,
  details json,
  constraint alerts_severity_check CHECK ((severity = ANY (ARRAY['warning'::text, 'critical'::text]))),
  constraint alerts_status_check CHECK ((status = ANY (ARRAY['ongoing'::text, 'resolved'::text]))),
  constraint alerts_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint alerts_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX alerts_key ON public.alerts USING btree (workspace_id, key);
CREATE INDEX alerts_ongoing ON public.alerts USING btree (type) WHERE (status = 'ongoing'::text);

create table api_keys (
  id uuid not null,
  workspace_id uuid not null,
  name text not null,
  scope text not null,
  prefix text not null,
  hash bytea not null,
  created_by text,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  constraint api_keys_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint api_keys_pkey PRIMARY KEY (id),
  constraint api_keys_hash_key UNIQUE (hash)
);
CREATE INDEX api_keys_of_workspace ON public.api_keys USING btree (workspace_id, id) WHERE (revoked_at IS NULL);

create table app_event_subscription_requests (
  id uuid not null,
  workspace_id uuid not null,
  subscription_id uuid not null,
  kind text not null,
  trigger text not null,
  request jsonb,
  response jsonb,
  error jsonb,
  duration_ms integer,
  payload_cut_at timestamp with time zone,
  constraint app_event_subscription_requests_kind_check CHECK ((kind = ANY (ARRAY['subscribe'::text, 'unsubscribe'::text]))),
  constraint app_event_subscription_requests_trigger_check CHECK ((trigger = ANY (ARRAY['auto'::text, 'manual'::text]))),
  constraint app_event_subscription_requests_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX app_event_subscription_requests_subscription_id_id_idx ON public.app_event_subscription_requests USING btree (subscription_id, id);

create table app_event_subscriptions (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  app_event_type_id uuid not null,
  instance_key text not null default ''::text,
  webhook_uuid uuid not null,
  is_wanted boolean not null,
  is_manual boolean not null default false,
  status text not null,
  error jsonb,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone,
  subscription_request json,
  subscription_response json,
  response_sealed text,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  constraint app_event_subscriptions_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'subscribed'::text, 'unsubscribed'::text, 'error'::text]))),
  constraint app_event_subscriptions_app_event_type_id_fkey FOREIGN KEY (app_event_type_id) REFERENCES app_event_types(id),
  constraint app_event_subscriptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint app_event_subscriptions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint app_event_subscriptions_pkey PRIMARY KEY (id),
  constraint app_event_subscriptions_app_event_type_id_customer_id_insta_key UNIQUE (app_event_type_id, customer_id, instance_key),
  constraint app_event_subscriptions_webhook_uuid_key UNIQUE (webhook_uuid)
);
CREATE INDEX app_event_subscriptions_by_age ON public.app_event_subscriptions USING btree (workspace_id, id);
CREATE INDEX app_event_subscriptions_by_customer ON public.app_event_subscriptions USING btree (customer_id);

create table app_event_types (
  id uuid not null,
  workspace_id uuid not null,
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
  webhook_key uuid not null,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  secrets_sealed text,
  is_sealed boolean not null default false,
  payload_retention_days integer,
  constraint app_event_types_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint app_event_types_pkey PRIMARY KEY (id),
  constraint app_event_types_webhook_key_key UNIQUE (webhook_key),
  constraint app_event_types_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX app_event_types_by_key ON public.app_event_types USING btree (workspace_id, key);
CREATE UNIQUE INDEX app_event_types_key ON public.app_event_types USING btree (workspace_id, key) WHERE (archived_at IS NULL);
CREATE INDEX app_event_types_unsealed ON public.app_event_types USING btree (id) WHERE (NOT is_sealed);

create table app_events (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  app_event_type_id uuid not null,
  subscription_id uuid,
  payload text not null,
  payload_cut_at timestamp with time zone,
  constraint app_events_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX app_events_customer_id_id_idx ON public.app_events USING btree (customer_id, id);
CREATE INDEX app_events_subscription_id_id_idx ON public.app_events USING btree (subscription_id, id) WHERE (subscription_id IS NOT NULL);

create table audit_anchors (
  workspace_id uuid not null,
  sequence bigint not null,
  hash text not null,
  left_at timestamp with time zone not null,
  constraint audit_anchors_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint audit_anchors_pkey PRIMARY KEY (workspace_id)
);

create table audit_details (
  workspace_id uuid not null,
  sequence bigint not null,
  body text not null,
  constraint audit_details_pkey PRIMARY KEY (workspace_id, sequence)
);

create table audit_heads (
  workspace_id uuid not null,
  sequence bigint not null,
  hash text not null,
  seal text not null,
  constraint audit_heads_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint audit_heads_pkey PRIMARY KEY (workspace_id)
);

create table audit_intents (
  id uuid not null,
  workspace_id uuid not null,
  at timestamp with time zone not null,
  record text not null,
  constraint audit_intents_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint audit_intents_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_intents_by_age ON public.audit_intents USING btree (at);

create table audit_records (
  workspace_id uuid not null,
  sequence bigint not null,
  id uuid not null,
  at timestamp with time zone not null,
  actor_kind text not null,
  actor_id text,
  actor_role text,
  action text not null,
  outcome text not null,
  element_type text not null,
  element_id text,
  customer_id uuid,
  request_id text,
  changed text[] not null,
  details_hash text not null,
  previous_hash text not null,
  hash text not null,
  constraint audit_records_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint audit_records_pkey PRIMARY KEY (workspace_id, sequence)
);
CREATE UNIQUE INDEX audit_records_by_id ON public.audit_records USING btree (workspace_id, id);
CREATE INDEX audit_records_of_actor ON public.audit_records USING btree (workspace_id, actor_id, id) WHERE (actor_id IS NOT NULL);
CREATE INDEX audit_records_of_customer ON public.audit_records USING btree (customer_id) WHERE (customer_id IS NOT NULL);
CREATE INDEX audit_records_of_element ON public.audit_records USING btree (workspace_id, element_id, id) WHERE (element_id IS NOT NULL);

create table background_jobs (
  id uuid not null,
  workspace_id uuid not null,
  kind text not null,
  options json not null,
  status text not null,
  progress json,
  result json,
  error json,
  archive bytea,
  download_key bytea not null,
  created_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  asked_by json,
  constraint background_jobs_kind_check CHECK ((kind = ANY (ARRAY['export'::text, 'import'::text]))),
  constraint background_jobs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'completed'::text, 'failed'::text]))),
  constraint background_jobs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint background_jobs_pkey PRIMARY KEY (id)
);
CREATE INDEX background_jobs_finished ON public.background_jobs USING btree (finished_at) WHERE (finished_at IS NOT NULL);

create table broker_source_states (
  source_id uuid not null,
  state text not null,
  seen_at timestamp with time zone not null,
  connected_at timestamp with time zone,
  error text,
  error_at timestamp with time zone,
  last_message_at timestamp with time zone,
  lag bigint,
  accepted bigint not null,
  refused bigint not null,
  constraint broker_source_states_source_id_fkey FOREIGN KEY (source_id) REFERENCES broker_sources(id) ON DELETE CASCADE,
  constraint broker_source_states_pkey PRIMARY KEY (source_id)
);

create table broker_sources (
  id uuid not null,
  workspace_id uuid not null,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta json,
  app_event_type_id uuid not null,
  url text not null,
  login_sealed text,
  customer_header text,
  id_header text,
  paused_at timestamp with time zone,
  shard smallint not null,
  revision text not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  constraint broker_sources_app_event_type_id_fkey FOREIGN KEY (app_event_type_id) REFERENCES app_event_types(id),
  constraint broker_sources_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint broker_sources_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX broker_sources_key ON public.broker_sources USING btree (workspace_id, key) WHERE (archived_at IS NULL);
CREATE INDEX broker_sources_of_type ON public.broker_sources USING btree (app_event_type_id);
CREATE INDEX broker_sources_to_read ON public.broker_sources USING btree (shard) WHERE ((archived_at IS NULL) AND (paused_at IS NULL));
CREATE UNIQUE INDEX broker_sources_uuid ON public.broker_sources USING btree (workspace_id, uuid);

create table connection_logs (
  id uuid not null,
  workspace_id uuid not null,
  connection_id uuid not null,
  kind text not null,
  is_success boolean not null,
  error json,
  duration_ms integer,
  payload_cut_at timestamp with time zone,
  constraint connection_logs_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX connection_logs_connection_id_id_idx ON public.connection_logs USING btree (connection_id, id);

create table connection_requests (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  request_id text not null,
  link_hash text,
  state_hash text,
  payload_sealed text not null,
  status text not null,
  connection_id uuid,
  error jsonb,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint connection_requests_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'success'::text, 'cancelled'::text, 'error'::text]))),
  constraint connection_requests_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connections(id),
  constraint connection_requests_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint connection_requests_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint connection_requests_pkey PRIMARY KEY (id),
  constraint connection_requests_workspace_id_customer_id_request_id_key UNIQUE (workspace_id, customer_id, request_id)
);
CREATE INDEX connection_requests_by_expiry ON public.connection_requests USING btree (expires_at);
CREATE UNIQUE INDEX connection_requests_link ON public.connection_requests USING btree (link_hash) WHERE (link_hash IS NOT NULL);
CREATE UNIQUE INDEX connection_requests_state ON public.connection_requests USING btree (state_hash) WHERE (state_hash IS NOT NULL);

create table connections (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  integration_id uuid,
  connector_id uuid not null,
  auth_option_key text not null default 'default'::text,
  uuid uuid not null,
  key text,
  name text not null,
  meta jsonb,
  is_test boolean not null default false,
  credentials_sealed text,
  input_sealed text,
  connector_parameters_sealed text,
  credentials_version integer not null default 0,
  credentials_expire_at timestamp with time zone,
  next_credentials_refresh_at timestamp with time zone,
  refresh_lease uuid,
  refresh_lease_until timestamp with time zone,
  is_disconnected boolean not null default false,
  is_defunct boolean not null default false,
  error jsonb,
  retry_attempts integer not null default 0,
  next_retry_at timestamp with time zone,
  last_active_at timestamp with time zone,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  constraint connections_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint connections_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint connections_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint connections_pkey PRIMARY KEY (id),
  constraint connections_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX connections_by_age ON public.connections USING btree (workspace_id, id);
CREATE INDEX connections_by_connector ON public.connections USING btree (connector_id);
CREATE INDEX connections_by_customer ON public.connections USING btree (customer_id, id);
CREATE INDEX connections_by_integration ON public.connections USING btree (integration_id, id) WHERE (integration_id IS NOT NULL);
CREATE UNIQUE INDEX connections_key ON public.connections USING btree (customer_id, key) WHERE ((key IS NOT NULL) AND (archived_at IS NULL));

create table connectors (
  id uuid not null,
  workspace_id uuid not null,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  logo_uri text,
  categories text[] not null default '{}'::text[],
  definition json not null,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  is_sealed boolean not null default false,
  constraint connectors_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint connectors_pkey PRIMARY KEY (id),
  constraint connectors_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX connectors_by_key ON public.connectors USING btree (workspace_id, key);
CREATE UNIQUE INDEX connectors_key ON public.connectors USING btree (workspace_id, key) WHERE (archived_at IS NULL);
CREATE INDEX connectors_unsealed ON public.connectors USING btree (id) WHERE (NOT is_sealed);

create table customers (
  id uuid not null,
  workspace_id uuid not null,
  internal_id text not null,
  name text not null,
  fields jsonb not null default '{}'::jsonb,
  credentials_sealed text,
  meta jsonb,
  is_test boolean not null default false,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  last_active_at timestamp with time zone,
  archived_at timestamp with time zone,
  constraint customers_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint customers_pkey PRIMARY KEY (id),
  constraint customers_workspace_id_internal_id_key UNIQUE (workspace_id, internal_id)
);
CREATE INDEX customers_by_age ON public.customers USING btree (workspace_id, id);

create table customers_audience (
  workspace_id uuid not null,
  event_types text[] not null,
  constraint customers_audience_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint customers_audience_pkey PRIMARY KEY (workspace_id)
);

create table data_elements (
  id uuid not null,
  workspace_id uuid not null,
  kind text not null,
  integration_id uuid,
  connection_id uuid,
  customer_id uuid,
  parent_id uuid,
  instance_key text not null default ''::text,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  content json not null,
  is_customized boolean not null,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  is_sealed boolean not null default false,
  constraint data_elements_kind_check CHECK ((kind = ANY (ARRAY['data-source'::text, 'field-mapping'::text, 'app-data-schema'::text, 'data-link-table'::text]))),
  constraint data_elements_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connections(id),
  constraint data_elements_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint data_elements_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint data_elements_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES data_elements(id),
  constraint data_elements_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint data_elements_pkey PRIMARY KEY (id),
  constraint data_elements_workspace_id_kind_uuid_key UNIQUE (workspace_id, kind, uuid)
);
CREATE INDEX data_elements_by_age ON public.data_elements USING btree (workspace_id, kind, id);
CREATE INDEX data_elements_by_connection ON public.data_elements USING btree (connection_id, id) WHERE (connection_id IS NOT NULL);
CREATE INDEX data_elements_by_key ON public.data_elements USING btree (workspace_id, kind, key);
CREATE INDEX data_elements_by_parent ON public.data_elements USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE UNIQUE INDEX data_elements_key ON public.data_elements USING btree (workspace_id, kind, COALESCE(connection_id, integration_id, customer_id, '00000000-0000-0000-0000-000000000000'::uuid), key, instance_key) WHERE (archived_at IS NULL);
CREATE INDEX data_elements_unsealed ON public.data_elements USING btree (id) WHERE (NOT is_sealed);

create table data_links (
  id uuid not null,
  table_id uuid not null,
  external_record_id text not null,
  app_record_id text not null,
  direction text not null,
  linked_at timestamp with time zone not null,
  constraint data_links_direction_check CHECK ((direction = ANY (ARRAY['import'::text, 'export'::text]))),
  constraint data_links_table_id_fkey FOREIGN KEY (table_id) REFERENCES data_elements(id),
  constraint data_links_pkey PRIMARY KEY (id),
  constraint data_links_table_id_direction_external_record_id_app_record_key UNIQUE (table_id, direction, external_record_id, app_record_id)
);
CREATE INDEX data_links_by_app_record ON public.data_links USING btree (table_id, direction, app_record_id);

create table deliveries (
  id uuid not null,
  workspace_id uuid not null,
  destination_id uuid not null,
  message_id uuid not null,
  event_type text not null,
  customer_id uuid,
  source_id text,
  body text,
  state text not null,
  attempts_made integer not null,
  last_attempt_at timestamp with time zone,
  last_error text,
  settled_at timestamp with time zone not null,
  first_attempt text,
  payload_cut_at timestamp with time zone,
  trace text,
  constraint deliveries_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'exhausted'::text, 'cancelled'::text]))),
  constraint deliveries_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX deliveries_destination_id_id_idx ON public.deliveries USING btree (destination_id, id);
CREATE INDEX deliveries_destination_id_id_idx1 ON public.deliveries USING btree (destination_id, id) WHERE (state = 'exhausted'::text);

create table deliveries_active (
  id uuid not null,
  workspace_id uuid not null,
  destination_id uuid not null,
  message_id uuid not null,
  event_type text not null,
  customer_id uuid,
  source_id text,
  body text,
  attempts_made integer not null default 0,
  last_attempt_at timestamp with time zone,
  last_error text,
  shard smallint not null,
  position bigint not null generated always as identity,
  is_ordered boolean not null,
  group_cap integer not null,
  due_at timestamp with time zone not null,
  held_until timestamp with time zone,
  trace text,
  constraint deliveries_active_pkey PRIMARY KEY (id)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);
CREATE INDEX deliveries_active_lanes ON public.deliveries_active USING btree (shard, destination_id, due_at, "position");

create table delivery_attempts (
  id uuid not null,
  workspace_id uuid not null,
  delivery_id uuid not null,
  destination_id uuid not null,
  number integer,
  trigger text not null,
  replay_id uuid,
  outcome text not null,
  error_class text,
  error text,
  http_status integer,
  duration_ms integer not null,
  request text not null,
  response text,
  next_attempt_at timestamp with time zone,
  constraint delivery_attempts_outcome_check CHECK ((outcome = ANY (ARRAY['acknowledged'::text, 'rejected'::text, 'unreachable'::text, 'forbidden'::text]))),
  constraint delivery_attempts_trigger_check CHECK ((trigger = ANY (ARRAY['auto'::text, 'manual'::text, 'bulk'::text]))),
  constraint delivery_attempts_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX delivery_attempts_delivery_id_id_idx ON public.delivery_attempts USING btree (delivery_id, id);

create table delivery_destinations (
  id uuid not null,
  workspace_id uuid not null,
  kind text not null,
  url text not null,
  secret_sealed text not null,
  previous_secret_sealed text,
  previous_secret_until timestamp with time zone,
  headers_sealed text,
  concurrency integer not null,
  throttle_per_second double precision,
  is_ordered boolean not null default false,
  schedule_ms integer[],
  state text not null,
  paused_reason text,
  paused_at timestamp with time zone,
  failing_since timestamp with time zone,
  last_success_at timestamp with time zone,
  last_failure_at timestamp with time zone,
  warned_percent integer not null default 0,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  customer_id uuid,
  constraint delivery_destinations_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'archived'::text]))),
  constraint delivery_destinations_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint delivery_destinations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint delivery_destinations_pkey PRIMARY KEY (id)
);
CREATE INDEX delivery_destinations_failing ON public.delivery_destinations USING btree (failing_since) WHERE (failing_since IS NOT NULL);
CREATE INDEX delivery_destinations_of_customers ON public.delivery_destinations USING btree (customer_id) WHERE (customer_id IS NOT NULL);

create table delivery_replays (
  id uuid not null,
  workspace_id uuid not null,
  filter json not null,
  rate_per_second double precision not null,
  state text not null,
  total integer not null,
  succeeded integer not null default 0,
  failed integer not null default 0,
  done_until uuid,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint delivery_replays_state_check CHECK ((state = ANY (ARRAY['running'::text, 'completed'::text, 'cancelled'::text]))),
  constraint delivery_replays_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint delivery_replays_pkey PRIMARY KEY (id)
);
CREATE INDEX delivery_replays_by_age ON public.delivery_replays USING btree (workspace_id, id);

create table erasure_items (
  erasure_id uuid not null,
  kind text not null,
  item text not null,
  constraint erasure_items_erasure_id_fkey FOREIGN KEY (erasure_id) REFERENCES erasures(id),
  constraint erasure_items_pkey PRIMARY KEY (erasure_id, kind, item)
);

create table erasures (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  keeps_customer boolean not null,
  name_hashes text[] not null default '{}'::text[],
  status text not null,
  phase text not null,
  asked_by json not null,
  work json not null default '{}'::json,
  stopped json not null default '{}'::json,
  counts json not null default '{}'::json,
  started_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  constraint erasures_phase_check CHECK ((phase = ANY (ARRAY['stopping'::text, 'erasing'::text, 'done'::text]))),
  constraint erasures_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text]))),
  constraint erasures_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint erasures_pkey PRIMARY KEY (id)
);
CREATE INDEX erasures_by_age ON public.erasures USING btree (workspace_id, id);
CREATE INDEX erasures_by_customer ON public.erasures USING btree (customer_id);
CREATE INDEX erasures_by_name ON public.erasures USING gin (name_hashes) WHERE (name_hashes <> '{}'::text[]);
CREATE UNIQUE INDEX erasures_running ON public.erasures USING btree (customer_id, keeps_customer) WHERE (status = 'running'::text);

create table event_wait_keys (
  key uuid not null,
  id uuid not null,
  customer_id uuid not null,
  constraint event_wait_keys_pkey PRIMARY KEY (key, id)
);
CREATE INDEX event_wait_keys_by_age ON public.event_wait_keys USING btree (id);

create table external_api_logs (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  integration_id uuid,
  connection_id uuid not null,
  source_id text,
  method text not null,
  request_uri text not null,
  status_code integer,
  is_success boolean not null,
  duration_ms real not null,
  request text not null,
  response text,
  error text,
  payload_cut_at timestamp with time zone,
  constraint external_api_logs_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX external_api_logs_connection_id_id_idx ON public.external_api_logs USING btree (connection_id, id);
CREATE INDEX external_api_logs_customer_id_id_idx ON public.external_api_logs USING btree (customer_id, id);
CREATE INDEX external_api_logs_source_id_id_idx ON public.external_api_logs USING btree (source_id, id) WHERE (source_id IS NOT NULL);
CREATE INDEX external_api_logs_workspace_id_id_idx ON public.external_api_logs USING btree (workspace_id, id);

create table external_event_keys (
  subscription_id uuid not null,
  key bytea not null,
  event_id uuid not null,
  expires_at timestamp with time zone not null,
  constraint external_event_keys_pkey PRIMARY KEY (subscription_id, key)
);
CREATE INDEX external_event_keys_expired ON public.external_event_keys USING btree (expires_at);

create table external_event_pulls (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid not null,
  integration_id uuid,
  subscription_id uuid not null,
  status text not null,
  strategy text not null,
  started_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  event_ids uuid[] not null default '{}'::uuid[],
  error text,
  telemetry text,
  logs text,
  payload_cut_at timestamp with time zone,
  constraint external_event_pulls_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'success'::text, 'error'::text]))),
  constraint external_event_pulls_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX external_event_pulls_connection_id_id_idx ON public.external_event_pulls USING btree (connection_id, id);
CREATE INDEX external_event_pulls_customer_id_id_idx ON public.external_event_pulls USING btree (customer_id, id);
CREATE INDEX external_event_pulls_subscription_id_id_idx ON public.external_event_pulls USING btree (subscription_id, id);
CREATE INDEX external_event_pulls_workspace_id_id_idx ON public.external_event_pulls USING btree (workspace_id, id);

create table external_event_subscriptions (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid not null,
  integration_id uuid,
  external_event_type_id uuid,
  event_key text,
  parameters json not null default '{}'::json,
  parameters_hash text not null,
  name text not null,
  webhook_uuid uuid not null,
  webhook_uri text,
  is_wanted boolean not null,
  is_manual boolean not null,
  status text not null,
  error jsonb,
  is_registered boolean not null default false,
  wants_resubscribe boolean not null default false,
  wants_refresh boolean not null default false,
  state_sealed text,
  state_version integer not null default 0,
  subscribed_by text,
  attempts integer not null default 0,
  next_attempt_at timestamp with time zone,
  next_refresh_at timestamp with time zone,
  refresh_due_at timestamp with time zone,
  refresh_attempts integer not null default 0,
  global_webhook_key text,
  global_webhook_selector text,
  is_live boolean not null default true,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  pull_strategy text,
  pull_interval_seconds integer,
  pull_due_at timestamp with time zone,
  is_sealed boolean not null default false,
  constraint external_event_subscriptions_check CHECK (((external_event_type_id IS NULL) <> (event_key IS NULL))),
  constraint external_event_subscriptions_status_check CHECK ((status = ANY (ARRAY['subscribed'::text, 'unsubscribed'::text, 'error'::text]))),
  constraint external_event_subscriptions_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connections(id),
  constraint external_event_subscriptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint external_event_subscriptions_external_event_type_id_fkey FOREIGN KEY (external_event_type_id) REFERENCES external_event_types(id),
  constraint external_event_subscriptions_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint external_event_subscriptions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint external_event_subscriptions_pkey PRIMARY KEY (id),
  constraint external_event_subscriptions_webhook_uuid_key UNIQUE (webhook_uuid)
);
CREATE INDEX external_event_subscriptions_by_age ON public.external_event_subscriptions USING btree (workspace_id, id);
CREATE INDEX external_event_subscriptions_by_connection ON public.external_event_subscriptions USING btree (connection_id);
CREATE INDEX external_event_subscriptions_by_customer ON public.external_event_subscriptions USING btree (customer_id, id);
CREATE INDEX external_event_subscriptions_by_selector ON public.external_event_subscriptions USING btree (integration_id, global_webhook_key, global_webhook_selector) WHERE (global_webhook_key IS NOT NULL);
CREATE INDEX external_event_subscriptions_by_type ON public.external_event_subscriptions USING btree (external_event_type_id) WHERE (external_event_type_id IS NOT NULL);
CREATE INDEX external_event_subscriptions_due ON public.external_event_subscriptions USING btree (refresh_due_at) WHERE ((refresh_due_at IS NOT NULL) AND (archived_at IS NULL));
CREATE UNIQUE INDEX external_event_subscriptions_shared ON public.external_event_subscriptions USING btree (connection_id, event_key, parameters_hash) WHERE ((event_key IS NOT NULL) AND (NOT is_manual) AND (archived_at IS NULL));
CREATE INDEX external_event_subscriptions_to_pull ON public.external_event_subscriptions USING btree (pull_due_at) WHERE (pull_due_at IS NOT NULL);
CREATE INDEX external_event_subscriptions_unsealed ON public.external_event_subscriptions USING btree (id) WHERE (NOT is_sealed);

create table external_event_types (
  id uuid not null,
  workspace_id uuid not null,
  integration_id uuid,
  connection_id uuid,
  parent_id uuid,
  root_id uuid not null,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  type text not null default 'webhook'::text,
  parameters_schema json,
  schema json,
  example json,
  subscribe json,
  handle json,
  unsubscribe json,
  refresh json,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  dedupe_key json,
  payload_retention_days integer,
  is_sealed boolean not null default false,
  constraint external_event_types_type_check CHECK ((type = 'webhook'::text)),
  constraint external_event_types_connection_id_fkey FOREIGN KEY (connection_id) REFERENCES connections(id),
  constraint external_event_types_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint external_event_types_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES external_event_types(id),
  constraint external_event_types_root_id_fkey FOREIGN KEY (root_id) REFERENCES external_event_types(id),
  constraint external_event_types_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint external_event_types_pkey PRIMARY KEY (id),
  constraint external_event_types_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX external_event_types_by_key ON public.external_event_types USING btree (workspace_id, key);
CREATE INDEX external_event_types_by_root ON public.external_event_types USING btree (root_id);
CREATE UNIQUE INDEX external_event_types_key ON public.external_event_types USING btree (workspace_id, COALESCE(connection_id, integration_id, '00000000-0000-0000-0000-000000000000'::uuid), key) WHERE (archived_at IS NULL);
CREATE UNIQUE INDEX external_event_types_scope ON public.external_event_types USING btree (root_id, COALESCE(connection_id, integration_id, '00000000-0000-0000-0000-000000000000'::uuid)) WHERE (archived_at IS NULL);
CREATE INDEX external_event_types_unsealed ON public.external_event_types USING btree (id) WHERE (NOT is_sealed);

create table external_events (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid not null,
  integration_id uuid,
  subscription_id uuid not null,
  incoming_webhook_id uuid,
  payload text not null,
  delivery_id uuid,
  payload_cut_at timestamp with time zone,
  constraint external_events_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX external_events_customer_id_id_idx ON public.external_events USING btree (customer_id, id);
CREATE INDEX external_events_subscription_id_id_idx ON public.external_events USING btree (subscription_id, id);

create table external_subscription_steps (
  id uuid not null,
  connection_id uuid not null,
  shard smallint not null,
  position bigint not null generated always as identity,
  journal_sealed text,
  due_at timestamp with time zone not null,
  constraint external_subscription_steps_id_fkey FOREIGN KEY (id) REFERENCES external_event_subscriptions(id),
  constraint external_subscription_steps_pkey PRIMARY KEY (id)
) with (fillfactor=80);
CREATE INDEX external_subscription_steps_lanes ON public.external_subscription_steps USING btree (shard, connection_id, due_at, "position");

create table flow_history (
  flow_id uuid not null,
  number integer not null,
  version_id uuid not null,
  since timestamp with time zone not null,
  changed_by text,
  constraint flow_history_flow_id_fkey FOREIGN KEY (flow_id) REFERENCES flows(id) ON DELETE CASCADE,
  constraint flow_history_version_id_fkey FOREIGN KEY (version_id) REFERENCES flow_versions(id),
  constraint flow_history_pkey PRIMARY KEY (flow_id, number)
);

create table flow_instance_external_triggers (
  flow_instance_id uuid not null,
  node_key text not null,
  external_event_subscription_id uuid not null,
  constraint flow_instance_external_trigge_external_event_subscription__fkey FOREIGN KEY (external_event_subscription_id) REFERENCES external_event_subscriptions(id),
  constraint flow_instance_external_triggers_flow_instance_id_fkey FOREIGN KEY (flow_instance_id) REFERENCES flow_instances(id),
  constraint flow_instance_external_triggers_pkey PRIMARY KEY (flow_instance_id, node_key)
);
CREATE INDEX flow_instance_external_triggers_by_subscription ON public.flow_instance_external_triggers USING btree (external_event_subscription_id);

create table flow_instance_triggers (
  flow_instance_id uuid not null,
  node_key text not null,
  app_event_type_id uuid not null,
  customer_id uuid not null,
  app_event_subscription_id uuid not null,
  constraint flow_instance_triggers_app_event_subscription_id_fkey FOREIGN KEY (app_event_subscription_id) REFERENCES app_event_subscriptions(id),
  constraint flow_instance_triggers_flow_instance_id_fkey FOREIGN KEY (flow_instance_id) REFERENCES flow_instances(id),
  constraint flow_instance_triggers_pkey PRIMARY KEY (flow_instance_id, node_key)
);
CREATE INDEX flow_instance_triggers_by_customer ON public.flow_instance_triggers USING btree (customer_id, app_event_type_id);
CREATE INDEX flow_instance_triggers_by_subscription ON public.flow_instance_triggers USING btree (app_event_subscription_id);

create table flow_instance_waits (
  flow_instance_id uuid not null,
  node_key text not null,
  app_event_subscription_id uuid,
  external_event_subscription_id uuid,
  app_event_type_id uuid,
  customer_id uuid not null,
  field text not null,
  constraint flow_instance_waits_check CHECK (((app_event_subscription_id IS NULL) <> (external_event_subscription_id IS NULL))),
  constraint flow_instance_waits_app_event_subscription_id_fkey FOREIGN KEY (app_event_subscription_id) REFERENCES app_event_subscriptions(id),
  constraint flow_instance_waits_external_event_subscription_id_fkey FOREIGN KEY (external_event_subscription_id) REFERENCES external_event_subscriptions(id),
  constraint flow_instance_waits_flow_instance_id_fkey FOREIGN KEY (flow_instance_id) REFERENCES flow_instances(id),
  constraint flow_instance_waits_pkey PRIMARY KEY (flow_instance_id, node_key)
);
CREATE INDEX flow_instance_waits_by_external ON public.flow_instance_waits USING btree (external_event_subscription_id) WHERE (external_event_subscription_id IS NOT NULL);
CREATE INDEX flow_instance_waits_by_subscription ON public.flow_instance_waits USING btree (app_event_subscription_id) WHERE (app_event_subscription_id IS NOT NULL);

create table flow_instances (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid,
  integration_id uuid,
  flow_id uuid,
  universal_flow_id uuid,
  instance_key text not null default ''::text,
  uuid uuid not null,
  key text,
  name text not null,
  description text,
  meta jsonb,
  parameters json,
  is_enabled boolean not null,
  is_ordered boolean not null default false,
  concurrency integer,
  base_version_id uuid,
  custom_nodes json,
  is_name_customized boolean not null default false,
  version_id uuid not null,
  flow_revision uuid,
  universal_flow_revision uuid,
  state text not null,
  errors jsonb,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  is_sealed boolean not null default false,
  constraint flow_instances_state_check CHECK ((state = ANY (ARRAY['READY'::text, 'SETUP_FAILED'::text, 'CONFIGURATION_ERROR'::text]))),
  constraint flow_instances_base_version_id_fkey FOREIGN KEY (base_version_id) REFERENCES flow_versions(id),
  constraint flow_instances_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint flow_instances_flow_id_fkey FOREIGN KEY (flow_id) REFERENCES flows(id),
  constraint flow_instances_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint flow_instances_universal_flow_id_fkey FOREIGN KEY (universal_flow_id) REFERENCES flows(id),
  constraint flow_instances_version_id_fkey FOREIGN KEY (version_id) REFERENCES flow_versions(id),
  constraint flow_instances_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint flow_instances_pkey PRIMARY KEY (id),
  constraint flow_instances_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX flow_instances_by_age ON public.flow_instances USING btree (workspace_id, id);
CREATE INDEX flow_instances_by_connection ON public.flow_instances USING btree (connection_id) WHERE (connection_id IS NOT NULL);
CREATE INDEX flow_instances_by_customer ON public.flow_instances USING btree (customer_id, id);
CREATE UNIQUE INDEX flow_instances_selector ON public.flow_instances USING btree (flow_id, customer_id, COALESCE(connection_id, '00000000-0000-0000-0000-000000000000'::uuid), instance_key) WHERE ((archived_at IS NULL) AND (flow_id IS NOT NULL));
CREATE INDEX flow_instances_unsealed ON public.flow_instances USING btree (id) WHERE ((NOT is_sealed) AND ((parameters IS NOT NULL) OR (custom_nodes IS NOT NULL)));

create table flow_node_runs (
  id uuid not null,
  run_id uuid not null,
  node_key text not null,
  path text not null,
  status text not null,
  item text,
  outputs text,
  errors text,
  logs text,
  started_at timestamp with time zone not null,
  ended_at timestamp with time zone not null,
  attempts smallint not null default 1,
  next text,
  constraint flow_node_runs_status_check CHECK ((status = ANY (ARRAY['completed'::text, 'failed'::text, 'skipped'::text]))),
  constraint flow_node_runs_pkey PRIMARY KEY (run_id, id)
) partition by RANGE (id);

create table flow_run_batches (
  id uuid not null,
  owner integer not null,
  run_ids uuid[] not null,
  workspace_ids uuid[] not null,
  customer_ids uuid[] not null,
  connection_ids uuid[] not null,
  integration_ids uuid[] not null,
  flow_instance_ids uuid[] not null,
  flow_ids uuid[] not null,
  universal_flow_ids uuid[] not null,
  version_ids uuid[] not null,
  start_node_keys text[] not null,
  app_event_ids uuid[] not null,
  launched_by text[] not null,
  group_caps integer[] not null,
  constraint flow_run_batches_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);

create table flow_run_news (
  position bigint not null generated always as identity,
  run_id uuid not null,
  workspace_id uuid not null,
  event_type text not null,
  constraint flow_run_news_pkey PRIMARY KEY ("position")
);

create table flow_run_waits (
  run_id uuid not null,
  path text not null,
  customer_id uuid not null,
  key uuid not null,
  about text not null,
  event_id uuid,
  constraint flow_run_waits_pkey PRIMARY KEY (run_id, path)
);
CREATE INDEX flow_run_waits_by_key ON public.flow_run_waits USING btree (key) WHERE (event_id IS NULL);

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
  state text not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone not null,
  errors json,
  node_counts json,
  node_runs text,
  payload_cut_at timestamp with time zone,
  constraint flow_runs_state_check CHECK ((state = ANY (ARRAY['completed'::text, 'failed'::text, 'stopped'::text]))),
  constraint flow_runs_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX flow_runs_app_event_id_idx ON public.flow_runs USING btree (app_event_id) WHERE (app_event_id IS NOT NULL);
CREATE INDEX flow_runs_customer_id_id_idx ON public.flow_runs USING btree (customer_id, id);
CREATE INDEX flow_runs_flow_instance_id_id_idx ON public.flow_runs USING btree (flow_instance_id, id);
CREATE INDEX flow_runs_workspace_id_id_idx1 ON public.flow_runs USING btree (workspace_id, id) WHERE (state = 'failed'::text);

create table flow_runs_active (
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
  state text not null,
  started_at timestamp with time zone,
  shard smallint not null,
  lane_id uuid not null,
  position bigint not null generated always as identity,
  is_ordered boolean not null,
  group_cap integer not null,
  due_at timestamp with time zone not null,
  held_until timestamp with time zone,
  waiting json,
  constraint flow_runs_active_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text]))),
  constraint flow_runs_active_pkey PRIMARY KEY (id)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_cost_delay=0);
CREATE INDEX flow_runs_active_by_event ON public.flow_runs_active USING btree (app_event_id) WHERE (app_event_id IS NOT NULL);
CREATE INDEX flow_runs_active_lanes ON public.flow_runs_active USING btree (shard, lane_id, due_at, "position");

create table flow_schedules (
  flow_instance_id uuid not null,
  node_key text not null,
  cron text not null,
  time_zone text not null,
  next_at timestamp with time zone not null,
  constraint flow_schedules_flow_instance_id_fkey FOREIGN KEY (flow_instance_id) REFERENCES flow_instances(id),
  constraint flow_schedules_pkey PRIMARY KEY (flow_instance_id, node_key)
);

create table flow_versions (
  id uuid not null,
  workspace_id uuid not null,
  hash text not null,
  nodes json not null,
  secrets_sealed text,
  is_sealed boolean not null default false,
  constraint flow_versions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint flow_versions_pkey PRIMARY KEY (id),
  constraint flow_versions_workspace_id_hash_key UNIQUE (workspace_id, hash)
);
CREATE INDEX flow_versions_unsealed ON public.flow_versions USING btree (id) WHERE (NOT is_sealed);

create table flows (
  id uuid not null,
  workspace_id uuid not null,
  integration_id uuid,
  universal_flow_id uuid,
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
  base_version_id uuid,
  custom_nodes json,
  is_name_customized boolean not null default false,
  version_id uuid not null,
  universal_flow_revision uuid,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  is_sealed boolean not null default false,
  constraint flows_base_version_id_fkey FOREIGN KEY (base_version_id) REFERENCES flow_versions(id),
  constraint flows_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint flows_universal_flow_id_fkey FOREIGN KEY (universal_flow_id) REFERENCES flows(id),
  constraint flows_version_id_fkey FOREIGN KEY (version_id) REFERENCES flow_versions(id),
  constraint flows_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint flows_pkey PRIMARY KEY (id),
  constraint flows_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX flows_by_key ON public.flows USING btree (workspace_id, key);
CREATE INDEX flows_by_universal ON public.flows USING btree (universal_flow_id) WHERE (universal_flow_id IS NOT NULL);
CREATE UNIQUE INDEX flows_key ON public.flows USING btree (workspace_id, COALESCE(integration_id, '00000000-0000-0000-0000-000000000000'::uuid), key) WHERE (archived_at IS NULL);
CREATE INDEX flows_unsealed ON public.flows USING btree (id) WHERE ((NOT is_sealed) AND ((parameters IS NOT NULL) OR (custom_nodes IS NOT NULL)));

create table function_calls (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid,
  integration_id uuid,
  connection_id uuid,
  owner_id text not null,
  slot text not null,
  source_id text,
  outcome text not null,
  error text,
  logs text,
  cpu_ms real not null,
  duration_ms real not null,
  host_calls smallint not null,
  payload_cut_at timestamp with time zone,
  constraint function_calls_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX function_calls_owner_id_id_idx ON public.function_calls USING btree (owner_id, id);
CREATE INDEX function_calls_source_id_id_idx ON public.function_calls USING btree (source_id, id) WHERE (source_id IS NOT NULL);

create table global_webhooks (
  id uuid not null,
  workspace_id uuid not null,
  integration_id uuid not null,
  key text not null,
  webhook_uuid uuid not null,
  created_at timestamp with time zone not null,
  constraint global_webhooks_integration_id_fkey FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint global_webhooks_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint global_webhooks_pkey PRIMARY KEY (id),
  constraint global_webhooks_integration_id_key_key UNIQUE (integration_id, key),
  constraint global_webhooks_webhook_uuid_key UNIQUE (webhook_uuid)
);

create table incoming_webhooks (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid,
  integration_id uuid,
  connection_id uuid,
  subscription_id uuid,
  global_webhook_id uuid,
  method text not null,
  query text,
  headers text not null,
  secrets_sealed text,
  body bytea not null,
  status text not null,
  error text,
  response_status smallint,
  response text,
  duration_ms real,
  function_call_id uuid,
  event_ids uuid[] not null default '{}'::uuid[],
  replay_of uuid,
  repeated_event_ids uuid[],
  payload_cut_at timestamp with time zone,
  constraint incoming_webhooks_status_check CHECK ((status = ANY (ARRAY['success'::text, 'error'::text]))),
  constraint incoming_webhooks_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX incoming_webhooks_customer_id_id_idx ON public.incoming_webhooks USING btree (customer_id, id) WHERE (customer_id IS NOT NULL);
CREATE INDEX incoming_webhooks_subscription_id_id_idx ON public.incoming_webhooks USING btree (subscription_id, id) WHERE (subscription_id IS NOT NULL);
CREATE INDEX incoming_webhooks_workspace_id_id_idx1 ON public.incoming_webhooks USING btree (workspace_id, id) WHERE (status = 'error'::text);

create table incoming_webhooks_active (
  id uuid not null,
  workspace_id uuid not null,
  lane_id uuid not null,
  shard smallint not null,
  position bigint not null generated always as identity,
  is_global boolean not null,
  request_sealed text not null,
  due_at timestamp with time zone not null,
  constraint incoming_webhooks_active_pkey PRIMARY KEY (id)
);
CREATE INDEX incoming_webhooks_active_lanes ON public.incoming_webhooks_active USING btree (shard, lane_id, due_at, "position");

create table ingress_answers (
  url_key uuid not null,
  scope text not null,
  status integer not null,
  answer json not null,
  created_at timestamp with time zone not null,
  constraint ingress_answers_pkey PRIMARY KEY (url_key, scope)
);
CREATE INDEX ingress_answers_by_age ON public.ingress_answers USING btree (created_at);

create table intake_catalogue_changes (
  sequence bigint not null generated always as identity,
  kind text not null,
  row_id uuid not null,
  gone_name text,
  constraint intake_catalogue_changes_pkey PRIMARY KEY (sequence)
);

create table intake_set_aside (
  id uuid not null,
  workspace_id uuid,
  shard integer not null,
  sequence bigint not null,
  entry bytea not null,
  error text not null,
  tries integer not null,
  constraint intake_set_aside_pkey PRIMARY KEY (id)
);
CREATE INDEX intake_set_aside_workspace_id_id_idx ON public.intake_set_aside USING btree (workspace_id, id);

create table intake_shards (
  shard integer not null,
  stream text not null,
  applied bigint not null,
  constraint intake_shards_pkey PRIMARY KEY (shard)
);

create table integrations (
  id uuid not null,
  workspace_id uuid not null,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  logo_uri text,
  meta jsonb,
  parameters json,
  revision uuid not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  connector_id uuid,
  oauth_callback_uri text,
  options_config json,
  parameters_sealed text,
  constraint integrations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint integrations_pkey PRIMARY KEY (id),
  constraint integrations_workspace_id_uuid_key UNIQUE (workspace_id, uuid)
);
CREATE INDEX integrations_by_key ON public.integrations USING btree (workspace_id, key);
CREATE UNIQUE INDEX integrations_key ON public.integrations USING btree (workspace_id, key) WHERE (archived_at IS NULL);

create table invitations (
  id uuid not null,
  kind text not null,
  workspace_id uuid not null,
  email text not null,
  role text,
  hash bytea not null,
  invited_by text not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint invitations_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint invitations_pkey PRIMARY KEY (id),
  constraint invitations_hash_key UNIQUE (hash)
);
CREATE INDEX invitations_of_email ON public.invitations USING btree (email);
CREATE INDEX invitations_of_workspace ON public.invitations USING btree (workspace_id, id);

create table memberships (
  workspace_id uuid not null,
  user_id uuid not null,
  role text not null,
  created_at timestamp with time zone not null,
  constraint memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint memberships_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint memberships_pkey PRIMARY KEY (workspace_id, user_id)
);
CREATE INDEX memberships_of_user ON public.memberships USING btree (user_id);

create table migrations (
  name text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (name)
);

create table notification_endpoints (
  id uuid not null,
  workspace_id uuid not null,
  name text not null,
  event_types text[] not null,
  is_workspace_webhook boolean not null default false,
  archived_at timestamp with time zone,
  customer_id uuid,
  constraint notification_endpoints_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers(id),
  constraint notification_endpoints_id_fkey FOREIGN KEY (id) REFERENCES delivery_destinations(id),
  constraint notification_endpoints_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint notification_endpoints_pkey PRIMARY KEY (id)
);
CREATE INDEX notification_endpoints_by_workspace ON public.notification_endpoints USING btree (workspace_id) WHERE (customer_id IS NULL);
CREATE INDEX notification_endpoints_of_customers ON public.notification_endpoints USING btree (customer_id) WHERE (customer_id IS NOT NULL);
CREATE UNIQUE INDEX notification_endpoints_workspace_webhook ON public.notification_endpoints USING btree (workspace_id) WHERE (is_workspace_webhook AND (archived_at IS NULL));

create table payload_cuts (
  log text not null,
  days integer not null,
  until_id uuid not null,
  looked_back_on integer not null,
  constraint payload_cuts_pkey PRIMARY KEY (log, days)
);

create table payload_cuts_waiting (
  log text not null,
  id uuid not null,
  constraint payload_cuts_waiting_pkey PRIMARY KEY (log, id)
);

create table payload_rules (
  is_only boolean not null default true,
  fingerprint text not null,
  constraint payload_rules_is_only_check CHECK (is_only),
  constraint payload_rules_pkey PRIMARY KEY (is_only)
);

create table pulls_active (
  id uuid not null,
  pull_id uuid not null,
  connection_id uuid not null,
  shard smallint not null,
  due_at timestamp with time zone not null,
  position bigint not null generated always as identity,
  failures integer not null default 0,
  constraint pulls_active_id_fkey FOREIGN KEY (id) REFERENCES external_event_subscriptions(id),
  constraint pulls_active_pkey PRIMARY KEY (id)
);
CREATE INDEX pulls_active_lanes ON public.pulls_active USING btree (shard, connection_id, due_at, "position");

create table record_snapshots (
  subscription_id uuid not null,
  record_id text not null,
  hash bytea not null,
  scan integer not null,
  constraint record_snapshots_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES external_event_subscriptions(id),
  constraint record_snapshots_pkey PRIMARY KEY (subscription_id, record_id)
) with (fillfactor=80);

create table refused_requests (
  id uuid not null,
  workspace_id uuid,
  customer_id uuid,
  claimed_id text,
  element_id text,
  reason text not null,
  status integer not null,
  message text not null,
  method text not null,
  path text not null,
  address text not null,
  excerpt text,
  not_kept integer not null,
  payload_cut_at timestamp with time zone,
  constraint refused_requests_pkey PRIMARY KEY (id)
) partition by RANGE (id);
CREATE INDEX refused_requests_of_customer ON public.refused_requests USING btree (customer_id, id) WHERE (customer_id IS NOT NULL);
CREATE INDEX refused_requests_of_workspace ON public.refused_requests USING btree (workspace_id, id);

create table user_sessions (
  id uuid not null,
  user_id uuid not null,
  workspace_id uuid not null,
  hash bytea not null,
  is_pending boolean not null,
  is_sso boolean not null,
  tries integer not null default 0,
  address text not null,
  browser text not null,
  created_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint user_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint user_sessions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id),
  constraint user_sessions_pkey PRIMARY KEY (id),
  constraint user_sessions_hash_key UNIQUE (hash)
);
CREATE INDEX user_sessions_by_end ON public.user_sessions USING btree (expires_at);
CREATE INDEX user_sessions_of_user ON public.user_sessions USING btree (user_id);

create table users (
  id uuid not null,
  email text not null,
  name text not null,
  password_hash text,
  sso_issuer text,
  sso_subject text,
  totp_sealed text,
  totp_pending_sealed text,
  totp_step bigint,
  recovery_hashes text[] not null default '{}'::text[],
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint users_pkey PRIMARY KEY (id),
  constraint users_email_key UNIQUE (email),
  constraint users_sso_issuer_sso_subject_key UNIQUE (sso_issuer, sso_subject)
);

create table workspace_counts (
  workspace_id uuid not null,
  kind text not null,
  slot smallint not null,
  count bigint not null,
  constraint workspace_counts_pkey PRIMARY KEY (workspace_id, kind, slot)
);

create table workspace_deletions (
  id uuid not null,
  workspace_id uuid not null,
  key text not null,
  status text not null,
  phase text not null,
  asked_by json not null,
  work json not null default '{}'::json,
  stopped json not null default '{}'::json,
  counts json not null default '{}'::json,
  audit_sequence bigint,
  audit_hash text,
  started_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  constraint workspace_deletions_phase_check CHECK ((phase = ANY (ARRAY['stopping'::text, 'erasing'::text, 'done'::text]))),
  constraint workspace_deletions_status_check CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text]))),
  constraint workspace_deletions_pkey PRIMARY KEY (id),
  constraint workspace_deletions_workspace_id_key UNIQUE (workspace_id)
);

create table workspace_usage (
  workspace_id uuid not null,
  day date not null,
  slot smallint not null,
  events bigint not null,
  bytes bigint not null,
  constraint workspace_usage_pkey PRIMARY KEY (workspace_id, day, slot)
);

create table workspaces (
  id uuid not null,
  key text not null,
  name text not null,
  secret_sealed text not null,
  public_keys jsonb not null default '[]'::jsonb,
  jwks_uri text,
  app_base_uri text,
  logo_uri text,
  webhook_uri text,
  enabled_webhook_events text[] not null default '{}'::text[],
  settings jsonb not null default '{}'::jsonb,
  type text not null default 'production'::text,
  is_example boolean not null default false,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  archived_at timestamp with time zone,
  is_main boolean not null default false,
  quotas json not null default '{}'::json,
  constraint workspaces_type_check CHECK ((type = ANY (ARRAY['production'::text, 'development'::text]))),
  constraint workspaces_pkey PRIMARY KEY (id),
  constraint workspaces_key_key UNIQUE (key)
);
CREATE UNIQUE INDEX workspaces_main ON public.workspaces USING btree (is_main) WHERE is_main;

create view event_inputs as
SELECT app_events.id,
    app_events.payload,
    app_events.payload_cut_at
   FROM app_events
UNION ALL
 SELECT external_events.id,
    external_events.payload,
    external_events.payload_cut_at
   FROM external_events;

create view external_event_sources as
SELECT s.webhook_uuid,
    s.id AS subscription_id,
    s.workspace_id,
    s.customer_id,
    s.connection_id,
    s.integration_id,
    s.archived_at IS NOT NULL AS is_archived,
    s.is_wanted,
    s.is_live,
    s.parameters,
    s.state_sealed,
    s.state_version,
    s.event_key,
    s.global_webhook_key,
    s.global_webhook_selector,
    s.webhook_uri IS NOT NULL AS has_destination,
    d.is_ordered,
    d.concurrency,
    t.root_id,
    COALESCE(c.handle, i.handle, u.handle) AS handle,
        CASE
            WHEN c.handle IS NOT NULL THEN c.id
            WHEN i.handle IS NOT NULL THEN i.id
            ELSE u.id
        END AS handle_type_id,
    n.connector_id,
    COALESCE(c.dedupe_key, i.dedupe_key, u.dedupe_key) AS dedupe_key
   FROM external_event_subscriptions s
     JOIN connections n ON n.id = s.connection_id
     LEFT JOIN delivery_destinations d ON d.id = s.id
     LEFT JOIN external_event_types t ON t.id = s.external_event_type_id
     LEFT JOIN external_event_types u ON u.id = t.root_id
     LEFT JOIN external_event_types i ON i.root_id = t.root_id AND i.integration_id = s.integration_id AND i.connection_id IS NULL AND i.id <> t.root_id AND i.archived_at IS NULL
     LEFT JOIN external_event_types c ON c.root_id = t.root_id AND c.connection_id = s.connection_id AND c.id <> t.root_id AND c.archived_at IS NULL;

create view external_wait_fields as
SELECT external_event_subscription_id AS subscription_id,
    field
   FROM flow_instance_waits
  WHERE external_event_subscription_id IS NOT NULL;

create view flow_run_audience as
SELECT workspace_id,
    array_agg(DISTINCT type) AS event_types
   FROM ( SELECT notification_endpoints.workspace_id,
            unnest(notification_endpoints.event_types) AS type
           FROM notification_endpoints
          WHERE notification_endpoints.archived_at IS NULL AND notification_endpoints.customer_id IS NULL
        UNION ALL
         SELECT customers_audience.workspace_id,
            unnest(customers_audience.event_types) AS unnest
           FROM customers_audience) a
  WHERE type ~~ 'flowRun.%'::text
  GROUP BY workspace_id;

create view flow_runs_in_batches as
SELECT r.id,
    r.workspace_id,
    r.customer_id,
    r.connection_id,
    r.integration_id,
    r.flow_instance_id,
    r.flow_id,
    r.universal_flow_id,
    r.version_id,
    r.start_node_key,
    r.app_event_id,
    r.launched_by,
    r.group_cap,
    b.id AS batch_id,
    b.owner
   FROM flow_run_batches b
     CROSS JOIN LATERAL UNNEST(b.run_ids, b.workspace_ids, b.customer_ids, b.connection_ids, b.integration_ids, b.flow_instance_ids, b.flow_ids, b.universal_flow_ids, b.version_ids, b.start_node_keys, b.app_event_ids, b.launched_by, b.group_caps) r(id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id, start_node_key, app_event_id, launched_by, group_cap)
  WHERE (( SELECT true
           FROM flow_runs_active a
          WHERE a.id = r.id)) IS NULL AND (( SELECT true
           FROM flow_runs f
          WHERE f.id = r.id)) IS NULL;

create view flow_runs_open as
SELECT flow_runs_active.id,
    flow_runs_active.workspace_id,
    flow_runs_active.customer_id,
    flow_runs_active.connection_id,
    flow_runs_active.integration_id,
    flow_runs_active.flow_instance_id,
    flow_runs_active.flow_id,
    flow_runs_active.universal_flow_id,
    flow_runs_active.version_id,
    flow_runs_active.start_node_key,
    flow_runs_active.app_event_id,
    flow_runs_active.input,
    flow_runs_active.launched_by,
    flow_runs_active.meta,
    flow_runs_active.state,
    flow_runs_active.started_at,
    COALESCE(flow_runs_active.held_until, flow_runs_active.due_at) AS due_at
   FROM flow_runs_active
UNION ALL
 SELECT flow_runs_in_batches.id,
    flow_runs_in_batches.workspace_id,
    flow_runs_in_batches.customer_id,
    flow_runs_in_batches.connection_id,
    flow_runs_in_batches.integration_id,
    flow_runs_in_batches.flow_instance_id,
    flow_runs_in_batches.flow_id,
    flow_runs_in_batches.universal_flow_id,
    flow_runs_in_batches.version_id,
    flow_runs_in_batches.start_node_key,
    flow_runs_in_batches.app_event_id,
    NULL::text AS input,
    flow_runs_in_batches.launched_by,
    NULL::json AS meta,
    'queued'::text AS state,
    NULL::timestamp with time zone AS started_at,
    NULL::timestamp with time zone AS due_at
   FROM flow_runs_in_batches;

create view intake_catalogue as
SELECT 'subscription'::text AS kind,
    s.id AS row_id,
    s.webhook_uuid::text AS name,
    json_build_object('webhookUuid', s.webhook_uuid, 'subscriptionId', s.id, 'workspaceId', s.workspace_id, 'customerId', s.customer_id, 'appEventTypeId', s.app_event_type_id, 'webhookKey', t.webhook_key, 'isArchived', s.archived_at IS NOT NULL, 'isCustomerArchived', c.archived_at IS NOT NULL) AS entry
   FROM app_event_subscriptions s
     JOIN app_event_types t ON t.id = s.app_event_type_id
     JOIN customers c ON c.id = s.customer_id
UNION ALL
 SELECT 'type'::text AS kind,
    t.id AS row_id,
    t.webhook_key::text AS name,
    json_build_object('id', t.id, 'workspaceId', t.workspace_id, 'tenantIdFormula', t.tenant_id_formula, 'userIdFormula', t.user_id_formula, 'validateEvents', t.validate_events, 'schema',
        CASE
            WHEN t.validate_events THEN t.schema
            ELSE NULL::json
        END, 'webhookKey', t.webhook_key, 'revision', t.revision, 'archivedAt', t.archived_at) AS entry
   FROM app_event_types t
UNION ALL
 SELECT 'customer'::text AS kind,
    c.id AS row_id,
    (c.workspace_id::text || ' '::text) || c.internal_id AS name,
    json_build_object('id', c.id, 'isArchived', c.archived_at IS NOT NULL) AS entry
   FROM customers c
UNION ALL
 SELECT 'workspace'::text AS kind,
    w.id AS row_id,
    w.key AS name,
    json_build_object('id', w.id, 'key', w.key, 'name', w.name, 'secretSealed', w.secret_sealed, 'publicKeys', w.public_keys, 'jwksUri', w.jwks_uri, 'appBaseUri', w.app_base_uri, 'logoUri', w.logo_uri, 'webhookUri', w.webhook_uri, 'enabledWebhookEvents', w.enabled_webhook_events, 'settings', w.settings, 'type', w.type, 'isExample', w.is_example, 'createdAt', w.created_at, 'updatedAt', w.updated_at, 'archivedAt', w.archived_at) AS entry
   FROM workspaces w
UNION ALL
 SELECT 'external'::text AS kind,
    s.id AS row_id,
    s.webhook_uuid::text AS name,
    json_build_object('workspaceId', s.workspace_id, 'customerId', s.customer_id, 'id', s.id) AS entry
   FROM external_event_subscriptions s
UNION ALL
 SELECT 'global'::text AS kind,
    g.id AS row_id,
    g.webhook_uuid::text AS name,
    json_build_object('workspaceId', g.workspace_id, 'customerId', NULL::unknown, 'id', g.integration_id) AS entry
   FROM global_webhooks g;

create view message_bodies as
SELECT id,
    payload AS body,
    payload_cut_at
   FROM external_events;

create view subscription_sources as
SELECT s.webhook_uuid,
    s.id AS subscription_id,
    s.workspace_id,
    s.customer_id,
    s.app_event_type_id,
    s.archived_at IS NOT NULL AS is_archived,
    c.archived_at IS NOT NULL AS is_customer_archived,
    t.archived_at IS NOT NULL AS is_type_archived,
    t.validate_events,
    t.schema,
    t.revision AS type_revision
   FROM app_event_subscriptions s
     JOIN app_event_types t ON t.id = s.app_event_type_id
     JOIN customers c ON c.id = s.customer_id;

create view wanted_external_runs as
SELECT t.external_event_subscription_id AS subscription_id,
    t.node_key,
    i.customer_id,
    i.id AS flow_instance_id,
    i.connection_id,
    i.integration_id,
    i.flow_id,
    i.universal_flow_id,
    i.version_id,
    i.is_ordered,
    i.concurrency
   FROM flow_instance_external_triggers t
     JOIN flow_instances i ON i.id = t.flow_instance_id;

create view wanted_runs as
SELECT s.id AS subscription_id,
    s.app_event_type_id,
    s.customer_id,
    s.instance_key,
    t.node_key,
    i.id AS flow_instance_id,
    i.connection_id,
    i.integration_id,
    i.flow_id,
    i.universal_flow_id,
    i.version_id,
    i.is_ordered,
    i.concurrency,
    s.webhook_uuid,
    a.webhook_key,
    ( SELECT array_agg(DISTINCT w.field) AS array_agg
           FROM flow_instance_waits w
          WHERE w.app_event_subscription_id = s.id) AS wait_fields
   FROM app_event_subscriptions s
     LEFT JOIN app_event_types a ON a.id = s.app_event_type_id
     LEFT JOIN flow_instance_triggers t ON t.app_event_subscription_id = s.id
     LEFT JOIN flow_instances i ON i.id = t.flow_instance_id
  WHERE s.archived_at IS NULL;
