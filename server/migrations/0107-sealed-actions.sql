-- Secrets that stand literally in actions are sealed, as those in nodes of flows are; what was stored before, at the next start.
alter table actions add column secrets_sealed text;
alter table actions add column is_sealed boolean not null default false;
create index actions_unsealed on actions (id) where not is_sealed;
