-- An installation has several workspaces. Who owns the main one makes, bounds and deletes the others (decision 0300).
alter table workspaces add column is_main boolean not null default false;
update workspaces set is_main = true where id = (select id from workspaces order by id limit 1);
create unique index workspaces_main on workspaces (is_main) where is_main;
