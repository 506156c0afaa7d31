-- When the app registration of a connection is asked next when its client secrets end, when it last told, and why it did not.
alter table connections
  add column expiry_next_at timestamptz,
  add column expiry_read_at timestamptz,
  add column expiry_problem text;
