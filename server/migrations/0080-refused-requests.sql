-- Requests that were refused left no trace, so nobody could see why an event did not arrive. A sample of them is kept.
create table refused_requests (
  id uuid not null primary key,
  -- Null where nobody can say whose it was.
  workspace_id uuid,
  customer_id uuid,
  -- The id that the sender gave itself, unproved.
  claimed_id text,
  -- What the address belongs to, as on the wire.
  element_id text,
  reason text not null,
  status integer not null,
  message text not null,
  method text not null,
  path text not null,
  address text not null,
  -- The beginning of the body or query, secrets masked.
  excerpt text,
  -- Requests of the same kind before it that were only counted.
  not_kept integer not null
) partition by range (id);
create table refused_requests_default partition of refused_requests default;
create index refused_requests_of_workspace on refused_requests (workspace_id, id);
create index refused_requests_of_customer on refused_requests (customer_id, id) where customer_id is not null;
