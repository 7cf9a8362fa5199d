-- What an event costs is mostly rows and index entries. New runs of one committed batch are one row instead of one each,
-- the node runs of a run that was recorded at its end stand in its own row, and what an index gave that the primary key
-- gives as well is not written any more. Rows from before stay as they are and are read as before.

-- The new runs of one batch, until every one of them is in the log or has a row among the active ones. The session that
-- works them holds a lock by the number of `owner`; where no session does, whoever finds the batch makes active rows of
-- what is left. Only runs with no order of their own that nobody but their owner works.
create table flow_run_batches (
  id uuid primary key,
  owner integer not null,
  run_ids uuid[] not null,
  workspace_ids uuid[] not null,
  customer_ids uuid[] not null,
  connection_ids uuid[] not null,
  integration_ids uuid[] not null,
  flow_instance_ids uuid[] not null,
  flow_ids uuid[] not null,
  universal_flow_ids uuid[] not null,
  version_ids uuid[] not null,
  start_node_keys text[] not null,
  app_event_ids uuid[] not null,
  launched_by text[] not null,
  group_caps integer[] not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Runs that are in a batch and nowhere else. Each is looked for by its key: a join might read the whole log.
create view flow_runs_in_batches as
  select r.*, b.id as batch_id, b.owner
    from flow_run_batches b
   cross join lateral unnest(b.run_ids, b.workspace_ids, b.customer_ids, b.connection_ids, b.integration_ids, b.flow_instance_ids,
          b.flow_ids, b.universal_flow_ids, b.version_ids, b.start_node_keys, b.app_event_ids, b.launched_by, b.group_caps)
      as r (id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
            start_node_key, app_event_id, launched_by, group_cap)
   where (select true from flow_runs_active a where a.id = r.id) is null
     and (select true from flow_runs f where f.id = r.id) is null;

-- Runs that are not finished, wherever they are.
create view flow_runs_open as
  select id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
         start_node_key, app_event_id, input, launched_by, meta, state, started_at, coalesce(held_until, due_at) as due_at
    from flow_runs_active
   union all
  select id, workspace_id, customer_id, connection_id, integration_id, flow_instance_id, flow_id, universal_flow_id, version_id,
         start_node_key, app_event_id, null::text, launched_by, null::json, 'queued', null::timestamptz, null::timestamptz
    from flow_runs_in_batches;

-- A JSON list of the run's node runs, where all of them were recorded with its end; `runs/node-run-text.ts` reads it.
alter table flow_runs add column node_runs text;

-- Newest first is what the primary keys give: an installation has few workspaces.
drop index flow_runs_workspace_id_id_idx;
drop index app_events_workspace_id_id_idx;
