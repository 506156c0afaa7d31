-- What is a person's own beside what his source gives, and what pairing and PINs look for.

-- Alternate emails that the source gave, and that it may withdraw; the others are the registry's own. Until now nobody but
-- a source could give one.
alter table users add column given_emails text[] not null default '{}';
update users set given_emails = alternate_emails where object_id is not null and alternate_emails <> '{}';
alter table plan_items add column given_emails text[];

-- The personal number as it is compared, of everybody who has one. Only an active user holds his number
-- (personal_number_key), but pairing finds the others too. Folding a number with letters beyond ASCII is not the
-- database's to do: where nobody holds it, it is left out until it is written again.
alter table users add column canonical_number text collate "C";
update users set canonical_number = coalesce(personal_number_key,
    case when personal_number ~ '^[\x20-\x7e]*$' then lower(btrim(personal_number, ' ')) end)
  where personal_number is not null;
create index users_pairable_number on users (canonical_number) where object_id is null and canonical_number is not null;

-- A PIN is drawn only where nobody has it, not even somebody who does without it now.
create index credentials_parked on credentials (kind, lookup) where not held;

-- Who answers for an email is no change of the record, and the canonical number only repeats the number.
create or replace function image_digest(image jsonb) returns bytea language sql immutable as $$
  select sha256(convert_to(jsonb_build_object(
    'row', (select jsonb_object_agg(key, value) from jsonb_each(image -> 'row')
      where key <> all ('{version,created_at,updated_at,given_emails,canonical_number}')
        and value not in ('null', 'false', '0', '""', '[]', '{}')),
    'names', (select jsonb_agg(n - 'origin' order by n - 'origin') from jsonb_array_elements(image -> 'names') n),
    'credentials', (select jsonb_agg(c - '{origin,created_at,sealed}'::text[] order by c - '{origin,created_at,sealed}'::text[])
      from jsonb_array_elements(image -> 'credentials') c))::text, 'UTF8'))
$$;
