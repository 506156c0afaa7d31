// Groups whose members Entra shows to few.
import type { Queries } from '../database/connect.ts'

/** Object ids of groups with hidden membership that sources of a connection have read, at most `limit`. */
export async function listHiddenGroups(
  db: Queries,
  { connectionId, limit }: { readonly connectionId: number; readonly limit: number },
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select distinct o.object_id as id from mirror_objects o join sources s on s.id = o.source_id
      where s.connection_id = $1 and o.kind = 'g' and o.state = 'l' and o.attributes->>'visibility' = 'HiddenMembership'
      order by o.object_id limit $2`,
    [connectionId, limit],
  )
  return rows.map(({ id }) => id)
}
