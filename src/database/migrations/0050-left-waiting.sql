-- Of a run by schedule that was held no longer than another one waits: that one, whose plan it has.
alter table runs add column left_waiting int references runs on delete set null;
update runs r set left_waiting = w.id from runs w
  where r.decision = 'superseded' and r.decided_reason = 'the plan of run ' || w.id || ' still waits' and w.source_id = r.source_id;
