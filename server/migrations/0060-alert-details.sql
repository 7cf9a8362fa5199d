-- What an alert is about, by name, with the last error and the threshold that opened it; who is told of alerts, and how
-- soon they open, per workspace.
alter table alerts add column details json;

create table alert_settings (
  workspace_id uuid primary key references workspaces,
  flow_failures integer not null,
  backlog_minutes integer not null,
  delivery_failing_minutes integer not null,
  mail_to text[] not null,
  slack_url_sealed text,
  updated_at timestamptz not null
);

-- Those that fail now are few; they are looked at every so often.
create index delivery_destinations_failing on delivery_destinations (failing_since) where failing_since is not null;
