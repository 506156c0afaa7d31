-- What Graph has not answered for single objects is asked again with growing pauses, and issues tell how long they have been there.
create table mirror_retries (
  source_id   int not null references sources on delete cascade,
  object_id   uuid not null,
  -- How often it was asked again.
  tries       int not null default 0,
  first_at    timestamptz not null,
  next_try_at timestamptz not null,
  primary key (source_id, object_id)
);

alter table issues add column tries int not null default 1;
alter table issues add column seen_at timestamptz not null default now();
