-- When whoever has a session last proved who he is: what is sensitive asks for that anew. Null: nobody knows.
alter table sessions add column authenticated_at timestamptz;
update sessions set authenticated_at = created_at where administrator_id is not null;
-- The session that a way to Microsoft and back is to prove anew; null: it begins one.
alter table signin_flows add column session_id int references sessions (id) on delete cascade;
create index signin_flows_session on signin_flows (session_id) where session_id is not null;
