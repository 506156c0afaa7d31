-- Who made a token, by id: it may do no more than he may now. A name alone could be anybody's by then.
alter table api_tokens add column maker_kind text, add column maker_id int;
alter table terminals add column maker_kind text, add column maker_id int;

-- The role that Entra gave somebody when he signed in last. Without a reference to users, who are emptied and filled by runs.
create table person_roles (
  user_id int primary key,
  connection_id int not null references connections on delete cascade,
  role text check (role in ('viewer', 'helpdesk', 'operator', 'administrator')),
  seen_at timestamptz not null
);
create index person_roles_connection on person_roles (connection_id);

-- As their sessions say. Whoever signed in long ago has none any more, and his tokens worked until now: see below.
insert into person_roles (user_id, connection_id, role, seen_at)
  select distinct on (user_id) user_id, connection_id, role, created_at from sessions
   where user_id is not null order by user_id, created_at desc;

-- What was made before: by the name, and by the kind that the audit has of it. Whoever is not found any more is nobody, and so is
-- whoever came to the name later.
create temporary table made_by on commit drop as
  select a.action, a.details::jsonb ->> 'prefix' as prefix, (array_agg(a.actor_kind order by a.id desc))[1] as actor_kind
    from audit a where a.action in ('token.create', 'terminal.create') group by 1, 2;

create temporary table made on commit drop as
  select t.id, t.kind_of, t.created_by, t.created_at, coalesce(m.actor_kind, 'account') as actor_kind
    from (select id, 'token' as kind_of, created_by, created_at, prefix from api_tokens
          union all select id, 'terminal', created_by, created_at, prefix from terminals) t
    left join made_by m on m.action = t.kind_of || '.create' and m.prefix = t.prefix;

create temporary table makers on commit drop as
  select m.kind_of, m.id, 'account' as maker_kind, a.id as maker_id
    from made m join administrators a on a.name = m.created_by and a.created_at <= m.created_at
   where m.actor_kind = 'account'
  union all
  select m.kind_of, m.id, 'person', min(u.id)
    from made m join users u on u.user_name = m.created_by and u.created_at <= m.created_at
   where m.actor_kind = 'person' and not exists (select from plan_items i join runs r on r.id = i.run_id
     where i.user_id = u.id and i.object = 'user' and i.action = 'rename' and r.outcome = 'applied' and r.ended_at > m.created_at)
   group by 1, 2 having count(*) = 1
  union all
  select kind_of, id, 'command line', null from made where actor_kind = 'command line';

update api_tokens t set maker_kind = m.maker_kind, maker_id = m.maker_id from makers m where m.kind_of = 'token' and m.id = t.id;
update terminals t set maker_kind = m.maker_kind, maker_id = m.maker_id from makers m where m.kind_of = 'terminal' and m.id = t.id;

-- Only administrators make them. Of whom nothing is known, that counts for 14 days more (of the 30 that a sign-in counts), so that no
-- upgrade stops what runs at night; until then he has to sign in once.
insert into person_roles (user_id, connection_id, role, seen_at)
  select distinct m.maker_id, s.connection_id, 'administrator', now() - interval '16 days'
    from makers m join users u on m.maker_kind = 'person' and u.id = m.maker_id join sources s on s.id = u.source_id
  on conflict (user_id) do nothing;
