// People and groups put straight into the registry, as applied plans leave them.
import type { Database, Queries } from '../../src/database/connect.ts'
import { canonical } from '../../src/directory/canonical.ts'
import { splitPath } from '../../src/directory/group.ts'

export interface PlacedUser {
  readonly userName: string
  readonly fullName?: string | null
  readonly email?: string | null
  readonly personalNumber?: string
  readonly aliases?: readonly string[]
  readonly active?: boolean
  readonly tenantId?: string
  readonly objectId?: string
  readonly sourceId?: number
}

/** Inserts a user who holds his names while he is active. */
export async function placeUser(db: Queries, user: PlacedUser): Promise<number> {
  const { userName, active = true, aliases = [], personalNumber } = user
  const number = personalNumber === undefined ? null : canonical(personalNumber)
  const placed = await db.query<{ id: number }>(
    `insert into users (tenant_id, object_id, source_id, user_name, full_name, email, personal_number, canonical_number, personal_number_key,
       active, deactivated_by, deactivated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, case when $9 then $8 end, $9, case when not $9 then 'source' end, case when not $9 then now() end)
     returning id`,
    [
      user.tenantId ?? null,
      user.objectId ?? null,
      user.sourceId ?? null,
      userName,
      user.fullName ?? null,
      user.email ?? null,
      personalNumber ?? null,
      number,
      active,
    ],
  )
  const id = placed.rows[0]!.id
  const names: (readonly [kind: string, value: string])[] = [['n', userName]]
  for (const alias of aliases) names.push(['a', alias])
  for (const [kind, value] of names) {
    await db.query('insert into user_names (user_id, kind, value, key, origin, held) values ($1, $2, $3, $4, $5, $6)', [
      id,
      kind,
      value,
      canonical(value),
      kind === 'n' || user.sourceId !== undefined ? 's' : 'o',
      active,
    ])
  }
  return id
}

/** Inserts a group at a path. */
export async function placeGroup(
  db: Queries,
  path: string,
  from?: { readonly tenantId: string; readonly objectId: string; readonly sourceId: number },
): Promise<number> {
  const names = splitPath(path)
  const name = names.at(-1)!
  const under = path.slice(0, Math.max(0, path.length - name.replaceAll('|', '\\|').length - 1))
  const placed = await db.query<{ id: number }>(
    'insert into groups (tenant_id, object_id, source_id, name, under) values ($1, $2, $3, $4, $5) returning id',
    [from?.tenantId ?? null, from?.objectId ?? null, from?.sourceId ?? null, name, under],
  )
  return placed.rows[0]!.id
}

/** A database that also keeps what was asked of it. */
export function listening(db: Database): {
  readonly db: Database
  readonly asked: { readonly sql: string; readonly params: readonly unknown[] }[]
} {
  const asked: { sql: string; params: readonly unknown[] }[] = []
  return {
    asked,
    db: {
      ...db,
      query: (sql, params = []) => {
        asked.push({ sql, params })
        return db.query(sql, params)
      },
      prepared: (sql, params) => {
        asked.push({ sql, params })
        return db.prepared(sql, params)
      },
    },
  }
}
