// Seals anew what is sealed under older versions of the key: in short transactions beside everything else, in any number of goes.
// What is done stands under the new version and is not met again, so a kill loses nothing.
import type { Clock } from '../base/clock.ts'
import { RunError } from '../base/errors.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withRetriedTransaction } from '../database/transaction.ts'
import type { Vault } from './keys.ts'
import { FLEETING_PLACES, SEALED_PLACES, type SealedPlace } from './places.ts'

/** Values of one place under one version. */
export interface SealedCount {
  readonly place: string
  readonly version: number
  readonly count: number
}

export interface RewrapParts {
  readonly db: Database
  readonly vault: Pick<Vault, 'seal' | 'open' | 'currentVersion'>
  readonly clock: Clock
  readonly random: () => number
  readonly signal: AbortSignal
  /** Told after each batch how many values were sealed anew so far. */
  readonly onProgress?: (done: number) => void
}

export interface Rewrapped {
  readonly done: number
  /** Values that could not be opened, by place. They stay as they are. */
  readonly unreadable: readonly { readonly place: string; readonly count: number }[]
}

/** Rows locked at once; some milliseconds. */
const BATCH = 500
/** What somebody else holds locked is met again after a pause, so often in a row that nothing could be done. */
const MOST_FUTILE = 60
const PAUSE_MS = 500

/** How many values are under which version, in the order in which they are sealed anew. */
export async function countSealed(db: Queries): Promise<readonly SealedCount[]> {
  const counts: SealedCount[] = []
  for (const place of SEALED_PLACES) {
    const { rows } = await db.query<{ version: number; count: number }>(
      `select sealed_version(${place.sealed}) as version, count(*) as count from ${place.from} where ${place.where} group by 1 order by 1`,
    )
    for (const row of rows) counts.push({ place: place.name, ...row })
  }
  return counts
}

/** What stands under a version for some minutes yet, and how long; undefined: nothing. */
export async function fleetingUntil(
  db: Queries,
  { version, now }: { readonly version: number; readonly now: Date },
): Promise<{ readonly until: Date; readonly names: readonly string[] } | undefined> {
  let until: Date | undefined
  const names: string[] = []
  for (const { name, table, column } of FLEETING_PLACES) {
    const { rows } = await db.query<{ until: Date | null }>(
      `select max(expires_at) as until from ${table} where sealed_version(${column}) = $1 and expires_at > $2`,
      [version, now],
    )
    const end = rows[0]?.until ?? undefined
    if (end === undefined) continue
    names.push(name)
    if (until === undefined || end > until) until = end
  }
  return until === undefined ? undefined : { until, names }
}

/**
 * Seals everything anew that is under an older version than the newest one in use, until nothing is left.
 *
 * Values change their bytes, never what they are; whoever changes a value meanwhile wins. Rows that somebody has locked are passed
 * over and met again. Several may do it at once.
 *
 * @throws RunError `keys-busy` when others hold the rest locked for half a minute; what was done stays done
 */
export async function rewrap(parts: RewrapParts): Promise<Rewrapped> {
  let done = 0
  let futile = 0
  for (;;) {
    const pass = { found: 0, done: 0, unreadable: new Map<string, number>() }
    for (const place of SEALED_PLACES) {
      for await (const batch of batchesOf(parts, place)) {
        const { opened, unreadable } = reseal(parts, batch)
        if (unreadable > 0) pass.unreadable.set(place.name, (pass.unreadable.get(place.name) ?? 0) + unreadable)
        pass.found += opened.length
        pass.done += await store(parts, { place, values: opened })
        parts.onProgress?.(done + pass.done)
      }
    }
    done += pass.done
    if (pass.found === 0) return { done, unreadable: [...pass.unreadable].map(([place, count]) => ({ place, count })) }
    futile = pass.done === 0 ? futile + 1 : 0
    if (futile === MOST_FUTILE)
      throw new RunError(
        'keys-busy',
        `Cannot seal ${pass.found} values anew: other work holds them; what was done stays, run it again later`,
      )
    if (pass.done === 0) await parts.clock.sleep(PAUSE_MS, parts.signal)
  }
}

interface SealedValue {
  readonly k1: number
  readonly k2: number
  readonly sealed: Buffer
  readonly context: string
}

async function* batchesOf(
  { db, vault, signal }: RewrapParts,
  place: SealedPlace,
): AsyncGenerator<readonly SealedValue[]> {
  const [k1, k2] = keysOf(place)
  const isPair = place.key.length === 2
  let after: readonly number[] | undefined
  for (;;) {
    signal.throwIfAborted()
    const values: unknown[] = [vault.currentVersion, ...(after ?? [])]
    const { rows } = await db.query<SealedValue>(
      `select ${k1} as k1, ${k2} as k2, ${place.sealed} as sealed, ${place.context} as context
       from ${place.from} where ${place.where} and sealed_version(${place.sealed}) < $1
       ${after === undefined ? '' : `and ${isPair ? `(${k1}, ${k2}) > ($2, $3)` : `${k1} > $2`}`} order by ${isPair ? '1, 2' : '1'} limit ${BATCH}`,
      values,
    )
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = isPair ? [last.k1, last.k2] : [last.k1]
  }
}

/** A key of one column gets a second one that is always 0. */
function keysOf({ key: [first, second] }: SealedPlace): readonly [string, string] {
  return [first === 'single' ? '1' : `t.${first}`, second === undefined ? '0' : `t.${second}`]
}

interface ResealedValue extends SealedValue {
  readonly anew: Buffer
}

function reseal(
  { vault }: RewrapParts,
  values: readonly SealedValue[],
): { readonly opened: readonly ResealedValue[]; readonly unreadable: number } {
  const opened: ResealedValue[] = []
  for (const value of values) {
    try {
      opened.push({ ...value, anew: vault.seal(vault.open(value.sealed, value.context), value.context) })
    } catch (error) {
      // Damaged, or moved from where it was sealed for: one such value must not keep all others under the old key.
      if (!(error instanceof RunError && error.code === 'vault-unreadable')) throw error
    }
  }
  return { opened, unreadable: values.length - opened.length }
}

/** @returns how many were stored: neither locked nor changed since they were read */
async function store(
  { db, clock, random, signal }: RewrapParts,
  { place, values }: { readonly place: SealedPlace; readonly values: readonly ResealedValue[] },
): Promise<number> {
  if (values.length === 0) return 0
  const [k1, k2] = keysOf(place)
  const isPair = place.key.length === 2
  const columns = [
    values.map((v) => v.k1),
    values.map((v) => v.k2),
    values.map((v) => v.sealed),
    values.map((v) => v.anew),
  ]
  const n = '(select * from unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) v (k1, k2, old, new))'
  return withRetriedTransaction(
    db,
    async (tx) => {
      const free = await tx.query<{ k1: number; k2: number }>(
        `select ${k1} as k1, ${k2} as k2 from ${place.table} t
         where ${isPair ? `(${k1}, ${k2}) in (select * from unnest($1::bigint[], $2::bigint[]))` : `${k1} = any ($1::bigint[])`}
         for update skip locked`,
        columns.slice(0, isPair ? 2 : 1),
      )
      const isFree = new Set(free.rows.map((row) => `${row.k1} ${row.k2}`))
      const busy = await busyCopies(
        tx,
        place,
        values.map((v) => v.k1),
      )
      const kept = values.map((v) => isFree.has(`${v.k1} ${v.k2}`) && !busy.has(v.k1))
      const mine = columns.map((column) => column.filter((_, at) => kept[at]))
      const stored = await tx.query(
        `update ${place.table} t set ${place.set} from (
           select ${k1} as k1, ${k2} as k2, v.new, ${place.at} as at from ${n} v, ${place.from}
           where ${k1} = v.k1 and ${k2} = v.k2 and ${place.where} and ${place.sealed} = v.old) n
         where ${k1} = n.k1 and ${k2} = n.k2`,
        mine,
      )
      if (place.copies !== undefined) await tx.query(`with n as ${n} ${place.copies.update}`, mine)
      return stored.rowCount ?? 0
    },
    { clock, random, signal },
  )
}

/**
 * Locks the copies of values, and tells whose somebody else holds. Never waits: a run that reads locks copies first and the values
 * after them, and the database would end one of the two.
 */
async function busyCopies(
  tx: Queries,
  { copies }: SealedPlace,
  keys: readonly unknown[],
): Promise<ReadonlySet<unknown>> {
  if (copies === undefined) return new Set()
  const all = await tx.query<{ k1: number }>(copies.find, [keys])
  const locked = await tx.query<{ k1: number }>(`${copies.find} for update of c skip locked`, [keys])
  const isLocked = new Set(locked.rows.map((row) => row.k1))
  return new Set(all.rows.map((row) => row.k1).filter((key) => !isLocked.has(key)))
}
