-- Who asked for an import, so that the audit log names them and not the engine. Null: of a process that did not keep it.
alter table background_jobs add column asked_by json;
