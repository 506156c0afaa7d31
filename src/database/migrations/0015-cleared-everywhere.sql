-- Attributes that everybody seems to have lost though the permission to read them is there. A plan that follows is held.
alter table sources add column cleared_everywhere text[] not null default '{}';
