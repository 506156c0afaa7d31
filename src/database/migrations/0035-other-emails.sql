-- People are found by their other mail addresses too, the first five of them.

-- How the address at a place is compared, without the scheme that proxyAddresses have; null where there is none.
create function other_email(addresses text[], place int) returns text language sql immutable parallel safe
return case when addresses[place] is null then null
  else search_key(regexp_replace(addresses[place], '^smtp:', '', 'i')) end;

create index users_first_other_email on users ((other_email(alternate_emails, 1) collate "C"), id) where other_email(alternate_emails, 1) is not null;
create index users_second_other_email on users ((other_email(alternate_emails, 2) collate "C"), id) where other_email(alternate_emails, 2) is not null;
create index users_third_other_email on users ((other_email(alternate_emails, 3) collate "C"), id) where other_email(alternate_emails, 3) is not null;
create index users_fourth_other_email on users ((other_email(alternate_emails, 4) collate "C"), id) where other_email(alternate_emails, 4) is not null;
create index users_fifth_other_email on users ((other_email(alternate_emails, 5) collate "C"), id) where other_email(alternate_emails, 5) is not null;
