-- How the runs of a source have been going. A source without a row has not ended a run yet.
create table source_health (
  source_id       int primary key references sources on delete cascade,
  state           text not null check (state in ('healthy', 'degraded', 'quarantined')),
  -- When it came into this state.
  since           timestamptz not null,
  -- Failed runs in a row, and when the first of them ended.
  failures        int not null default 0,
  failing_since   timestamptz,
  -- Of the failures in a row at the end, how many are about credentials, consent or permissions.
  refusals        int not null default 0,
  code            text,
  reason          text,
  remedy          text,
  -- Before this a schedule does not run it; by hand it always runs.
  next_try_at     timestamptz,
  last_success_at timestamptz,
  run_id          int references runs on delete set null,
  check ((state = 'healthy') = (code is null)),
  check ((failures = 0) = (failing_since is null))
);
