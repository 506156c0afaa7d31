-- A plan says of each claim whether its source makes it or drops it, as plan_group_claims does.
alter table plan_claims add column claims boolean not null default true;
alter table plan_claims alter column claims drop default;
-- They went with their run only; with the items of a plan goes what it claimed.
delete from plan_claims p using runs r where r.id = p.run_id and r.items_removed_at < 'infinity';
delete from plan_group_claims p using runs r where r.id = p.run_id and r.items_removed_at < 'infinity';
