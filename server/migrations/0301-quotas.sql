-- What one workspace has and takes in can be bounded, so that it does not take the others' share (decision 0301). What is
-- there is counted by what changes it, in the same statement: to count costs the same, however much is stored.
alter table workspaces add column quotas json not null default '{}';

-- What came in by day (UTC), and what there is. Each is spread over a few rows, so that transactions do not wait for each
-- other: the sum counts.
create table workspace_usage (
  workspace_id uuid not null,
  day date not null,
  slot smallint not null,
  events bigint not null,
  bytes bigint not null,
  primary key (workspace_id, day, slot)
);
create table workspace_counts (
  workspace_id uuid not null,
  kind text not null,
  slot smallint not null,
  count bigint not null,
  primary key (workspace_id, kind, slot)
);

-- The first 48 bits of an id are the millisecond it was made in; what one statement stores came in at one moment.
create function count_events() returns trigger language plpgsql as $$
begin
  insert into workspace_usage as u (workspace_id, day, slot, events, bytes)
    select workspace_id,
           (select (to_timestamp(('x' || left(replace(one.id::text, '-', ''), 12))::bit(48)::bigint / 1000) at time zone 'UTC')::date
              from (select id from fresh limit 1) one),
           pg_backend_pid() % 16, count(*), sum(octet_length(payload::text))
      from fresh group by 1 order by 1
    on conflict (workspace_id, day, slot) do update set events = u.events + excluded.events, bytes = u.bytes + excluded.bytes;
  return null;
end $$;
create trigger count_events after insert on app_events
  referencing new table as fresh for each statement execute function count_events();
create trigger count_events after insert on external_events
  referencing new table as fresh for each statement execute function count_events();

create function count_elements() returns trigger language plpgsql as $$
declare
  of_workspace uuid := coalesce(new.workspace_id, old.workspace_id);
  more integer := 0;
  most bigint;
begin
  if tg_op <> 'DELETE' and new.archived_at is null then more := more + 1; end if;
  if tg_op <> 'INSERT' and old.archived_at is null then more := more - 1; end if;
  if more = 0 then return null; end if;
  if more > 0 then
    select (w.quotas ->> tg_argv[0])::bigint into most from workspaces w where w.id = of_workspace;
    -- Who makes one where there is a bound waits for who makes one just now: else both would be the last.
    if most is not null then perform pg_advisory_xact_lock(hashtextextended(of_workspace::text || tg_argv[0], 300)); end if;
  end if;
  insert into workspace_counts as c (workspace_id, kind, slot, count)
    values (of_workspace, tg_argv[0], pg_backend_pid() % 16, more)
    on conflict (workspace_id, kind, slot) do update set count = c.count + excluded.count;
  if most is not null and
     (select sum(c.count) from workspace_counts c where c.workspace_id = of_workspace and c.kind = tg_argv[0]) > most then
    raise exception 'the quota of % of the workspace is reached', tg_argv[0]
      using errcode = 'PQ001', detail = most::text, hint = tg_argv[0];
  end if;
  return null;
end $$;
create trigger count_elements after insert or delete or update of archived_at on customers
  for each row execute function count_elements('customers');
create trigger count_elements after insert or delete or update of archived_at on connections
  for each row execute function count_elements('connections');
create trigger count_elements after insert or delete or update of archived_at on flows
  for each row execute function count_elements('flows');

insert into workspace_counts (workspace_id, kind, slot, count)
  select workspace_id, 'customers', 0, count(*) from customers where archived_at is null group by 1 union all
  select workspace_id, 'connections', 0, count(*) from connections where archived_at is null group by 1 union all
  select workspace_id, 'flows', 0, count(*) from flows where archived_at is null group by 1;
