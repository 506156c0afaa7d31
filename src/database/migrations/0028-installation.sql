-- Which installation this is, where its database lies, and which servers work on it. A database that finds itself in another place
-- than the one written down was restored or copied, and somebody has to say that the original is gone.
create table installation (
  single boolean primary key default true check (single),
  id uuid not null default gen_random_uuid(),
  -- null until a Muster has opened it
  place text
);
insert into installation default values;

create table servers (
  id uuid primary key,
  host text not null,
  pid int not null,
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);
