// Registry groups as planning reads them.
import type { Queries } from '../database/connect.ts'
import type { RegistryGroup } from '../directory/group.ts'

/** The groups of a tenant with these object ids, in no order. */
export async function groupsByObjectIds(
  db: Queries,
  tenantId: string,
  objectIds: readonly string[],
): Promise<RegistryGroup[]> {
  const found = await db.query<{
    id: number
    object_id: string | null
    source_id: number | null
    name: string
    under: string
    hidden: boolean
    version: number
  }>(
    'select id, object_id, source_id, name, under, hidden, version from groups where tenant_id = $1 and object_id = any($2::uuid[])',
    [tenantId, objectIds],
  )
  return found.rows.map((row) => ({
    id: row.id,
    objectId: row.object_id,
    sourceId: row.source_id,
    name: row.name,
    under: row.under,
    hidden: row.hidden,
    version: row.version,
  }))
}
