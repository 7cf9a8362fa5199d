-- Payloads may be kept for a shorter time than what is known of them. Of a row whose payload was cut it is said when.
alter table app_events add column payload_cut_at timestamptz;
alter table external_events add column payload_cut_at timestamptz;
alter table incoming_webhooks add column payload_cut_at timestamptz;
alter table flow_runs add column payload_cut_at timestamptz;
alter table deliveries add column payload_cut_at timestamptz;
alter table action_run_logs add column payload_cut_at timestamptz;
alter table external_api_logs add column payload_cut_at timestamptz;
alter table function_calls add column payload_cut_at timestamptz;
alter table app_event_subscription_requests add column payload_cut_at timestamptz;
alter table connection_logs add column payload_cut_at timestamptz;
alter table external_event_pulls add column payload_cut_at timestamptz;
alter table refused_requests add column payload_cut_at timestamptz;

-- Null: as long as the workspace keeps payloads.
alter table app_event_types add column payload_retention_days integer;
alter table external_event_types add column payload_retention_days integer;

-- Up to where each log was gone through, for each number of days that applies to some of its rows.
create table payload_cuts (
  log text not null,
  days integer not null,
  until_id uuid not null,
  -- the day on which it was last gone back a little, for rows that were written late
  looked_back_on integer not null,
  primary key (log, days)
);

-- Rows whose payload is due, and which something still needs.
create table payload_cuts_waiting (
  log text not null,
  id uuid not null,
  primary key (log, id)
);

-- What the cuts above were made by; where it is another, all is gone through once more.
create table payload_rules (
  is_only boolean primary key default true check (is_only),
  fingerprint text not null
);

create or replace view event_inputs as
  select id, payload, payload_cut_at from app_events union all select id, payload, payload_cut_at from external_events;
create or replace view message_bodies as select id, payload as body, payload_cut_at from external_events;
