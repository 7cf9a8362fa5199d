-- Which version of its nodes a flow had, and since when: versions themselves are shared and never change.
create table flow_history (
  flow_id uuid not null references flows on delete cascade,
  number integer not null,
  version_id uuid not null references flow_versions,
  since timestamptz not null,
  primary key (flow_id, number)
);

insert into flow_history (flow_id, number, version_id, since) select id, 1, version_id, updated_at from flows;
