-- The settings of each source as they were saved, so that a mistake in them can be taken back: the newest row is what holds now. Nothing
-- secret is among settings; credentials are connections'.
create table source_settings (
  source_id integer not null references sources on delete cascade,
  number integer not null,
  settings jsonb not null,
  saved_at timestamptz not null,
  -- Who saved them; null: before this was kept.
  actor_kind text,
  actor_name text,
  primary key (source_id, number)
);

insert into source_settings (source_id, number, settings, saved_at)
  select id, 1, settings, updated_at from sources;
