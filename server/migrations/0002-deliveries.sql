-- What leaves: destinations with their health, deliveries and their attempts, the workspace's notification
-- endpoints, replays, alerts. The news of runs waits in a table of its own to be made into notifications.

-- Where messages go. Whoever owns a destination (a notification endpoint, later an event subscription) makes it.
create table delivery_destinations (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  kind text not null,
  url text not null,
  secret_sealed text not null,
  previous_secret_sealed text,
  previous_secret_until timestamptz,
  headers_sealed text,
  concurrency integer not null,
  throttle_per_second double precision,
  is_ordered boolean not null default false,
  -- waits between attempts in milliseconds; null for the usual ones
  schedule_ms integer[],
  state text not null check (state in ('active', 'paused', 'archived')),
  paused_reason text,
  paused_at timestamptz,
  -- the first failure that no success has followed
  failing_since timestamptz,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  -- how far towards being paused its owner was warned, in percent
  warned_percent integer not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- Deliveries that are not settled. Small and busy, like the runs that are not finished.
create table deliveries_active (
  id uuid primary key,
  workspace_id uuid not null,
  destination_id uuid not null,
  -- stable over retries and replays; the same for all destinations of one message
  message_id uuid not null,
  event_type text not null,
  customer_id uuid,
  source_id text,
  -- the bytes that are sent
  body text not null,
  attempts_made integer not null default 0,
  last_attempt_at timestamptz,
  last_error text,
  shard smallint not null,
  position bigint generated always as identity,
  is_ordered boolean not null,
  group_cap integer not null,
  due_at timestamptz not null,
  held_until timestamptz
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index deliveries_active_lanes on deliveries_active (shard, destination_id, due_at, position);
create index deliveries_active_by_age on deliveries_active (workspace_id, id);

create table deliveries (
  id uuid not null,
  workspace_id uuid not null,
  destination_id uuid not null,
  message_id uuid not null,
  event_type text not null,
  customer_id uuid,
  source_id text,
  body text not null,
  state text not null check (state in ('succeeded', 'exhausted', 'cancelled')),
  attempts_made integer not null,
  last_attempt_at timestamptz,
  last_error text,
  settled_at timestamptz not null,
  primary key (id)
) partition by range (id);
create table deliveries_default partition of deliveries default;
create index on deliveries (workspace_id, id);
create index on deliveries (destination_id, id);
create index on deliveries (destination_id, id) where state = 'exhausted';

create table delivery_attempts (
  id uuid not null,
  workspace_id uuid not null,
  delivery_id uuid not null,
  destination_id uuid not null,
  -- counted for automatic attempts only
  number integer,
  trigger text not null check (trigger in ('auto', 'manual', 'bulk')),
  replay_id uuid,
  outcome text not null check (outcome in ('acknowledged', 'rejected', 'unreachable', 'forbidden')),
  error_class text,
  error text,
  http_status integer,
  duration_ms integer not null,
  -- JSON texts, secrets masked
  request text not null,
  response text,
  next_attempt_at timestamptz,
  primary key (id)
) partition by range (id);
create table delivery_attempts_default partition of delivery_attempts default;
create index on delivery_attempts (delivery_id, id);

create table delivery_replays (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  filter json not null,
  rate_per_second double precision not null,
  state text not null check (state in ('running', 'completed', 'cancelled')),
  total integer not null,
  succeeded integer not null default 0,
  failed integer not null default 0,
  -- deliveries up to this one are done
  done_until uuid,
  created_at timestamptz not null,
  ended_at timestamptz
);
create index delivery_replays_by_age on delivery_replays (workspace_id, id);

create table notification_endpoints (
  -- the id of its destination
  id uuid primary key references delivery_destinations,
  workspace_id uuid not null references workspaces,
  name text not null,
  event_types text[] not null,
  -- the one that stands for the workspace's webhookUri
  is_workspace_webhook boolean not null default false,
  archived_at timestamptz
);
create unique index notification_endpoints_workspace_webhook on notification_endpoints (workspace_id)
  where is_workspace_webhook and archived_at is null;
create index notification_endpoints_by_workspace on notification_endpoints (workspace_id);

create table alerts (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  key text not null,
  type text not null,
  severity text not null check (severity in ('warning', 'critical')),
  description text not null,
  status text not null check (status in ('ongoing', 'resolved')),
  customer_id uuid,
  context_key text,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  resolved_at timestamptz
);
create unique index alerts_key on alerts (workspace_id, key);
create index alerts_ongoing on alerts (type) where status = 'ongoing';

-- State changes of runs that somebody is to be notified of, written with the change itself.
create table flow_run_news (
  position bigint generated always as identity primary key,
  run_id uuid not null,
  workspace_id uuid not null,
  event_type text not null
);

-- Which workspaces want to hear what of their runs.
create view flow_run_audience as
  select workspace_id, array_agg(distinct type) as event_types
    from notification_endpoints, unnest(event_types) as type
   where archived_at is null and type like 'flowRun.%'
   group by workspace_id;
