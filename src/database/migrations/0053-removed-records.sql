-- Whom a run or a revert removed is looked up by his object id: his history is kept as long as that of all others.
create index plan_items_removed on plan_items (object_id) where object = 'user' and action = 'delete';
