-- Every event, run and node run is written to each index of its table: those that another one can stand in for go,
-- and what is null is not indexed. Events can be joined to flows by the address they came in at, without asking first
-- what the address stands for.

-- A node run is only ever looked up within its run.
alter table flow_node_runs drop constraint flow_node_runs_pkey;
drop index flow_node_runs_run_id_id_idx;
alter table flow_node_runs add primary key (run_id, id);

drop index app_events_subscription_id_id_idx;
create index on app_events (subscription_id, id) where subscription_id is not null;

-- Few rows at any time, so that the primary key serves.
drop index flow_runs_active_by_instance;

create or replace view wanted_runs as
  select s.id as subscription_id, s.app_event_type_id, s.customer_id, s.instance_key, t.node_key,
         i.id as flow_instance_id, i.connection_id, i.integration_id, i.flow_id, i.universal_flow_id,
         i.version_id, i.is_ordered, i.concurrency, s.webhook_uuid, a.webhook_key
    from app_event_subscriptions s
    left join app_event_types a on a.id = s.app_event_type_id
    left join flow_instance_triggers t on t.app_event_subscription_id = s.id
    left join flow_instances i on i.id = t.flow_instance_id
   where s.archived_at is null;
