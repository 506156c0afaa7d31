// The end of a first load: the memberships that its walk has put aside become the mirror's.
import { sqlState } from '../database/unavailable.ts'
import type { Transaction } from '../database/transaction.ts'

/**
 * From so many rows on an empty table is filled without its indexes, which are built afterwards. Measured with 1,000,000
 * memberships: 2.1 s of PostgreSQL's time instead of 8, because almost every row would touch another page of the index
 * by member.
 */
const REBUILD_FROM = 50_000
/** Longest wait for sole use of the table; then the indexes are filled row by row. */
const LOCK_TIMEOUT = '2s'

/** Moves the staged memberships of a source into the mirror, each once. They are not marked: a first load marks all. */
export async function publishMembers(
  tx: Transaction,
  sourceId: number,
  options: { readonly rebuildFrom?: number } = {},
): Promise<void> {
  await tx.query('analyze mirror_staged_members')
  for (const [kind, table] of [
    ['u', 'mirror_members'],
    ['g', 'mirror_nesting'],
  ] as const) {
    const move = { kind, table, sourceId }
    const rebuilds = await isWorthRebuilding(tx, move, options.rebuildFrom ?? REBUILD_FROM)
    if (rebuilds && (await fillWithoutIndexes(tx, move))) continue
    await tx.query(
      `insert into ${table} (group_key, member_key)
       select distinct group_key, member_key from mirror_staged_members where source_id = $1 and kind = $2
       on conflict do nothing`,
      [sourceId, kind],
    )
  }
}

/** What the planner has to know of the mirror's tables; looking at attributes would cost more than all the rest. */
export async function analyzeMirror(tx: Transaction): Promise<void> {
  await tx.query('analyze mirror_objects (key, source_id, object_id, kind, state, manager)')
  await tx.query('analyze mirror_members')
  await tx.query('analyze mirror_nesting')
}

interface Move {
  readonly kind: 'u' | 'g'
  readonly table: 'mirror_members' | 'mirror_nesting'
  readonly sourceId: number
}

async function isWorthRebuilding(tx: Transaction, move: Move, rebuildFrom: number): Promise<boolean> {
  const found = await tx.query<{ rows: number; is_empty: boolean }>(
    `select (select count(*) from (select 1 from mirror_staged_members
       where source_id = $1 and kind = $2 limit $3) counted) as rows,
       not exists (select 1 from ${move.table}) as is_empty`,
    [move.sourceId, move.kind, rebuildFrom],
  )
  const row = found.rows[0]
  return row !== undefined && row.is_empty && row.rows >= rebuildFrom
}

/** @returns false when the table is in use, or a pair came twice; then nothing was done */
async function fillWithoutIndexes(tx: Transaction, move: Move): Promise<boolean> {
  const { table } = move
  await tx.query('savepoint fill')
  try {
    await tx.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`)
    await tx.query(`lock table ${table} in access exclusive mode`)
    await tx.query(`set local lock_timeout = '0'`)
    const filled = await tx.query(`select 1 from ${table} limit 1`)
    if (filled.rowCount === 0) {
      // A table that is new in this transaction needs no log of its rows.
      await tx.query(`truncate ${table}`)
      await tx.query(`alter table ${table} drop constraint ${table}_pkey`)
      await tx.query(`drop index ${table}_member`)
      await tx.query(
        `insert into ${table} (group_key, member_key)
         select group_key, member_key from mirror_staged_members where source_id = $1 and kind = $2`,
        [move.sourceId, move.kind],
      )
      await tx.query(`alter table ${table} add constraint ${table}_pkey primary key (group_key, member_key)`)
      await tx.query(`create index ${table}_member on ${table} (member_key)`)
    }
    await tx.query('release savepoint fill')
    return filled.rowCount === 0
  } catch (error) {
    if (!['55P03', '23505'].includes(sqlState(error))) throw error
    await tx.query('rollback to savepoint fill')
    return false
  }
}
