-- Who signs in by a code on another device registers a card only where a terminal says so: somebody may have been talked into typing it.
alter table terminals drop constraint terminals_unknown_card_check;
alter table terminals add constraint terminals_unknown_card_check check (unknown_card in ('refuse', 'register', 'registerAlsoByCode'));

-- Which cards people gave themselves, and where: so that they are few, and their owner sees them. Without references, as runs fill credentials;
-- by the look-up, as whoever takes a run back writes the credentials of its people anew.
create table registered_cards (
  user_id int not null,
  lookup bytea not null,
  terminal text not null,
  registered_at timestamptz not null,
  primary key (user_id, lookup)
);
