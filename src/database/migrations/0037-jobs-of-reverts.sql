-- Taking a run back is a job too: it goes on when whoever asked for it closes his browser, and when its server dies.
alter table jobs drop constraint jobs_kind_check;
alter table jobs add constraint jobs_kind_check check (kind in ('sync', 'plan', 'approve', 'revert'));
-- What is taken back, of whom, why, and whether that is confirmed.
alter table jobs add column reversal jsonb;
alter table jobs add constraint jobs_reversal_check check ((reversal is null) = (kind <> 'revert'));
-- Who asked for the same before, the first one first: where the last one may not any more, one of them may.
alter table jobs add column also_asked jsonb not null default '[]';
drop index jobs_waiting;
create unique index jobs_waiting on jobs (source_id, kind, subject, coalesce(approves, (reversal ->> 'run')::int, 0)) where state = 'queued';
-- The only user who is taken back.
alter table runs add column reverts_user integer;
