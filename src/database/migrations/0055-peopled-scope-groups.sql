-- The selected groups of a source that had somebody when a plan was last applied: one of them that has nobody any more has lost all its members,
-- until a plan that says so was done whole. Of sources that are there already, any may have had somebody.
alter table sources add column peopled_scope_groups uuid[];
update sources set peopled_scope_groups = array(select g::uuid from jsonb_array_elements_text(settings #> '{users,import,groups}') g)
  where jsonb_typeof(settings #> '{users,import,groups}') = 'array';
-- Plans say from now on of which of them.
update runs set made_with = made_with || '{"emptiedScopeGroups": []}' where made_with is not null;
