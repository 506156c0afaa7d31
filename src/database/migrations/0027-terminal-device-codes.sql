-- Sign-ins with Microsoft by a code that a terminal shows. Asked for by whichever server the terminal asks, one at a time.
create table terminal_device_codes (
  -- Of what the terminal calls it by.
  digest bytea primary key,
  terminal_id int not null references terminals on delete cascade,
  connection_id int not null references connections on delete cascade,
  -- Sealed.
  device_code bytea not null,
  interval_seconds int not null,
  created_at timestamptz not null,
  -- Microsoft is not asked before; far away while somebody is asking.
  next_poll_at timestamptz not null,
  expires_at timestamptz not null,
  -- How it ended, told again for a minute to a terminal that lost the answer: who it was, or why not.
  user_id int,
  reason text
);
create index terminal_device_codes_terminal on terminal_device_codes (terminal_id, created_at);
create index terminal_device_codes_end on terminal_device_codes (expires_at);
