-- Secrets that stand literally in nodes are sealed: `nodes` has them as they are shown, `secrets_sealed` what they are.
-- What was stored before, or by a process of an older version, is sealed at the next start, which knows it by `is_sealed`.
alter table flow_versions add column secrets_sealed text;
alter table flow_versions add column is_sealed boolean not null default false;
create index flow_versions_unsealed on flow_versions (id) where not is_sealed;
