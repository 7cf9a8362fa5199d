-- Values in which secrets may stand literally, of definitions and parameters, are sealed whole where one does; what was stored before,
-- or by a process of an older version, at the next start, which knows it by `is_sealed`.
alter table connectors add column is_sealed boolean not null default false;
alter table data_elements add column is_sealed boolean not null default false;
alter table external_event_types add column is_sealed boolean not null default false;
alter table external_event_subscriptions add column is_sealed boolean not null default false;
alter table flows add column is_sealed boolean not null default false;
alter table flow_instances add column is_sealed boolean not null default false;
create index connectors_unsealed on connectors (id) where not is_sealed;
create index data_elements_unsealed on data_elements (id) where not is_sealed;
create index external_event_types_unsealed on external_event_types (id) where not is_sealed;
create index external_event_subscriptions_unsealed on external_event_subscriptions (id) where not is_sealed;
create index flows_unsealed on flows (id) where not is_sealed and (parameters is not null or custom_nodes is not null);
create index flow_instances_unsealed on flow_instances (id) where not is_sealed and (parameters is not null or custom_nodes is not null);

-- Secrets in code and expressions are sealed too: these are looked at once more.
update flow_versions set is_sealed = false where nodes::text like '%"code"%' or nodes::text like '%$jsonata%' or nodes::text like '%$eval%';
update actions set is_sealed = false where config::text like '%"code"%' or config::text like '%$jsonata%' or config::text like '%$eval%';
update app_event_types set is_sealed = false;
