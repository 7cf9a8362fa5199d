-- Runs that wait for an event: what flows wait for, which runs wait for which value, and what came lately.

-- What nodes of enabled flows wait for; derived from them at every change, as triggers are.
create table flow_instance_waits (
  flow_instance_id uuid not null references flow_instances,
  node_key text not null,
  app_event_subscription_id uuid references app_event_subscriptions,
  external_event_subscription_id uuid references external_event_subscriptions,
  app_event_type_id uuid,
  customer_id uuid not null,
  -- where in the event the value stands; '' where any event will do
  field text not null,
  primary key (flow_instance_id, node_key),
  check ((app_event_subscription_id is null) <> (external_event_subscription_id is null))
);
create index flow_instance_waits_by_subscription on flow_instance_waits (app_event_subscription_id)
  where app_event_subscription_id is not null;
create index flow_instance_waits_by_external on flow_instance_waits (external_event_subscription_id)
  where external_event_subscription_id is not null;

-- Node runs that wait. Rows leave with the active row of their run.
create table flow_run_waits (
  run_id uuid not null,
  path text not null,
  customer_id uuid not null,
  -- a hash of whose events, which field and which value
  key uuid not null,
  -- JSON text: what is shown of it
  about text not null,
  -- what it waited for; null until it came
  event_id uuid,
  primary key (run_id, path)
);
create index flow_run_waits_by_key on flow_run_waits (key) where event_id is null;

-- Events that some flow could wait for, for a day: a wait that begins after its event finds it here.
create table event_wait_keys (
  key uuid not null,
  -- the event's
  id uuid not null,
  customer_id uuid not null,
  primary key (key, id)
);
create index event_wait_keys_by_age on event_wait_keys (id);

create or replace view wanted_runs as
  select s.id as subscription_id, s.app_event_type_id, s.customer_id, s.instance_key, t.node_key,
         i.id as flow_instance_id, i.connection_id, i.integration_id, i.flow_id, i.universal_flow_id,
         i.version_id, i.is_ordered, i.concurrency, s.webhook_uuid, a.webhook_key,
         (select array_agg(distinct w.field) from flow_instance_waits w where w.app_event_subscription_id = s.id) as wait_fields
    from app_event_subscriptions s
    left join app_event_types a on a.id = s.app_event_type_id
    left join flow_instance_triggers t on t.app_event_subscription_id = s.id
    left join flow_instances i on i.id = t.flow_instance_id
   where s.archived_at is null;

-- What is waited for of the events of a subscription.
create view external_wait_fields as
  select external_event_subscription_id as subscription_id, field from flow_instance_waits
   where external_event_subscription_id is not null;
