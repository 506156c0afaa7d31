-- The audit is looked through by who did it and by what was done; by both the newest comes first.
create index audit_actor on audit (actor_name, id desc);
create index audit_action on audit (action text_pattern_ops, id desc);
-- Issues of one kind.
create index issues_code on issues (code, id);
