-- Who gave a flow the nodes that it had: the name as it was then, or the kind of key. Unknown for what is older.
alter table flow_history add column changed_by text;
