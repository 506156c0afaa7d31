-- The tables that a run fills in bulk keep their references by statement instead of by row. A foreign key looks up and
-- locks its row once for every row that is written: three quarters of the time of writing a membership (100,000 of them
-- took 2.6 s of processor time with their two keys, 0.7 s without).
--
-- What holds is the same: nothing can be written that refers to nobody, and what refers to a row goes with it. Whoever
-- deletes users or groups waits for those who write, and keeps them waiting, by a lock on the tables that refer to
-- them. Rows that belong to a source or a run are written only by whoever has locked that source or run.

alter table memberships drop constraint memberships_group_id_fkey, drop constraint memberships_user_id_fkey;
alter table user_names drop constraint user_names_user_id_fkey;
alter table credentials drop constraint credentials_user_id_fkey;
alter table claims drop constraint claims_user_id_fkey, drop constraint claims_source_id_fkey;
alter table users drop constraint users_source_id_fkey;
alter table plan_items drop constraint plan_items_run_id_fkey;
alter table plan_memberships drop constraint plan_memberships_run_id_fkey;
alter table mirror_objects drop constraint mirror_objects_source_id_fkey;
alter table mirror_marks drop constraint mirror_marks_source_id_fkey;
alter table mirror_member_marks drop constraint mirror_member_marks_source_id_fkey;
alter table mirror_groups_to_list drop constraint mirror_groups_to_list_source_id_fkey;
alter table mirror_doubtful_members drop constraint mirror_doubtful_members_source_id_fkey;

create function require_users() returns trigger language plpgsql as $$
begin
  if exists (select from added a where not exists (select from users u where u.id = a.user_id)) then
    raise foreign_key_violation using message = format('a new row of %s refers to no user', tg_table_name);
  end if;
  return null;
end $$;

create function require_groups() returns trigger language plpgsql as $$
begin
  if exists (select from added a where not exists (select from groups g where g.id = a.group_id)) then
    raise foreign_key_violation using message = format('a new row of %s refers to no group', tg_table_name);
  end if;
  return null;
end $$;

create trigger memberships_users after insert on memberships
  referencing new table as added for each statement execute function require_users();
create trigger memberships_groups after insert on memberships
  referencing new table as added for each statement execute function require_groups();
create trigger user_names_users after insert on user_names
  referencing new table as added for each statement execute function require_users();
create trigger credentials_users after insert on credentials
  referencing new table as added for each statement execute function require_users();
create trigger claims_users after insert on claims
  referencing new table as added for each statement execute function require_users();

create function wait_for_writers() returns trigger language plpgsql as $$
begin
  lock table memberships, user_names, credentials, claims in share row exclusive mode;
  return null;
end $$;

create trigger users_writers before delete on users for each statement execute function wait_for_writers();
create trigger groups_writers before delete on groups for each statement execute function wait_for_writers();

create function forget_users() returns trigger language plpgsql as $$
begin
  delete from memberships where user_id in (select id from gone);
  delete from user_names where user_id in (select id from gone);
  delete from credentials where user_id in (select id from gone);
  delete from claims where user_id in (select id from gone);
  return null;
end $$;

create function forget_groups() returns trigger language plpgsql as $$
begin
  delete from memberships where group_id in (select id from gone);
  return null;
end $$;

create function forget_sources() returns trigger language plpgsql as $$
begin
  update users set source_id = null where source_id in (select id from gone);
  delete from claims where source_id in (select id from gone);
  delete from mirror_objects where source_id in (select id from gone);
  delete from mirror_marks where source_id in (select id from gone);
  delete from mirror_member_marks where source_id in (select id from gone);
  delete from mirror_groups_to_list where source_id in (select id from gone);
  delete from mirror_doubtful_members where source_id in (select id from gone);
  return null;
end $$;

create function forget_runs() returns trigger language plpgsql as $$
begin
  delete from plan_items where run_id in (select id from gone);
  delete from plan_memberships where run_id in (select id from gone);
  return null;
end $$;

create trigger users_gone after delete on users
  referencing old table as gone for each statement execute function forget_users();
create trigger groups_gone after delete on groups
  referencing old table as gone for each statement execute function forget_groups();
create trigger sources_gone after delete on sources
  referencing old table as gone for each statement execute function forget_sources();
create trigger runs_gone after delete on runs
  referencing old table as gone for each statement execute function forget_runs();
