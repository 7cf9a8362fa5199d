-- Whoever signed in to the console was the workspace's secret itself. People have accounts of the installation, and a role in
-- each workspace that they belong to.
create table users (
  id uuid primary key,
  -- Lower case.
  email text not null unique,
  name text not null,
  -- argon2id, as a PHC string; null for who signs in elsewhere.
  password_hash text,
  -- Single sign-on: who the provider says it is.
  sso_issuer text,
  sso_subject text,
  -- The secret of codes, sealed; the one that is not confirmed yet; the last step a code was taken of.
  totp_sealed text,
  totp_pending_sealed text,
  totp_step bigint,
  -- SHA-256 of those that were not used.
  recovery_hashes text[] not null default '{}',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (sso_issuer, sso_subject)
);
create table memberships (
  workspace_id uuid not null references workspaces,
  user_id uuid not null references users on delete cascade,
  role text not null,
  created_at timestamptz not null,
  primary key (workspace_id, user_id)
);
create index memberships_of_user on memberships (user_id);

-- Links that let in once: to join a workspace, or to set a password.
create table invitations (
  id uuid primary key,
  kind text not null,
  workspace_id uuid not null references workspaces,
  email text not null,
  -- Null where it is for a password.
  role text,
  hash bytea not null unique,
  invited_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index invitations_of_workspace on invitations (workspace_id, id);
create index invitations_of_email on invitations (email);

create table user_sessions (
  id uuid primary key,
  user_id uuid not null references users on delete cascade,
  workspace_id uuid not null references workspaces,
  hash bytea not null unique,
  -- The password was right, the second factor is awaited.
  is_pending boolean not null,
  is_sso boolean not null,
  tries integer not null default 0,
  address text not null,
  browser text not null,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null
);
create index user_sessions_of_user on user_sessions (user_id);
create index user_sessions_by_end on user_sessions (expires_at);
