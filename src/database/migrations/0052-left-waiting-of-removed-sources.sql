-- 0050 left out runs whose source had been removed: neither they nor the run whose plan they left have a source any more. Only Muster writes this reason, with a run of
-- the same source, so that the number alone tells which.
update runs r set left_waiting = w.id from runs w
  where r.left_waiting is null and r.source_id is null and w.source_id is null
    and r.decision = 'superseded' and r.decided_reason = 'the plan of run ' || w.id || ' still waits';
