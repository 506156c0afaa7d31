-- The settings of the last plan for everybody that was applied: what they gave otherwise, later changes are owed to the settings.
alter table sources add column planned_settings jsonb;
update sources set planned_settings = settings where not marked_all;
