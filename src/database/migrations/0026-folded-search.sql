-- Searching without accents, and by any of the first five words of a name.

drop index users_full_name, users_second_word, users_third_word, users_email;
drop index groups_level, groups_name, groups_second_word, groups_third_word;

-- How a search compares: without accents (NFKD, marks taken away), letters that have no mark to take away as they are typed without
-- them, small letters, one apostrophe; the first 200 characters (an index takes no more than 2,704 bytes). Never used to tell two people
-- apart. The letters are those of Unicode where the server has a collation that knows them, whatever the database was made with.
do $do$
declare
  folding text := coalesce(
    (select 'pg_c_utf8' where exists (select from pg_collation where collname = 'pg_c_utf8' and collencoding = 6)),
    (select 'und-x-icu' where exists (select from pg_collation where collname = 'und-x-icu')),
    'default');
begin
  execute format($f$
    create or replace function search_key(value text) returns text language sql immutable parallel safe
    return case
      -- Most names, at half the price.
      when value ~ '^[\x20-\x7e]*$' then left(lower(value collate "C"), 200) collate "C"
      else left(
        replace(replace(replace(replace(
          translate(
            regexp_replace(
              lower(normalize(left(value, 200), NFKD) collate %I), '[\u0300-\u036f]+', '', 'g'),
            'øłđħıðŧ’ʼ', 'oldhidt'''''),
          'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 200) collate "C"
      end $f$, folding);
end $do$;

-- What follows the first words; null where nothing does.
create function fourth_word_on(value text) returns text language sql immutable parallel safe
return substring(search_key(value) from '^(?:[^ ,.''’-]+[ ,.''’-]+){3}(.+)$') collate "C";
create function fifth_word_on(value text) returns text language sql immutable parallel safe
return substring(search_key(value) from '^(?:[^ ,.''’-]+[ ,.''’-]+){4}(.+)$') collate "C";

create index users_full_name on users ((search_key(full_name) collate "C"), id);
create index users_second_word on users ((second_word_on(full_name) collate "C"), id) where second_word_on(full_name) is not null;
create index users_third_word on users ((third_word_on(full_name) collate "C"), id) where third_word_on(full_name) is not null;
create index users_fourth_word on users ((fourth_word_on(full_name) collate "C"), id) where fourth_word_on(full_name) is not null;
create index users_fifth_word on users ((fifth_word_on(full_name) collate "C"), id) where fifth_word_on(full_name) is not null;
create index users_email on users ((search_key(email) collate "C"), id);

create index groups_level on groups (md5(under), (search_key(name) collate "C"), id) where not hidden;
create index groups_name on groups ((search_key(name) collate "C"), id) where not hidden;
create index groups_second_word on groups ((second_word_on(name) collate "C"), id) where not hidden and second_word_on(name) is not null;
create index groups_third_word on groups ((third_word_on(name) collate "C"), id) where not hidden and third_word_on(name) is not null;
create index groups_fourth_word on groups ((fourth_word_on(name) collate "C"), id) where not hidden and fourth_word_on(name) is not null;
create index groups_fifth_word on groups ((fifth_word_on(name) collate "C"), id) where not hidden and fifth_word_on(name) is not null;
