-- A workspace can be taken away with everything that is in it: what is under way, and a record of it, which outlives it.
create table workspace_deletions (
  id uuid primary key,
  -- No reference: its row goes last.
  workspace_id uuid not null unique,
  key text not null,
  status text not null check (status in ('running', 'completed')),
  phase text not null check (phase in ('stopping', 'erasing', 'done')),
  asked_by json not null,
  -- Where the work goes on after a crash: written with what was done.
  work json not null default '{}',
  -- What was ended before.
  stopped json not null default '{}',
  -- Rows by table.
  counts json not null default '{}',
  -- Where the chain of its audit log ended: what was exported of it before can still be compared.
  audit_sequence bigint,
  audit_hash text,
  started_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz
);

-- The audit log of a workspace leaves by its age, or with its workspace.
create function is_workspace_deleted(uuid) returns boolean language sql stable as $$
  select exists (select 1 from workspace_deletions d where d.workspace_id = $1 and d.phase <> 'stopping')
$$;

create or replace function audit_refuse_unless_left() returns trigger language plpgsql as $$
begin
  if exists (select 1 from audit_anchors a where a.workspace_id = old.workspace_id and a.sequence >= old.sequence) then
    return old;
  end if;
  if tg_table_name = 'audit_details' and exists (
    select 1 from audit_records r join erasures e on e.customer_id = r.customer_id and not e.keeps_customer
     where r.workspace_id = old.workspace_id and r.sequence = old.sequence) then
    return old;
  end if;
  if is_workspace_deleted(old.workspace_id) then
    return old;
  end if;
  raise exception 'records of the audit log leave by their age only (%)', tg_table_name using errcode = '42501';
end $$;

create function audit_refuse_unless_deleted() returns trigger language plpgsql as $$
begin
  if is_workspace_deleted(old.workspace_id) then
    return old;
  end if;
  raise exception 'records of the audit log are not changed (%, %)', tg_table_name, tg_op using errcode = '42501';
end $$;

drop trigger audit_heads_kept on audit_heads;
drop trigger audit_anchors_kept on audit_anchors;
create trigger audit_heads_kept before delete on audit_heads for each row execute function audit_refuse_unless_deleted();
create trigger audit_anchors_kept before delete on audit_anchors for each row execute function audit_refuse_unless_deleted();
create trigger audit_heads_whole before truncate on audit_heads for each statement execute function audit_refuse();
create trigger audit_anchors_whole before truncate on audit_anchors for each statement execute function audit_refuse();
