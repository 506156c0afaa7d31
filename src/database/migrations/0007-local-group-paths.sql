-- Groups that Entra does not know, made by hand or from attributes, are known by their path in its canonical form. The
-- canonical form is made by JavaScript, so a group that is written by other means has no key until somebody asks.
alter table groups add path_key bytea;
alter table groups add constraint groups_path_key_check check (path_key is null or object_id is null);
create unique index groups_path on groups (path_key) where path_key is not null;
create index groups_unkeyed on groups (id) where object_id is null and path_key is null;

create function forget_path_key() returns trigger language plpgsql as $$
begin
  new.path_key := null;
  return new;
end $$;
create trigger groups_moved before update of name, under on groups for each row
  when ((old.name, old.under) is distinct from (new.name, new.under)) execute function forget_path_key();

-- The default group that a source gave. Whoever sets another one by hand need not touch this: it is then no longer the one given.
alter table users add given_default_group_id integer;

-- The key follows from name and place, and may be found out later: it is no part of what a group was before a change.
create or replace function group_image(g groups) returns jsonb language sql stable as $$
  select jsonb_build_object('row', to_jsonb(g) - 'path_key')
$$;
