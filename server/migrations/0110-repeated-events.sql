-- Events that an app sends twice are known again: what identifies an event, as its type says, for as long as it says.
alter table external_event_types add column dedupe_key json;

create table external_event_keys (
  subscription_id uuid not null,
  -- the first half of the SHA-256 of what identifies the event
  key bytea not null,
  event_id uuid not null,
  expires_at timestamptz not null,
  primary key (subscription_id, key)
);
create index external_event_keys_expired on external_event_keys (expires_at);

-- Of the events that were in a request and not made a second time: those that are there already.
alter table incoming_webhooks add column repeated_event_ids uuid[];

create or replace view external_event_sources as
  select s.webhook_uuid, s.id as subscription_id, s.workspace_id, s.customer_id, s.connection_id, s.integration_id,
         s.archived_at is not null as is_archived, s.is_wanted, s.is_live, s.parameters, s.state_sealed, s.state_version,
         s.event_key, s.global_webhook_key, s.global_webhook_selector, s.webhook_uri is not null as has_destination, d.is_ordered, d.concurrency,
         t.root_id, coalesce(c.handle, i.handle, u.handle) as handle,
         case when c.handle is not null then c.id when i.handle is not null then i.id else u.id end as handle_type_id,
         n.connector_id, coalesce(c.dedupe_key, i.dedupe_key, u.dedupe_key) as dedupe_key
    from external_event_subscriptions s
    join connections n on n.id = s.connection_id
    left join delivery_destinations d on d.id = s.id
    left join external_event_types t on t.id = s.external_event_type_id
    left join external_event_types u on u.id = t.root_id
    left join external_event_types i on i.root_id = t.root_id and i.integration_id = s.integration_id
          and i.connection_id is null and i.id <> t.root_id and i.archived_at is null
    left join external_event_types c on c.root_id = t.root_id and c.connection_id = s.connection_id
          and c.id <> t.root_id and c.archived_at is null;
