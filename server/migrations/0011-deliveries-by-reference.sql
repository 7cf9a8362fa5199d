-- The body of a delivery that carries an event of an external app is the event's payload: it was written five times for
-- one webhook. The only attempt of a delivery that it settled stands in the delivery's row. What an index gave that the
-- primary key gives as well is not written any more. Rows from before stay as they are and are read as before.

-- Null where the body is the payload of the event whose id is the message's.
alter table deliveries_active alter column body drop not null;
alter table deliveries alter column body drop not null;

-- A JSON list of what the first attempt came to, where it settled the delivery; `deliveries/first-attempt.ts` reads it.
alter table deliveries add column first_attempt text;

-- The payloads that messages carry.
create view message_bodies as select id, payload as body from external_events;

-- Newest first is what the primary keys give: an installation has few workspaces.
drop index deliveries_active_by_age;
drop index deliveries_workspace_id_id_idx;
drop index external_events_workspace_id_id_idx;
drop index incoming_webhooks_workspace_id_id_idx;
drop index function_calls_workspace_id_id_idx;
