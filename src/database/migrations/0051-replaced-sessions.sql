-- The session that a browser had when it went to Microsoft: it ends when that browser comes back with another one. It may have ended before.
alter table signin_flows add column replaces int;
