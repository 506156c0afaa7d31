-- SHA-256 of states whose sign-in the browser itself has kept, sealed, where there was no room for it here: each is used once.
create table signin_flows_used (
  digest bytea primary key,
  expires_at timestamptz not null
);
