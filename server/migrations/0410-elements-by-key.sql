-- Elements are looked up by their keys alone, whatever their layer; the unique indexes begin with whose they are, so
-- that each element of an import read all of its kind.

create index actions_by_key on actions (workspace_id, key);
create index flows_by_key on flows (workspace_id, key);
create index data_elements_by_key on data_elements (workspace_id, kind, key);
create index external_event_types_by_key on external_event_types (workspace_id, key);
create index connectors_by_key on connectors (workspace_id, key);
create index integrations_by_key on integrations (workspace_id, key);
create index app_event_types_by_key on app_event_types (workspace_id, key);
