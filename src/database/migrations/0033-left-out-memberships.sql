-- k: kept. An approval left the removal out; it stays in the plan, so that what was not done can be seen.
alter table plan_memberships drop constraint plan_memberships_op_check;
alter table plan_memberships add constraint plan_memberships_op_check check (op in ('a', 'r', 'k'));
