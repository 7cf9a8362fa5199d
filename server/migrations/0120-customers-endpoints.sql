-- Customers have endpoints of their own, made with their token or on the page for them, and see what was delivered there.
alter table notification_endpoints add column customer_id uuid references customers;
create index notification_endpoints_of_customers on notification_endpoints (customer_id) where customer_id is not null;
drop index notification_endpoints_by_workspace;
create index notification_endpoints_by_workspace on notification_endpoints (workspace_id) where customer_id is null;

-- Whose a destination is; null: the workspace's.
alter table delivery_destinations add column customer_id uuid references customers;
update delivery_destinations d set customer_id = s.customer_id
  from external_event_subscriptions s where s.id = d.id;
create index delivery_destinations_of_customers on delivery_destinations (customer_id) where customer_id is not null;

-- What any customer of a workspace listens to: one row, however many endpoints. It only grows; what is too much in it
-- costs a look at the endpoints and tells nobody.
create table customers_audience (
  workspace_id uuid primary key references workspaces,
  event_types text[] not null
);

create or replace view flow_run_audience as
  select workspace_id, array_agg(distinct type) as event_types
    from (
      select workspace_id, unnest(event_types) as type from notification_endpoints where archived_at is null and customer_id is null
      union all
      select workspace_id, unnest(event_types) from customers_audience
    ) a
   where type like 'flowRun.%'
   group by workspace_id;
