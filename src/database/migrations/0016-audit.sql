-- Who changed what: one row for each change, written in the transaction that makes it. Every row carries a keyed digest over itself
-- and the row before it, so that a changed or missing row is found (see registry/audit.ts).
create table audit (
  id bigint primary key,
  at timestamptz not null,
  actor_kind text not null check (actor_kind in ('account', 'token', 'command line', 'schedule', 'nobody')),
  actor_name text not null,
  actor_address text,
  action text not null,
  subject text,
  -- Text, so that it stays as it was digested.
  details text not null,
  digest bytea not null
);

-- The end of the chain; its row lock puts those who write at once one after the other.
create table audit_head (
  single boolean primary key default true check (single),
  last_id bigint not null,
  digest bytea not null
);
insert into audit_head (last_id, digest) values (0, ''::bytea);
