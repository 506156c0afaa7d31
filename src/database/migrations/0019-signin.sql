-- Who may use this installation: local accounts, their sessions, codes that work once, API tokens, how often was tried in vain.
-- No token, code or password is here in a form that lets anybody in: digests of random ones, Argon2id of passwords.
create table administrators (
  id int generated always as identity primary key,
  name text not null check (name <> ''),
  -- The form in which two names count as equal.
  name_key text not null unique,
  role text not null check (role in ('viewer', 'helpdesk', 'operator', 'administrator')),
  enabled boolean not null default true,
  -- With its parameters, so that they can be raised: $argon2id$v=19$m=…,t=…,p=…$salt$hash
  password text not null,
  created_at timestamptz not null,
  last_sign_in_at timestamptz
);

create table sessions (
  id int generated always as identity primary key,
  -- SHA-256 of what the cookie holds.
  digest bytea not null unique,
  administrator_id int not null references administrators on delete cascade,
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  -- Whatever is done with it, it ends then.
  expires_at timestamptz not null,
  address text not null,
  user_agent text not null
);
create index sessions_of on sessions (administrator_id);
create index sessions_end on sessions (expires_at);

-- Whether the first administrator was made; never becomes false again. Its row lock makes him one only.
create table setup (
  single boolean primary key default true check (single),
  done_at timestamptz
);
insert into setup default values;

create table one_time_codes (
  digest bytea primary key,
  -- Null: for making the first administrator.
  administrator_id int references administrators on delete cascade,
  expires_at timestamptz not null
);
create index one_time_codes_of on one_time_codes (administrator_id);

create table api_tokens (
  id int generated always as identity primary key,
  name text not null check (name <> ''),
  digest bytea not null unique,
  prefix text not null,
  scopes text[] not null,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);

-- How often somebody tried in vain: by account, by address, by browser and by all together. Keys are digests.
create table signin_attempts (
  bucket bytea primary key,
  failures int not null,
  last_at timestamptz not null
);
create index signin_attempts_last on signin_attempts (last_at);

-- What was answered to a request that carried an Idempotency-Key, for a day.
create table idempotency_keys (
  actor text not null,
  key text not null,
  -- Keyed, as what was asked may carry secrets.
  request bytea not null,
  began_at timestamptz not null,
  -- Null while the first request runs.
  status int,
  answer text,
  primary key (actor, key)
);
create index idempotency_keys_began on idempotency_keys (began_at);
