-- Events of your application may be read from a broker. What is to be read stands apart from how it goes, which changes
-- every few seconds.
create table broker_sources (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta json,
  app_event_type_id uuid not null references app_event_types,
  -- without user and password
  url text not null,
  login_sealed text,
  -- names of headers, in lower case
  customer_header text,
  id_header text,
  paused_at timestamptz,
  -- of its id: who works the shard reads
  shard smallint not null,
  revision text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz
);
create unique index broker_sources_key on broker_sources (workspace_id, key) where archived_at is null;
create unique index broker_sources_uuid on broker_sources (workspace_id, uuid);
create index broker_sources_to_read on broker_sources (shard) where archived_at is null and paused_at is null;
create index broker_sources_of_type on broker_sources (app_event_type_id);

-- How it goes, as the process that reads it says every few seconds.
create table broker_source_states (
  source_id uuid primary key references broker_sources on delete cascade,
  state text not null,
  seen_at timestamptz not null,
  connected_at timestamptz,
  error text,
  error_at timestamptz,
  last_message_at timestamptz,
  lag bigint,
  accepted bigint not null,
  refused bigint not null
);
