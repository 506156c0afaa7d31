// Members of one group by user name. Paged by key.
import type { Queries } from '../database/connect.ts'
import { canonical } from '../directory/canonical.ts'
import { beginsWith } from './user-search.ts'

export interface ListedMember {
  readonly userId: number
  readonly objectId: string | null
  readonly userName: string
  readonly fullName: string | null
  readonly active: boolean
  /** Sources that give it, by id and name. */
  readonly givenBy: readonly { readonly id: number; readonly name: string }[]
  readonly byHand: boolean
}

export interface MemberPlace {
  readonly key: string
  readonly id: number
}

/** Members by user name, deactivated ones too; a search finds by the beginning of it. */
export async function listMembers(
  db: Queries,
  query: {
    readonly groupId: number
    readonly search?: string | undefined
    readonly after?: MemberPlace | undefined
    readonly limit: number
  },
): Promise<{ readonly members: readonly ListedMember[]; readonly next: MemberPlace | undefined }> {
  const params: unknown[] = []
  const add = (value: unknown) => `$${params.push(value)}`
  const text = canonical(query.search ?? '')
  const part = (held: boolean) => `(
    select n.key, n.user_id as id from user_names n where n.kind = 'n' and n.held = ${held}
      ${text === '' ? '' : `and ${beginsWith('n.key collate "C"', text, add)}`}
      ${query.after === undefined ? '' : `and (n.key collate "C", n.user_id) > (${add(query.after.key)} collate "C", ${add(query.after.id)}::int)`}
      and n.user_id in (select m.user_id from memberships m where m.group_id = ${add(query.groupId)}::int)
    order by n.key collate "C", n.user_id limit ${add(query.limit + 1)})`
  const found = await db.query<MemberPlace>(
    `select key, id from (${part(true)} union all ${part(false)}) f order by key collate "C", id limit ${add(query.limit + 1)}`,
    params,
  )
  const page = found.rows.slice(0, query.limit)
  return {
    members: await membersOf(db, query.groupId, page),
    next: found.rows.length > query.limit ? page.at(-1) : undefined,
  }
}

async function membersOf(db: Queries, groupId: number, page: readonly MemberPlace[]): Promise<readonly ListedMember[]> {
  const found = await db.query<{
    id: number
    object_id: string | null
    user_name: string
    full_name: string | null
    active: boolean
    source_id: number
    source_name: string | null
  }>(
    `select u.id, u.object_id, u.user_name, u.full_name, u.active, m.source_id, s.name as source_name
     from memberships m join users u on u.id = m.user_id left join sources s on s.id = m.source_id
     where m.group_id = $1 and m.user_id = any($2::int[]) order by s.name`,
    [groupId, page.map((row) => row.id)],
  )
  return page.flatMap(({ id }) => {
    const rows = found.rows.filter((row) => row.id === id)
    const [row] = rows
    if (row === undefined) return []
    const { user_name: userName, full_name: fullName, object_id: objectId, active } = row
    const givenBy = rows.flatMap((r) => (r.source_name === null ? [] : [{ id: r.source_id, name: r.source_name }]))
    return [{ userId: id, objectId, userName, fullName, active, givenBy, byHand: rows.some((r) => r.source_id === 0) }]
  })
}
