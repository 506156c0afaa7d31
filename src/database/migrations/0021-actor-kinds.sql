-- People who signed in with Microsoft, and terminals, do things too.
alter table audit drop constraint audit_actor_kind_check;
alter table audit add constraint audit_actor_kind_check
  check (actor_kind in ('account', 'person', 'token', 'terminal', 'command line', 'schedule', 'nobody'));
alter table jobs drop constraint jobs_actor_kind_check;
alter table jobs add constraint jobs_actor_kind_check
  check (actor_kind in ('account', 'person', 'token', 'terminal', 'command line', 'schedule', 'nobody'));
