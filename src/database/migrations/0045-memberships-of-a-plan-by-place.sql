-- A page of a plan reads the memberships of one group from where the page before ended, and not all that the plan has.
create index plan_memberships_place on plan_memberships (run_id, op, group_id, user_id);
drop index plan_memberships_run;
