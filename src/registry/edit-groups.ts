// Local groups by hand. Each has a path of its own; groups of Entra are known by object id and are not changed here.
import { ConfigError, ConflictError, NotFoundError } from '../base/errors.ts'
import type { Database, Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'
import { pathKeyOf, pathOf, splitPath } from '../directory/group.ts'
import { keyLocalGroups, localGroupAt } from './attribute-groups.ts'
import { type Edit, withEdit } from './edit.ts'
import { changedMeanwhile } from './meanwhile.ts'

interface Place {
  readonly name: string
  readonly under: string
}

/** @returns its id @throws ConfigError for a path with an empty part; ConflictError `path-taken` */
export async function createGroup(db: Database, edit: Edit & Place): Promise<number> {
  return withEdit(db, edit, async (tx) => {
    await requireFreePath(tx, edit, undefined)
    const made = await tx.query<{ id: number }>('insert into groups (name, under) values ($1, $2) returning id', [
      edit.name,
      edit.under,
    ])
    const id = made.rows[0]?.id ?? 0
    await keyLocalGroups(tx)
    return { result: id, audit: [about(id, 'group.create', { new: { path: pathOf(edit.under, edit.name) } })] }
  })
}

/**
 * Renames or moves a local group, and with it the local groups below it.
 *
 * @param edit.seen the path that it had for whoever looked at it
 * @throws NotFoundError; ConfigError; ConflictError `path-taken`, `owned-by-source`, `below-itself`, `changed-meanwhile`
 */
export async function changeGroup(
  db: Database,
  edit: Edit & {
    readonly groupId: number
    readonly name?: string | undefined
    readonly under?: string | undefined
    readonly seen?: string | undefined
  },
): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const group = await requireLocal(tx, edit.groupId)
    const place = { name: edit.name ?? group.name, under: edit.under ?? group.under }
    const [before, after] = [pathOf(group.under, group.name), pathOf(place.under, place.name)]
    if (edit.seen !== undefined && edit.seen !== before) throw changedMeanwhile(`the group ${JSON.stringify(before)}`)
    if (before === after) return { result: undefined, audit: [] }
    if (place.under === before || place.under.startsWith(`${before}|`))
      throw new ConflictError('below-itself', `${JSON.stringify(before)} cannot be moved below itself`)
    await requireFreePath(tx, place, group.id)
    await requireNoImported(tx, before)
    await tx.query('update groups set name = $2, under = $3, version = version + 1, updated_at = now() where id = $1', [
      group.id,
      place.name,
      place.under,
    ])
    await tx.query(
      `update groups set under = $2 || substr(under, length($1) + 1), version = version + 1, updated_at = now()
       where under = $1 or starts_with(under, $1 || '|')`,
      [before, after],
    )
    await keyLocalGroups(tx)
    return {
      result: undefined,
      audit: [about(group.id, 'group.change', { old: { path: before }, new: { path: after } })],
    }
  })
}

/** @throws NotFoundError; ConflictError `owned-by-source`, `has-children` */
export async function removeGroup(db: Database, edit: Edit & { readonly groupId: number }): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const group = await requireLocal(tx, edit.groupId)
    const path = pathOf(group.under, group.name)
    const below = await tx.query(
      `select from groups where not hidden and (under = $1 or starts_with(under, $1 || '|')) limit 1`,
      [path],
    )
    if (below.rowCount !== 0)
      throw new ConflictError(
        'has-children',
        `There are groups below ${JSON.stringify(path)}; move or remove them first`,
      )
    await tx.query('delete from groups where id = $1', [group.id])
    return { result: undefined, audit: [about(group.id, 'group.remove', { old: { path } })] }
  })
}

async function requireFreePath(tx: Transaction, place: Place, groupId: number | undefined): Promise<void> {
  const names = [...splitPath(place.under), place.name]
  if (names.some((name) => name.trim() === ''))
    throw new ConfigError([{ at: 'body.under', message: 'a path is names separated by |, none of them empty' }])
  await keyLocalGroups(tx)
  const taken = await localGroupAt(tx, pathKeyOf(names))
  if (taken !== undefined && taken.id !== groupId) {
    const path = JSON.stringify(pathOf(taken.under, taken.name))
    throw new ConflictError('path-taken', `There is a group ${path} already; choose another name or place`)
  }
}

async function requireLocal(tx: Queries, groupId: number): Promise<Place & { readonly id: number }> {
  const found = await tx.query<
    Place & { id: number; object_id: string | null; given_by: string | null; source: string | null }
  >(
    `select g.id, g.name, g.under, g.object_id, s.name as source,
       (select m.name from memberships t join sources m on m.id = t.source_id where t.group_id = g.id limit 1) as given_by
     from groups g left join sources s on s.id = g.source_id where g.id = $1 and not g.hidden for update of g`,
    [groupId],
  )
  const [group] = found.rows
  if (group === undefined) throw new NotFoundError('group', String(groupId))
  const owner = group.source ?? group.given_by
  if (group.object_id === null && owner === null) return group
  throw new ConflictError(
    'owned-by-source',
    `${JSON.stringify(group.name)} ${owner === null ? 'was imported from Entra' : `is given by ${owner}`}; change it in Entra, or in the settings of the source`,
  )
}

async function requireNoImported(tx: Queries, path: string): Promise<void> {
  const found = await tx.query<{ name: string; source: string | null }>(
    `select g.name, s.name as source from groups g left join sources s on s.id = g.source_id
     where g.object_id is not null and (g.under = $1 or starts_with(g.under, $1 || '|')) limit 1`,
    [path],
  )
  const [group] = found.rows
  if (group === undefined) return
  throw new ConflictError(
    'owned-by-source',
    `${group.source ?? 'A source'} imports groups below ${JSON.stringify(path)}, ${JSON.stringify(group.name)} for one; change where it imports them first`,
  )
}

function about(groupId: number, action: string, details: Readonly<Record<string, unknown>>) {
  return { action, subject: `group ${groupId}`, details }
}
