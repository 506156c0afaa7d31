-- Whom a plan found to be wanted by its source though the registry does not say so yet; becomes claims when the plan is applied.
create table plan_claims (
  run_id int not null,
  user_id int not null,
  primary key (run_id, user_id)
);
-- The same for groups that another source owns.
create table plan_group_claims (
  run_id int not null,
  group_id int not null,
  claims boolean not null,
  primary key (run_id, group_id)
);

create or replace function forget_runs() returns trigger language plpgsql as $$
begin
  delete from plan_items where run_id in (select id from gone);
  delete from plan_memberships where run_id in (select id from gone);
  delete from plan_shared_memberships where run_id in (select id from gone);
  delete from plan_claims where run_id in (select id from gone);
  delete from plan_group_claims where run_id in (select id from gone);
  return null;
end $$;
