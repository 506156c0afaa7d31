-- The held plans that wait for a decision: asked for with every list of sources, and there are hardly ever any.
create index runs_waiting on runs (source_id, id desc) where outcome = 'held' and decision is null;
