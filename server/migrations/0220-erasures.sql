-- Everything of a customer can be erased: what is under way, and a record of what was erased, which has counts and ids
-- and nothing else of the customer.
create table erasures (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  -- No reference: the customer's row goes last.
  customer_id uuid not null,
  -- Only what happened was erased, before this erasure began.
  keeps_customer boolean not null,
  -- Keyed hashes of the customer's own id, so that its tokens are known again and nobody can read whose they are.
  name_hashes text[] not null default '{}',
  status text not null check (status in ('running', 'completed')),
  phase text not null check (phase in ('stopping', 'erasing', 'done')),
  asked_by json not null,
  -- Where the work goes on after a crash: written with what was done.
  work json not null default '{}',
  -- What was stopped and taken back before.
  stopped json not null default '{}',
  -- Rows by table.
  counts json not null default '{}',
  started_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz
);
create unique index erasures_running on erasures (customer_id, keeps_customer) where status = 'running';
create index erasures_by_customer on erasures (customer_id);
create index erasures_by_age on erasures (workspace_id, id);
create index erasures_by_name on erasures using gin (name_hashes) where name_hashes <> '{}';

-- Ids by which rows of the customer are found that do not name it; kept for a day, for what comes late.
create table erasure_items (
  erasure_id uuid not null references erasures,
  kind text not null,
  item text not null,
  primary key (erasure_id, kind, item)
);
