-- Runs whose items may have become too old; looked for after every run.
create index runs_with_items on runs (ended_at) where items_removed_at is null or items_removed_at = 'infinity';
