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

-- What was made before: by the name, and by the kind that the audit has of it. Whoever is not found any more is nobody.
create temporary table made_by on commit drop as
  select t.id, t.kind_of, t.created_by, t.created_at,
         (select a.actor_kind from audit a
           where a.action = t.kind_of || '.create' and a.actor_name = t.created_by and a.details like '%' || t.prefix || '%'
           order by a.id desc limit 1) as actor_kind
    from (select id, 'token' as kind_of, created_by, created_at, prefix from api_tokens
          union all select id, 'terminal', created_by, created_at, prefix from terminals) t;

create temporary table makers on commit drop as
  select m.kind_of, m.id, 'account' as maker_kind, a.id as maker_id
    from made_by m join administrators a on a.name = m.created_by and a.created_at <= m.created_at
   where coalesce(m.actor_kind, 'account') = 'account'
  union all
  select m.kind_of, m.id, 'person', min(u.id)
    from made_by m join users u on u.user_name = m.created_by
   where m.actor_kind = 'person' group by 1, 2 having count(*) = 1
  union all
  select kind_of, id, 'command line', null from made_by where actor_kind = 'command line';

update api_tokens t set maker_kind = m.maker_kind, maker_id = m.maker_id from makers m where m.kind_of = 'token' and m.id = t.id;
update terminals t set maker_kind = m.maker_kind, maker_id = m.maker_id from makers m where m.kind_of = 'terminal' and m.id = t.id;
