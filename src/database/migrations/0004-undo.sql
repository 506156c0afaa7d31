-- What runs overwrite, kept so that any of them can be taken back; what was taken back and must not be redone unasked.

alter table runs drop constraint runs_kind_check;
alter table runs add constraint runs_kind_check check (kind in ('sync', 'plan', 'approve', 'revert'));
-- revert runs: the run that they took back, or a part of it
alter table runs add column reverts int references runs on delete set null;
-- since then its items and old values are gone (retention), so that it can neither be shown nor reverted
alter table runs add column items_removed_at timestamptz;

-- A registry record with all that belongs to it, as data. Columns of later migrations are in it by themselves.
create function user_image(u users) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'row', to_jsonb(u),
    'names', coalesce((select jsonb_agg(to_jsonb(n) - 'user_id' order by n.kind desc, n.key, n.value, n.origin)
      from user_names n where n.user_id = u.id), '[]'),
    'credentials', coalesce((select jsonb_agg(to_jsonb(c) - '{id,user_id}'::text[] order by c.kind, c.lookup, c.id)
      from credentials c where c.user_id = u.id), '[]'),
    'claims', coalesce((select jsonb_agg(c.source_id order by c.source_id) from claims c where c.user_id = u.id), '[]'))
$$;
create function group_image(g groups) returns jsonb language sql stable as $$
  select jsonb_build_object('row', to_jsonb(g))
$$;

-- Tells whether somebody has changed a record. Left out: when and how often it was written, who claims it, who answers for a
-- value, sealed bytes (a new key changes them), and whatever is empty, so that a column which a later migration adds with an
-- empty default changes no digest.
create function image_digest(image jsonb) returns bytea language sql immutable as $$
  select sha256(convert_to(jsonb_build_object(
    'row', (select jsonb_object_agg(key, value) from jsonb_each(image -> 'row')
      where key <> all ('{version,created_at,updated_at}') and value not in ('null', 'false', '0', '""', '[]', '{}')),
    'names', (select jsonb_agg(n - 'origin' order by n - 'origin') from jsonb_array_elements(image -> 'names') n),
    'credentials', (select jsonb_agg(c - '{origin,created_at,sealed}'::text[] order by c - '{origin,created_at,sealed}'::text[])
      from jsonb_array_elements(image -> 'credentials') c))::text, 'UTF8'))
$$;

-- The parts of an image that another one replaces: columns one by one, the lists whole.
create function image_changes(before jsonb, after jsonb) returns jsonb language sql immutable as $$
  select (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(before - 'row')
      where value is distinct from after -> key)
    || coalesce((select jsonb_build_object('row', jsonb_object_agg(key, value)) from jsonb_each(before -> 'row')
      where key <> all ('{version,updated_at}') and value is distinct from after -> 'row' -> key having count(*) > 0), '{}')
$$;

-- What the plan of a run overwrote. Not written for a first load, which finds nobody.
create table undo_users (
  -- the run that made the plan, which is not the one that applied it where it was approved
  run_id int not null,
  user_id int not null,
  -- order of writing; that of run numbers is another one
  seq bigint generated always as identity,
  -- image_changes; the whole image and its memberships where the run deleted the record; null: it created the record
  before jsonb,
  before_version int,
  before_digest bytea,
  -- null: the run deleted the record
  after_digest bytea,
  primary key (run_id, user_id)
);
create index undo_users_user on undo_users (user_id);
create table undo_groups (
  run_id int not null,
  group_id int not null,
  seq bigint generated always as identity,
  before jsonb,
  before_version int,
  before_digest bytea,
  after_digest bytea,
  primary key (run_id, group_id)
);
create index undo_groups_group on undo_groups (group_id);
-- memberships that the run ended
create table undo_memberships (
  run_id int not null,
  group_id int not null,
  user_id int not null,
  source_id int not null,
  seq bigint generated always as identity,
  primary key (run_id, group_id, user_id, source_id)
);
create index undo_memberships_user on undo_memberships (user_id);

-- What a revert took back and the mirror still asks for. A plan that would do it again is held. Emptied when a plan that
-- looked at the object was applied.
create table reverted_changes (
  source_id int not null references sources on delete cascade,
  -- object id of the user or group; `path …` for a group that Entra does not know
  object text collate "C" not null,
  -- what was done to it, see registry/reverted.ts
  change text collate "C" not null,
  -- the revert
  run_id int not null,
  -- its fence
  at bigint not null,
  primary key (source_id, object, change)
);

create function forget_undo() returns trigger language plpgsql as $$
begin
  delete from undo_users where run_id in (select id from gone);
  delete from undo_groups where run_id in (select id from gone);
  delete from undo_memberships where run_id in (select id from gone);
  return null;
end $$;
create trigger runs_gone_undo after delete on runs
  referencing old table as gone for each statement execute function forget_undo();
