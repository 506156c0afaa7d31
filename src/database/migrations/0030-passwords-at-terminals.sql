-- Whether people may type their Microsoft passwords at terminals that ask for them. Off until somebody decides otherwise.
alter table connections add column passwords_at_terminals boolean not null default false;
