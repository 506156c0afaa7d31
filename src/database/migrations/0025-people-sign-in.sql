-- People who sign in with Microsoft: their sessions, sign-ins that are under way, and which of their app roles and groups are roles here.
alter table sessions alter column administrator_id drop not null;
alter table sessions
  -- Refers to users by the triggers below: a table that a foreign key names cannot be emptied and filled as fast (see 0002).
  add column user_id int,
  add column connection_id int references connections on delete cascade,
  -- What app roles and groups gave when the session began; null: the own page only.
  add column role text check (role in ('viewer', 'helpdesk', 'operator', 'administrator')),
  -- Why groups of the tenant could not be asked for; null where nothing is missing.
  add column role_problem text,
  -- `sub`: the person for this application alone. For looking into what happened; nobody is found by it.
  add column subject text,
  add constraint sessions_owner_check check (
    case when administrator_id is null then user_id is not null and connection_id is not null
         else user_id is null and connection_id is null and role is null end);
create index sessions_of_user on sessions (user_id) where user_id is not null;

create function require_session_users() returns trigger language plpgsql as $$
begin
  if exists (select from added a where a.user_id is not null and not exists (select from users u where u.id = a.user_id)) then
    raise foreign_key_violation using message = 'a new session refers to no user';
  end if;
  return null;
end $$;
create trigger sessions_users after insert on sessions
  referencing new table as added for each statement execute function require_session_users();

create function forget_sessions() returns trigger language plpgsql as $$
begin
  delete from sessions where user_id in (select id from gone);
  return null;
end $$;
create trigger users_sessions after delete on users
  referencing old table as gone for each statement execute function forget_sessions();

-- Sign-ins in a browser between the way to Microsoft and the way back; each is used once.
create table signin_flows (
  -- SHA-256 of the state.
  digest bytea primary key,
  connection_id int not null references connections on delete cascade,
  -- SHA-256 of what the browser's cookie holds: a callback in another browser is refused.
  browser bytea not null,
  nonce text not null,
  -- Sealed for this flow.
  verifier bytea not null,
  redirect_uri text not null,
  return_to text not null,
  -- Keyed digest of the network that asked: so that nobody fills the table.
  network bytea not null,
  expires_at timestamptz not null
);
create index signin_flows_end on signin_flows (expires_at);
create index signin_flows_network on signin_flows (network);

create table role_mappings (
  id int generated always as identity primary key,
  connection_id int not null references connections on delete cascade,
  kind text not null check (kind in ('appRole', 'group')),
  -- An app role's value as it stands in the app registration, or a group's object id.
  value text not null check (value <> ''),
  role text not null check (role in ('viewer', 'helpdesk', 'operator', 'administrator')),
  created_at timestamptz not null,
  unique (connection_id, kind, value)
);
