// Registry groups as planning reads them.
import type { Queries } from '../database/connect.ts'
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'
import type { RegistryGroup } from '../directory/group.ts'

/** The groups of a tenant with these object ids, in no order. */
export async function groupsByObjectIds(
  db: Queries,
  tenantId: string,
  objectIds: readonly string[],
): Promise<RegistryGroup[]> {
  const found = await db.query<GroupRow>(
    `select ${COLUMNS} from groups where tenant_id = $1 and object_id = any($2::uuid[])`,
    [tenantId, objectIds],
  )
  return found.rows.map(presentGroup)
}

/** The groups that a source has from this tenant, and that neither this planning nor an earlier one deletes. */
export async function* eachUnplannedGroupOf(
  tx: Transaction,
  options: { readonly sourceId: number; readonly tenantId: string; readonly batch: number },
): AsyncGenerator<readonly RegistryGroup[], void, undefined> {
  const rows = streamRows<GroupRow>(
    tx.client,
    `select ${COLUMNS} from groups g where source_id = $1 and tenant_id = $2 and not hidden
       and not exists (select from planned_groups p where p.group_id = g.id)
     order by object_id`,
    { params: [options.sourceId, options.tenantId], batch: options.batch },
  )
  for await (const batch of rows) yield batch.map(presentGroup)
}

interface GroupRow {
  readonly id: number
  readonly object_id: string | null
  readonly source_id: number | null
  readonly name: string
  readonly under: string
  readonly hidden: boolean
  readonly version: number
}

const COLUMNS = 'id, object_id, source_id, name, under, hidden, version'

function presentGroup(row: GroupRow): RegistryGroup {
  return {
    id: row.id,
    objectId: row.object_id,
    sourceId: row.source_id,
    name: row.name,
    under: row.under,
    hidden: row.hidden,
    version: row.version,
  }
}
