-- Several sources of one tenant: who else gives a group, memberships that somebody else gives too, plans for single users,
-- and since when a source has missed somebody.

-- A source that wants a group which another one owns. Written when planned; users' claims are written when applied.
create table group_claims (
  group_id int not null,
  source_id int not null references sources on delete cascade,
  primary key (group_id, source_id)
);
create index group_claims_source on group_claims (source_id);

-- Rows of memberships that a plan adds or removes though the membership itself stays, because another source gives it too.
create table plan_shared_memberships (
  run_id int not null,
  op "char" not null check (op in ('a', 'r')),
  group_id int not null,
  user_id int not null
);
create index plan_shared_memberships_run on plan_shared_memberships (run_id);

create or replace function forget_runs() returns trigger language plpgsql as $$
begin
  delete from plan_items where run_id in (select id from gone);
  delete from plan_memberships where run_id in (select id from gone);
  delete from plan_shared_memberships where run_id in (select id from gone);
  return null;
end $$;

-- The mirror keys of a plan that is for some users alone; null: for all that are marked, or everybody.
alter table runs add column only_keys int[];
-- What the run did, in the safeguard's numbers; those of the last 24 hours count with the next plan.
alter table runs add column figures jsonb;

-- Since when a source has missed a user who is still active.
create table absences (
  source_id int not null references sources on delete cascade,
  user_id int not null,
  since timestamptz not null,
  primary key (source_id, user_id)
);
create index absences_user on absences (user_id);

create index users_deactivated on users (source_id, deactivated_at) where deactivated_by = 'source';

-- References of tables that are filled in bulk are kept by statement triggers, as in 0002.
create or replace function forget_users() returns trigger language plpgsql as $$
begin
  delete from memberships where user_id in (select id from gone);
  delete from user_names where user_id in (select id from gone);
  delete from credentials where user_id in (select id from gone);
  delete from claims where user_id in (select id from gone);
  delete from absences where user_id in (select id from gone);
  return null;
end $$;

create or replace function forget_groups() returns trigger language plpgsql as $$
begin
  delete from memberships where group_id in (select id from gone);
  delete from group_claims where group_id in (select id from gone);
  return null;
end $$;
