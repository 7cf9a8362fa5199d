-- What is taken in through a log outside of the database is applied once: how far is written with what was applied.

-- Of each shard, the sequence of the log up to which everything is stored here; sequences count within one stream.
create table intake_shards (
  shard integer primary key,
  stream text not null,
  applied bigint not null
);

-- What could not be applied again and again, and stood in the way of what came after it.
create table intake_set_aside (
  id uuid primary key,
  -- null where it could not be read
  workspace_id uuid,
  shard integer not null,
  sequence bigint not null,
  entry bytea not null,
  error text not null,
  tries integer not null
);
create index on intake_set_aside (workspace_id, id);

-- What those who take in need to know, by the name they are asked for it. Secrets are in it as sealed as in their tables.
create view intake_catalogue as
  select 'subscription' as kind, s.id as row_id, s.webhook_uuid::text as name,
         json_build_object('webhookUuid', s.webhook_uuid, 'subscriptionId', s.id, 'workspaceId', s.workspace_id,
           'customerId', s.customer_id, 'appEventTypeId', s.app_event_type_id, 'webhookKey', t.webhook_key,
           'isArchived', s.archived_at is not null, 'isCustomerArchived', c.archived_at is not null) as entry
    from app_event_subscriptions s
    join app_event_types t on t.id = s.app_event_type_id
    join customers c on c.id = s.customer_id
  union all
  select 'type', t.id, t.webhook_key::text,
         json_build_object('id', t.id, 'workspaceId', t.workspace_id, 'tenantIdFormula', t.tenant_id_formula,
           'userIdFormula', t.user_id_formula, 'validateEvents', t.validate_events,
           'schema', case when t.validate_events then t.schema end, 'webhookKey', t.webhook_key, 'revision', t.revision,
           'archivedAt', t.archived_at)
    from app_event_types t
  union all
  select 'customer', c.id, c.workspace_id::text || ' ' || c.internal_id,
         json_build_object('id', c.id, 'isArchived', c.archived_at is not null)
    from customers c
  union all
  select 'workspace', w.id, w.key,
         json_build_object('id', w.id, 'key', w.key, 'name', w.name, 'secretSealed', w.secret_sealed, 'publicKeys', w.public_keys,
           'jwksUri', w.jwks_uri, 'appBaseUri', w.app_base_uri, 'logoUri', w.logo_uri, 'webhookUri', w.webhook_uri,
           'enabledWebhookEvents', w.enabled_webhook_events, 'settings', w.settings, 'type', w.type,
           'isExample', w.is_example, 'createdAt', w.created_at, 'updatedAt', w.updated_at, 'archivedAt', w.archived_at)
    from workspaces w
  union all
  select 'external', s.id, s.webhook_uuid::text,
         json_build_object('workspaceId', s.workspace_id, 'customerId', s.customer_id, 'id', s.id)
    from external_event_subscriptions s
  union all
  select 'global', g.id, g.webhook_uuid::text,
         json_build_object('workspaceId', g.workspace_id, 'customerId', null, 'id', g.integration_id)
    from global_webhooks g;

-- What of it changed and is not yet told. Nothing is written here unless somebody follows.
create table intake_catalogue_changes (
  sequence bigint generated always as identity primary key,
  kind text not null,
  row_id uuid not null,
  -- a name that it had before
  gone_name text
);

create function note_intake_catalogue_change() returns trigger language plpgsql as $$
declare
  before_name text;
  after_name text;
begin
  if tg_op <> 'INSERT' then
    before_name := case tg_argv[0]
      when 'type' then to_jsonb(old) ->> 'webhook_key'
      when 'workspace' then to_jsonb(old) ->> 'key'
      when 'customer' then (to_jsonb(old) ->> 'workspace_id') || ' ' || (to_jsonb(old) ->> 'internal_id')
      else to_jsonb(old) ->> 'webhook_uuid' end;
  end if;
  if tg_op <> 'DELETE' then
    after_name := case tg_argv[0]
      when 'type' then to_jsonb(new) ->> 'webhook_key'
      when 'workspace' then to_jsonb(new) ->> 'key'
      when 'customer' then (to_jsonb(new) ->> 'workspace_id') || ' ' || (to_jsonb(new) ->> 'internal_id')
      else to_jsonb(new) ->> 'webhook_uuid' end;
  end if;
  -- Every token touches its customer; what nobody who takes in asks for is no change.
  if tg_op = 'UPDATE' and tg_argv[0] = 'customer' and before_name = after_name
     and (to_jsonb(old) ->> 'archived_at') is not distinct from (to_jsonb(new) ->> 'archived_at') then
    return null;
  end if;
  insert into intake_catalogue_changes (kind, row_id, gone_name)
  values (tg_argv[0], (case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end ->> 'id')::uuid,
    case when before_name is distinct from after_name then before_name end);
  if tg_argv[0] = 'customer' and tg_op = 'UPDATE' then
    insert into intake_catalogue_changes (kind, row_id)
    select 'subscription', s.id from app_event_subscriptions s where s.customer_id = (to_jsonb(new) ->> 'id')::uuid;
  end if;
  perform pg_notify('permea', '{"about":"intake-catalogue"}');
  return null;
end $$;

-- Called by an engine that takes in through a log; where none does, no table has these triggers.
create function follow_intake_catalogue() returns void language plpgsql as $$
declare
  followed record;
begin
  for followed in
    select * from (values ('app_event_subscriptions', 'subscription'), ('app_event_types', 'type'), ('customers', 'customer'),
      ('workspaces', 'workspace'), ('external_event_subscriptions', 'external'), ('global_webhooks', 'global')) as f (tab, kind)
  loop
    if not exists (select from pg_trigger where tgname = 'note_intake_catalogue_change' and tgrelid = followed.tab::regclass) then
      execute format('create trigger note_intake_catalogue_change after insert or update or delete on %I
        for each row execute function note_intake_catalogue_change(%L)', followed.tab, followed.kind);
    end if;
  end loop;
end $$;
