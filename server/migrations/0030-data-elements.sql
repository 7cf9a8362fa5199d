-- What stands on records of external apps: data sources, field mappings, app data schemas, data link tables; and the links.

create table data_elements (
  id uuid primary key,
  workspace_id uuid not null references workspaces,
  kind text not null check (kind in ('data-source', 'field-mapping', 'app-data-schema', 'data-link-table')),
  -- a connection's element has its connection's integration and customer too; an app data schema may be a customer's alone
  integration_id uuid references integrations,
  connection_id uuid references connections,
  customer_id uuid references customers,
  parent_id uuid references data_elements,
  instance_key text not null default '',
  uuid uuid not null,
  key text not null,
  name text not null,
  description text,
  meta jsonb,
  -- what it says itself: the rest is its parent's
  content json not null,
  is_customized boolean not null,
  revision uuid not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  archived_at timestamptz,
  unique (workspace_id, kind, uuid)
);
create unique index data_elements_key on data_elements
  (workspace_id, kind, coalesce(connection_id, integration_id, customer_id, '00000000-0000-0000-0000-000000000000'), key, instance_key)
  where archived_at is null;
create index data_elements_by_parent on data_elements (parent_id) where parent_id is not null;
create index data_elements_by_connection on data_elements (connection_id, id) where connection_id is not null;
create index data_elements_by_age on data_elements (workspace_id, kind, id);

create table data_links (
  id uuid primary key,
  -- the table as a connection has it
  table_id uuid not null references data_elements,
  external_record_id text not null,
  app_record_id text not null,
  direction text not null check (direction in ('import', 'export')),
  -- of several links of one record the newest counts
  linked_at timestamptz not null,
  unique (table_id, direction, external_record_id, app_record_id)
);
create index data_links_by_app_record on data_links (table_id, direction, app_record_id);
