-- A connection belongs to one customer, so what is of it is found among the customer's: requests and events of external
-- apps need no index by connection, which cost each of them some 75 bytes of write-ahead log.
drop index incoming_webhooks_connection_id_id_idx;
drop index external_events_connection_id_id_idx;
