// What a walk writes: objects of a first load straight into the mirror, those of a full compare beside it in the same
// shape; memberships always beside it, as pairs of keys without any index.
import { copyInto, copyRow } from '../database/copy.ts'
import type { Transaction } from '../database/transaction.ts'
import type { ObjectRow } from './rows.ts'

/** Members of one group, as one page of its listing gave them; keys. The same may come again. */
export interface MembersWritten {
  readonly groupKey: number
  readonly users: readonly number[]
  readonly groups: readonly number[]
}

/** How far the member listing of a group has come. */
export interface GroupListed {
  readonly groupKey: number
  /** Where it goes on; undefined when it has ended. */
  readonly link: string | undefined
  /** Why it ended without a complete list: `f` forbidden, `m` the group is missing by now. */
  readonly failed?: 'f' | 'm'
}

/** How far a listing of users or groups has come. */
export interface ListingProgress {
  readonly listing: string
  readonly link: string | undefined
  readonly done: boolean
}

/** Pages that are written together. Within one batch later entries follow earlier ones. */
export interface WalkBatch {
  /** Objects of which the target holds nothing yet. */
  readonly created: readonly ObjectRow[]
  /** Objects that it holds already: placeholders, and what a listing gave twice. */
  readonly repeated: readonly ObjectRow[]
  readonly groupsToList: readonly { readonly groupKey: number; readonly objectId: string }[]
  readonly members: readonly MembersWritten[]
  readonly groupsListed: readonly GroupListed[]
  readonly listings: readonly ListingProgress[]
}

/** Where a walk writes: `first` into the mirror itself, `full` beside it. */
export type WalkKind = 'first' | 'full'

/** Writes pages and where their listings go on, in the caller's transaction. */
export async function writeBatch(
  tx: Transaction,
  batch: WalkBatch,
  options: { readonly walk: WalkKind; readonly sourceId: number },
): Promise<void> {
  const { walk, sourceId } = options
  if (batch.created.length > 0) {
    const target = walk === 'first' ? `mirror_objects (${COLUMNS})` : `mirror_staged_objects (${COLUMNS}, manager_said)`
    await copyInto(tx.client, target, { rows: objectLines(batch.created, options) })
  }
  if (batch.repeated.length > 0) await writeRepeated(tx, merged(batch.repeated), options)
  if (batch.groupsToList.length > 0) {
    await tx.query(
      `insert into mirror_groups_to_list (source_id, group_key, object_id)
       select $1, * from unnest($2::int[], $3::uuid[]) on conflict do nothing`,
      [sourceId, batch.groupsToList.map((g) => g.groupKey), batch.groupsToList.map((g) => g.objectId)],
    )
  }
  if (batch.members.some((p) => p.users.length + p.groups.length > 0)) {
    await copyInto(tx.client, 'mirror_staged_members (source_id, group_key, member_key, kind)', {
      rows: memberLines(batch.members, sourceId),
    })
  }
  await writeGroupsListed(tx, batch.groupsListed, sourceId)
  if (batch.listings.length > 0) await writeListings(tx, batch.listings, sourceId)
}

const COLUMNS = 'key, source_id, object_id, kind, state, attributes, sealed, manager'

function* objectLines(
  rows: readonly ObjectRow[],
  options: { readonly walk: WalkKind; readonly sourceId: number },
): Generator<string> {
  for (const row of rows) {
    const state = row.kind === '?' ? '?' : 'l'
    const values = [row.key, options.sourceId, row.objectId, row.kind, state, row.json, row.sealed, row.manager]
    yield copyRow(options.walk === 'first' ? values : [...values, row.managerSaid])
  }
}

/** One row for each key, later ones over earlier ones: a statement cannot meet the same row twice. */
function merged(rows: readonly ObjectRow[]): ObjectRow[] {
  const byKey = new Map<number, ObjectRow>()
  for (const row of rows) {
    const before = byKey.get(row.key)
    byKey.set(row.key, before === undefined ? row : over(before, row))
  }
  return [...byKey.values()]
}

function over(before: ObjectRow, row: ObjectRow): ObjectRow {
  const json = before.json === null || row.json === null ? (row.json ?? before.json) : overJson(before.json, row.json)
  return {
    ...row,
    json,
    sealed: row.sealed ?? before.sealed,
    manager: row.managerSaid ? row.manager : before.manager,
    managerSaid: row.managerSaid || before.managerSaid,
  }
}

function overJson(before: string, json: string): string {
  const old: object = JSON.parse(before)
  const said: object = JSON.parse(json)
  return JSON.stringify({ ...old, ...said })
}

async function writeRepeated(
  tx: Transaction,
  rows: readonly ObjectRow[],
  options: { readonly walk: WalkKind; readonly sourceId: number },
): Promise<void> {
  const table = options.walk === 'first' ? 'mirror_objects' : 'mirror_staged_objects'
  await tx.query(
    `update ${table} t set
       kind = n.kind, state = 'l',
       attributes = coalesce(t.attributes, '{}') || n.json::jsonb,
       sealed = coalesce(n.sealed, t.sealed),
       manager = case when n.said then n.manager else t.manager end
       ${options.walk === 'full' ? ', manager_said = t.manager_said or n.said' : ''}
     from unnest($2::int[], $3::text[]::"char"[], $4::text[], $5::bytea[], $6::uuid[], $7::bool[])
       as n (key, kind, json, sealed, manager, said)
     where t.source_id = $1 and t.key = n.key`,
    [
      options.sourceId,
      rows.map((r) => r.key),
      rows.map((r) => r.kind),
      rows.map((r) => r.json ?? '{}'),
      rows.map((r) => r.sealed),
      rows.map((r) => r.manager),
      rows.map((r) => r.managerSaid),
    ],
  )
}

function* memberLines(pages: readonly MembersWritten[], sourceId: number): Generator<string> {
  for (const page of pages) {
    const head = `${sourceId}\t${page.groupKey}\t`
    let lines = ''
    for (const member of page.users) lines += `${head}${member}\tu\n`
    for (const member of page.groups) lines += `${head}${member}\tg\n`
    if (lines !== '') yield lines
  }
}

async function writeGroupsListed(tx: Transaction, listed: readonly GroupListed[], sourceId: number): Promise<void> {
  // The last word about a group counts.
  const last = [...new Map(listed.map((l) => [l.groupKey, l])).values()]
  const complete = last.filter((l) => l.link === undefined && l.failed === undefined)
  if (complete.length > 0) {
    await tx.query('delete from mirror_groups_to_list where source_id = $1 and group_key = any($2::int[])', [
      sourceId,
      complete.map((l) => l.groupKey),
    ])
  }
  const open = last.filter((l) => l.link !== undefined || l.failed !== undefined)
  if (open.length > 0) {
    await tx.query(
      `update mirror_groups_to_list t set link = n.link, outcome = n.outcome
       from unnest($2::int[], $3::text[], $4::text[]::"char"[]) as n (group_key, link, outcome)
       where t.source_id = $1 and t.group_key = n.group_key`,
      [sourceId, open.map((l) => l.groupKey), open.map((l) => l.link ?? null), open.map((l) => l.failed ?? null)],
    )
  }
}

async function writeListings(tx: Transaction, listings: readonly ListingProgress[], sourceId: number): Promise<void> {
  const last = [...new Map(listings.map((l) => [l.listing, l])).values()]
  await tx.query(
    `insert into mirror_listings (source_id, listing, link, done)
     select $1, * from unnest($2::text[], $3::text[], $4::bool[])
     on conflict (source_id, listing) do update set link = excluded.link, done = excluded.done`,
    [sourceId, last.map((l) => l.listing), last.map((l) => l.link ?? null), last.map((l) => l.done)],
  )
}
