-- What was asked for and is done by a server: written together with its audit and with its delivery in the queue (schema pgboss).
create table jobs (
  id uuid primary key,
  -- Null: the source was removed.
  source_id integer references sources (id) on delete set null,
  source_name text not null,
  kind text not null check (kind in ('sync', 'plan', 'approve')),
  -- Compares everything.
  is_full boolean not null default false,
  -- Only this user, by user principal name or object id; empty: everybody.
  subject text not null default '',
  -- What is approved, and how.
  approves integer references runs (id),
  approval jsonb,
  trigger text not null check (trigger in ('manual', 'schedule', 'api')),
  actor_kind text not null check (actor_kind in ('account', 'token', 'command line', 'schedule', 'nobody')),
  actor_name text not null,
  actor_id bigint,
  asked_at timestamptz not null default now(),
  -- The time at which a schedule came due.
  slot timestamptz,
  -- running: there is a run of it, which may have been interrupted; then it is taken up again.
  state text not null default 'queued' check (state in ('queued', 'running', 'ended', 'refused')),
  -- How often a server has begun with it.
  tries integer not null default 0,
  run_id integer references runs (id),
  problem_code text,
  problem_detail text,
  ended_at timestamptz,
  check ((approves is null) = (kind <> 'approve')),
  check ((problem_code is null) = (state <> 'refused'))
);

-- Asked for again while it waits, it is the same job.
create unique index jobs_waiting on jobs (source_id, kind, subject, coalesce(approves, 0)) where state = 'queued';
-- Two servers never fire one slot twice.
create unique index jobs_slot on jobs (source_id, slot) where slot is not null;
create index jobs_open on jobs (asked_at) where state in ('queued', 'running');
create index jobs_ended on jobs (ended_at) where ended_at is not null;
create index jobs_run on jobs (run_id) where run_id is not null;
create index jobs_approves on jobs (approves) where approves is not null;

-- Up to when the schedules of a source have been looked after. No row: not since it was enabled.
create table schedules (
  source_id integer primary key references sources (id) on delete cascade,
  -- What the two times below were judged by; when it changes, they begin anew.
  terms text not null,
  delta_through timestamptz not null,
  full_through timestamptz not null
);

-- Work that one server does for all of them.
create table upkeep (
  name text primary key,
  begun_at timestamptz not null
);
