-- Terminals: devices and other systems that identify people here, each with a token of its own (docs/decisions, terminals).
create table terminals (
  id int generated always as identity primary key,
  -- The device that the token is for.
  name text not null check (name <> ''),
  -- The form in which two names count as equal.
  name_key text not null,
  -- SHA-256 of the token.
  digest bytea not null unique,
  prefix text not null,
  -- The ways in which people may be identified there.
  may text[] not null check (cardinality(may) > 0),
  -- What is told of who was identified, beside his names.
  tells text[] not null,
  unknown_card text not null check (unknown_card in ('refuse', 'register')),
  -- How its reader writes cards, as a card transformation; null: as the registry does.
  card_transform text,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  last_address text,
  -- Attempts in vain that are not forgiven yet, of cards and of everything that is typed, and when the last one was.
  card_misses double precision not null default 0,
  card_missed_at timestamptz,
  secret_misses double precision not null default 0,
  secret_missed_at timestamptz
);
create unique index terminals_name on terminals (name_key) where revoked_at is null;

-- Attempts in vain that are not forgiven yet: by user, and over all terminals. Keys are digests.
create table terminal_misses (
  bucket bytea primary key,
  misses double precision not null,
  missed_at timestamptz not null
);
create index terminal_misses_last on terminal_misses (missed_at);

-- Where somebody was identified lately; shown to himself alone, and forgotten after a month.
create table terminal_sightings (
  user_id int not null,
  terminal_id int not null references terminals on delete cascade,
  way text not null,
  times int not null,
  last_at timestamptz not null,
  primary key (user_id, terminal_id, way)
);
create index terminal_sightings_last on terminal_sightings (last_at);

-- Whoever identified himself at a terminal may register one card there, once, for two minutes.
create table terminal_registrations (
  digest bytea primary key,
  terminal_id int not null references terminals on delete cascade,
  user_id int not null,
  expires_at timestamptz not null
);
create index terminal_registrations_end on terminal_registrations (expires_at);
