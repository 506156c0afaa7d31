-- Until then a session that was begun by a link of the console sets the password of its account without the old one, once. Null: it does not.
alter table sessions add column sets_password_until timestamptz;
