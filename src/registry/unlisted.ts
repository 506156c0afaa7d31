// What the registry links to a source and a first load did not find.
import type { Queries } from '../database/connect.ts'

/**
 * Adds to the mirror, as reported absent and not proven, the active users and visible groups that this source owns in the
 * registry and its first load did not list. A first load may begin over a registry that is full: where a connection named
 * another tenant for a while, the mirror was forgotten and the registry was not.
 */
export async function addUnlisted(
  tx: Queries,
  sourceId: number,
  options: { readonly tenantId: string; readonly withGroups: boolean },
): Promise<void> {
  for (const [kind, table, isThere] of [
    ['u', 'users', 'active'],
    ['g', 'groups', 'not hidden'],
  ] as const) {
    if (kind === 'g' && !options.withGroups) continue
    await tx.query(
      `insert into mirror_objects (source_id, object_id, kind, state)
       select $1, r.object_id, '${kind}', 'a' from ${table} r
       where r.source_id = $1 and r.tenant_id = $2 and ${isThere}
         and not exists (select from mirror_objects o where o.source_id = $1 and o.object_id = r.object_id and o.kind <> '?')
       on conflict (source_id, object_id) do update set kind = excluded.kind, state = excluded.state`,
      [sourceId, options.tenantId],
    )
  }
}
