-- People and groups as the web lists and searches them: by key, in pages, whatever their number.

-- How a search compares: NFKC and small letters, the first 200 characters (an index takes no more than 2,704 bytes). Close to the
-- canonical form of names, and never used to tell two people apart. The letters are those of Unicode where the server has a
-- collation that knows them, whatever the database was made with.
do $do$
declare
  folding text := coalesce(
    (select 'pg_c_utf8' where exists (select from pg_collation where collname = 'pg_c_utf8' and collencoding = 6)),
    (select 'und-x-icu' where exists (select from pg_collation where collname = 'und-x-icu')),
    'default');
begin
  execute format($f$
    create function search_key(value text) returns text language sql immutable parallel safe
    return left(lower(normalize(left(value, 200), NFKC) collate %I), 200) collate "C" $f$, folding);
end $do$;

-- What follows the first, and the second, word; null where nothing does.
create function second_word_on(value text) returns text language sql immutable parallel safe
return substring(search_key(value) from '^[^ ,.''’-]+[ ,.''’-]+(.+)$') collate "C";
create function third_word_on(value text) returns text language sql immutable parallel safe
return substring(search_key(value) from '^[^ ,.''’-]+[ ,.''’-]+[^ ,.''’-]+[ ,.''’-]+(.+)$') collate "C";

-- The list of users by user name, and whom the beginning of a user name or alias finds.
create index user_names_listed on user_names (kind, held, key collate "C", user_id);
create index users_full_name on users ((search_key(full_name) collate "C"), id);
create index users_second_word on users ((second_word_on(full_name) collate "C"), id) where second_word_on(full_name) is not null;
create index users_third_word on users ((third_word_on(full_name) collate "C"), id) where third_word_on(full_name) is not null;
create index users_email on users ((search_key(email) collate "C"), id);
create index users_number on users (canonical_number collate "C", id) where canonical_number is not null;

-- A path can be longer than an index takes.
create index groups_level on groups (md5(under), (search_key(name) collate "C"), id) where not hidden;
create index groups_name on groups ((search_key(name) collate "C"), id) where not hidden;
create index groups_second_word on groups ((second_word_on(name) collate "C"), id) where not hidden and second_word_on(name) is not null;
create index groups_third_word on groups ((third_word_on(name) collate "C"), id) where not hidden and third_word_on(name) is not null;

-- What administrators did to one user or group.
create index audit_subject on audit (subject, id) where subject is not null;

-- How many people were active at the end of a day (UTC).
create table people_days (
  day date primary key,
  active int not null
);
