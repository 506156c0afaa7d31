-- What a run logged, as long as the run itself is kept. No personal data: the fields are those of base/log.ts.
create table run_log (
  run_id  int not null references runs on delete cascade,
  seq     int not null,
  at      timestamptz not null,
  level   text not null check (level in ('debug', 'info', 'warn', 'error')),
  message text not null,
  fields  json not null,
  primary key (run_id, seq)
);
