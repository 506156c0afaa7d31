// Where an installation's database lies, as it was written down, and where it finds itself: two places mean a copy.
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, recordAudit } from './audit.ts'

/** Of an embedded database, whose files may be copied as they are; empty: not known. */
export interface LocalPlace {
  readonly machine: string
  readonly directory: string
}

/** Empty: not known, which differs from nothing. */
const placeSchema = z.object({
  /** Of the PostgreSQL cluster, given when it was made. A standby that takes over has the same one. */
  system: z.string(),
  /** Number of the database in it. */
  database: z.string(),
  machine: z.string(),
  directory: z.string(),
})
export type Place = z.infer<typeof placeSchema>

/** The place of the database that this connection leads to. */
export async function readPlace(db: Queries, local: LocalPlace | undefined): Promise<Place> {
  const may = await db.query<{ may: boolean }>(`select has_function_privilege('pg_control_system()', 'execute') as may`)
  const system = may.rows[0]?.may === true ? '(select system_identifier::text from pg_control_system())' : `''`
  const found = await db.query<{ system: string; database: string }>(
    `select ${system} as system, oid::text as database from pg_database where datname = current_database()`,
  )
  const { system: id = '', database = '' } = found.rows[0] ?? {}
  return { system: id, database, machine: local?.machine ?? '', directory: local?.directory ?? '' }
}

/** Whether two places, as far as they are known, are different ones. */
export function isElsewhere(a: Place, b: Place): boolean {
  const differ = (key: keyof Place) => a[key] !== '' && b[key] !== '' && a[key] !== b[key]
  return differ('system') || differ('database') || differ('machine') || differ('directory')
}

/** Writes the place down where none is: at the first start. */
export async function notePlace(db: Queries, local: LocalPlace | undefined): Promise<void> {
  const noted = await db.query('select from installation where place is not null')
  if (noted.rowCount === 1) return
  const place = JSON.stringify(await readPlace(db, local))
  await db.query('update installation set place = $1 where place is null', [place])
}

/** Whether this database was restored or copied from another place, and nobody has said that the original is gone. */
export async function isCopy(db: Queries, local: LocalPlace | undefined): Promise<boolean> {
  const found = await db.query<{ place: string | null }>('select place from installation')
  const noted = found.rows[0]?.place ?? null
  if (noted === null) return false
  return isElsewhere(placeSchema.parse(JSON.parse(noted)), await readPlace(db, local))
}

/**
 * Makes this the installation: the original is gone.
 *
 * @returns false when it was no copy
 */
export async function takeOver(
  db: Database,
  options: {
    readonly local: LocalPlace | undefined
    readonly vault: Pick<Vault, 'lookup'>
    readonly clock: Clock
    readonly actor: Actor
  },
): Promise<boolean> {
  const { local, actor } = options
  return withTransaction(db, async (tx) => {
    await tx.query('select from installation for update')
    if (!(await isCopy(tx, local))) return false
    await tx.query('update installation set place = $1', [JSON.stringify(await readPlace(tx, local))])
    await recordAudit(tx, options, { actor, action: 'installation.take-over', subject: null, details: {} })
    return true
  })
}
