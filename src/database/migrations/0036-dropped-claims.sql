-- A plan says of each claim whether its source makes it or drops it, as plan_group_claims does.
alter table plan_claims add column claims boolean not null default true;
alter table plan_claims alter column claims drop default;
