-- Cards keep the order in which they came, also when they come back.
create or replace function user_image(u users) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'row', to_jsonb(u),
    'names', coalesce((select jsonb_agg(to_jsonb(n) - 'user_id' order by n.kind desc, n.key, n.value, n.origin)
      from user_names n where n.user_id = u.id), '[]'),
    'credentials', coalesce((select jsonb_agg(to_jsonb(c) - '{id,user_id}'::text[] order by c.id)
      from credentials c where c.user_id = u.id), '[]'),
    'claims', coalesce((select jsonb_agg(c.source_id order by c.source_id) from claims c where c.user_id = u.id), '[]'))
$$;
