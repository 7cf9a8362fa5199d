-- The workspace's secret was the only way for programs to get in: it may everything, and to withdraw it ends all of them.
create table api_keys (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  name text not null,
  -- A role, or events:send.
  scope text not null,
  prefix text not null,
  -- SHA-256: a key has 256 bits of its own, which nobody guesses.
  hash bytea not null unique,
  created_by text,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_of_workspace on api_keys (workspace_id, id) where revoked_at is null;
