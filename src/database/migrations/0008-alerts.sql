-- What administrators are to be told, written together with what it is about; delivered afterwards by whoever runs.
create table alerts (
  id        int generated always as identity primary key,
  -- What it is about. The same thing is told once.
  key       text not null unique,
  facts     jsonb not null,
  raised_at timestamptz not null
);
create index alerts_raised on alerts (raised_at);

create table alert_deliveries (
  alert_id     int not null references alerts on delete cascade,
  sink         text not null,
  state        text not null default 'waiting' check (state in ('waiting', 'delivered', 'given-up')),
  tries        int not null default 0,
  next_try_at  timestamptz not null,
  -- What the last try met.
  problem      text,
  delivered_at timestamptz,
  primary key (alert_id, sink)
);
create index alert_deliveries_waiting on alert_deliveries (sink, next_try_at) where state = 'waiting';
