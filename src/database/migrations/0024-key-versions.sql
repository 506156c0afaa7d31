-- Keys are rotated: which versions are used no more, and the key of look-ups, sealed, so that it outlives the version that it was made under.

alter table vault_state add column retired_at timestamptz;

-- What cards, PINs and other values are looked up by. Its key is random and stays; what it is sealed with changes.
create table look_up_key (
  single boolean primary key default true check (single),
  sealed bytea not null
);

-- The version of the key that something was sealed with; null where it is not sealed.
create function sealed_version(sealed bytea) returns bigint language sql immutable parallel safe
return case when length(sealed) >= 5 then get_byte(sealed, 1)::bigint * 16777216 + get_byte(sealed, 2) * 65536
  + get_byte(sealed, 3) * 256 + get_byte(sealed, 4) end;
