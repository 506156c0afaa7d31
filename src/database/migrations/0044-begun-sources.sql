-- When somebody first had a source synchronized, however that ended: its schedule begins then. Null: it waits for that.
alter table sources add column begun_at timestamptz;
-- Schedules began by themselves before. Where a run has ended they go on, also where none has succeeded yet.
update sources s set begun_at = coalesce(
  (select least(h.last_success_at, h.failing_since) from source_health h where h.source_id = s.id),
  (select min(r.ended_at) from runs r
    where r.source_id = s.id and r.kind in ('sync', 'approve') and r.outcome in ('applied', 'no-change', 'held', 'failed')));
