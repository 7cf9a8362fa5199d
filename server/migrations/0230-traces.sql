-- Deliveries know where they stand in a trace, so that attempts of other processes and later days are beneath what they follow from.

alter table deliveries_active add column trace text;
alter table deliveries add column trace text;
