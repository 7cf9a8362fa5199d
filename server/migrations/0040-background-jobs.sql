-- Exports and imports of workspaces take longer than a request may: they are done in the background and asked after.

create table background_jobs (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  kind text not null check (kind in ('export', 'import')),
  options json not null,
  status text not null check (status in ('pending', 'active', 'completed', 'failed')),
  progress json,
  result json,
  error json,
  -- What is imported, until that is done; what was exported, until the job is forgotten.
  archive bytea,
  -- Opens the archive that was exported, to whoever was told.
  download_key bytea not null,
  created_at timestamptz not null,
  finished_at timestamptz
);

create index background_jobs_finished on background_jobs (finished_at) where finished_at is not null;
