-- Lists go into a for-each page by page: a page is a node run of its own, and says from where the next one goes on.

alter table flow_node_runs add column next text;
