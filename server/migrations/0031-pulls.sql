-- Events of apps that do not tell of them: what is asked for again and again, what was found, and what was there last time.

alter table external_event_subscriptions
  -- how changes are found where nobody tells of them; null where somebody does
  add column pull_strategy text,
  add column pull_interval_seconds integer,
  -- when it is looked next; null while it is not registered
  add column pull_due_at timestamptz;
create index external_event_subscriptions_to_pull on external_event_subscriptions (pull_due_at) where pull_due_at is not null;

-- Pulls that are to be done now: one row per subscription while there is one.
create table pulls_active (
  -- the subscription
  id uuid primary key references external_event_subscriptions,
  pull_id uuid not null,
  connection_id uuid not null,
  shard smallint not null,
  due_at timestamptz not null,
  position bigint generated always as identity,
  failures integer not null default 0
);
create index pulls_active_lanes on pulls_active (shard, connection_id, due_at, position);

-- What a full scan saw: of each record its id and a hash of what was read of it, and in which scan it was seen last.
create table record_snapshots (
  subscription_id uuid not null references external_event_subscriptions,
  record_id text not null,
  hash bytea not null,
  scan integer not null,
  primary key (subscription_id, record_id)
) with (fillfactor = 80);

create table external_event_pulls (
  id uuid not null,
  workspace_id uuid not null,
  customer_id uuid not null,
  connection_id uuid not null,
  integration_id uuid,
  subscription_id uuid not null,
  status text not null check (status in ('queued', 'running', 'success', 'error')),
  strategy text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  event_ids uuid[] not null default '{}',
  error text,
  telemetry text,
  logs text,
  primary key (id)
) partition by range (id);
create table external_event_pulls_default partition of external_event_pulls default;
create index on external_event_pulls (workspace_id, id);
create index on external_event_pulls (subscription_id, id);
create index on external_event_pulls (connection_id, id);
create index on external_event_pulls (customer_id, id);
