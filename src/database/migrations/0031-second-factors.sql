-- Second factors of local accounts: codes of an authenticator app, and codes on paper for when that is lost.
create table second_factors (
  administrator_id int primary key references administrators on delete cascade,
  -- The secret that app and server share.
  sealed bytea not null,
  -- Until the first right code nothing is asked for when signing in.
  confirmed_at timestamptz,
  -- Number of the half minute whose code was used last: no code works twice.
  last_step bigint not null default 0
);

create table recovery_codes (
  administrator_id int not null references second_factors on delete cascade,
  digest bytea not null,
  primary key (administrator_id, digest)
);
