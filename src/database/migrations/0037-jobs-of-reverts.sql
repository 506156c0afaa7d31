-- Taking a run back is a job too: it goes on when whoever asked for it closes his browser, and when its server dies.
alter table jobs drop constraint jobs_kind_check;
alter table jobs add constraint jobs_kind_check check (kind in ('sync', 'plan', 'approve', 'revert'));
-- What is taken back, of whom, why, and whether that is confirmed.
alter table jobs add column reversal jsonb;
alter table jobs add constraint jobs_reversal_check check ((reversal is null) = (kind <> 'revert'));
-- All who asked for it, with what each of them wants, the first one first; of a schedule's slot the schedule too. Where one of them may not
-- any more, or takes back what he asked for, it is done for the others.
alter table jobs add column askers jsonb not null default '[]';
update jobs set askers =
  case when slot is not null and actor_kind <> 'schedule'
    then jsonb_build_array(jsonb_build_object('kind', 'schedule', 'name', 'schedule', 'id', null, 'full', is_full)) else '[]' end
  || jsonb_build_array(jsonb_build_object('kind', actor_kind, 'name', actor_name, 'id', actor_id, 'full', is_full));
alter table jobs alter column askers drop default, add check (jsonb_array_length(askers) > 0);
-- Counts who joined and left: who took it before begins nothing with it.
alter table jobs add column revision int not null default 0;
drop index jobs_waiting;
create unique index jobs_waiting on jobs (source_id, kind, subject, coalesce(approves, (reversal ->> 'run')::int, 0)) where state = 'queued';
-- The only user who is taken back.
alter table runs add column reverts_user integer;
