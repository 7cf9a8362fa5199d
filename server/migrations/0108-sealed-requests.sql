-- Secrets that stand literally in requests of event types are sealed, as those in nodes of flows are.
alter table app_event_types add column secrets_sealed text;
alter table app_event_types add column is_sealed boolean not null default false;
create index app_event_types_unsealed on app_event_types (id) where not is_sealed;
