-- Who changed what was not known. A record per change, chained by hashes, that nobody changes and only the retention removes.

-- How far the chain of a workspace is; whoever adds to it holds this row.
create table audit_heads (
  workspace_id uuid primary key references workspaces,
  sequence bigint not null,
  hash text not null,
  -- Over both with a key that the database does not have.
  seal text not null
);

-- Up to where records left by their age, and the hash that those after them begin with.
create table audit_anchors (
  workspace_id uuid primary key references workspaces,
  sequence bigint not null,
  hash text not null,
  left_at timestamptz not null
);

create table audit_records (
  workspace_id uuid not null references workspaces,
  sequence bigint not null,
  id uuid not null,
  at timestamptz not null,
  actor_kind text not null,
  actor_id text,
  actor_role text,
  action text not null,
  outcome text not null,
  element_type text not null,
  element_id text,
  -- Whom it is about, where that is a customer.
  customer_id uuid,
  request_id text,
  changed text[] not null,
  -- Of the row in audit_details, with its salt: what is erased there cannot be found out from here.
  details_hash text not null,
  previous_hash text not null,
  hash text not null,
  primary key (workspace_id, sequence)
);
create unique index audit_records_by_id on audit_records (workspace_id, id);
create index audit_records_of_element on audit_records (workspace_id, element_id, id) where element_id is not null;
create index audit_records_of_actor on audit_records (workspace_id, actor_id, id) where actor_id is not null;
create index audit_records_of_customer on audit_records (customer_id) where customer_id is not null;

-- What may be about a person: names, addresses, values. Goes when the customer is erased.
create table audit_details (
  workspace_id uuid not null,
  sequence bigint not null,
  body text not null,
  primary key (workspace_id, sequence)
);

-- Changes that are under way: written before the change, removed with its record. What is left of a process that died
-- becomes a record too.
create table audit_intents (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  at timestamptz not null,
  record text not null
);
create index audit_intents_by_age on audit_intents (at);

create function audit_refuse() returns trigger language plpgsql as $$
begin
  raise exception 'records of the audit log are not changed (%, %)', tg_table_name, tg_op using errcode = '42501';
end $$;

create function audit_refuse_unless_left() returns trigger language plpgsql as $$
begin
  if exists (select 1 from audit_anchors a where a.workspace_id = old.workspace_id and a.sequence >= old.sequence) then
    return old;
  end if;
  if tg_table_name = 'audit_details' and exists (
    select 1 from audit_records r join erasures e on e.customer_id = r.customer_id and not e.keeps_customer
     where r.workspace_id = old.workspace_id and r.sequence = old.sequence) then
    return old;
  end if;
  raise exception 'records of the audit log leave by their age only (%)', tg_table_name using errcode = '42501';
end $$;

create function audit_only_on() returns trigger language plpgsql as $$
begin
  if new.workspace_id = old.workspace_id and new.sequence > old.sequence then
    return new;
  end if;
  raise exception 'the audit log only goes on (%)', tg_table_name using errcode = '42501';
end $$;

create trigger audit_records_unchanged before update on audit_records for each row execute function audit_refuse();
create trigger audit_records_kept before delete on audit_records for each row execute function audit_refuse_unless_left();
create trigger audit_records_whole before truncate on audit_records for each statement execute function audit_refuse();
create trigger audit_details_unchanged before update on audit_details for each row execute function audit_refuse();
create trigger audit_details_kept before delete on audit_details for each row execute function audit_refuse_unless_left();
create trigger audit_details_whole before truncate on audit_details for each statement execute function audit_refuse();
create trigger audit_heads_on before update on audit_heads for each row execute function audit_only_on();
create trigger audit_heads_kept before delete or truncate on audit_heads for each statement execute function audit_refuse();
create trigger audit_anchors_on before update on audit_anchors for each row execute function audit_only_on();
create trigger audit_anchors_kept before delete or truncate on audit_anchors for each statement execute function audit_refuse();
