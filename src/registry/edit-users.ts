// Users made and changed by hand: local ones, and of a source's users what is the registry's own.
import { ConflictError } from '../base/errors.ts'
import type { Database, Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'
import { canonical } from '../directory/canonical.ts'
import type { TextField } from '../directory/user.ts'
import type { AuditRecord } from './audit.ts'
import { claimName, requireFreeNumber } from './claim-values.ts'
import { aboutUser, type Edit, type EditedUser, lockUser, touchUser, withEdit } from './edit.ts'
import { listSources, type Source } from './sources.ts'
import { isOwned } from './user-view.ts'
import { FIELD_COLUMNS } from './users.ts'

type Fields = Readonly<Partial<Record<TextField, string | null | undefined>>>

/**
 * Makes a local user.
 *
 * @returns his id
 * @throws ConflictError `user-name-conflict`, `personal-number-conflict`
 */
export async function createUser(
  db: Database,
  edit: Edit & { readonly userName: string; readonly personalNumber?: string | undefined; readonly fields: Fields },
): Promise<number> {
  return withEdit(db, edit, async (tx) => {
    const { userName } = edit
    const key = canonical(userName)
    const yielded = await claimName(tx, { userId: 0, value: userName, key, kind: 'user name' })
    const number = emptyToNull(edit.personalNumber ?? null)
    if (number !== null) await requireFreeNumber(tx, { userId: 0, value: number, key: canonical(number) })
    const made = await tx.query<{ id: number }>(
      `insert into users (user_name, personal_number, personal_number_key, canonical_number) values ($1, $2, $3, $3) returning id`,
      [userName, number, number === null ? null : canonical(number)],
    )
    const id = made.rows[0]?.id ?? 0
    await tx.query(
      `insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'n', $2, $3, 's', true)`,
      [id, userName, key],
    )
    const fields = await writeFields(tx, id, edit.fields)
    const shown = { userName, ...(number === null ? {} : { personalNumber: number }), ...fields.new }
    return { result: id, audit: [aboutUser({ id, userName }, 'user.create', { new: shown }), ...toldYield(yielded)] }
  })
}

export interface UserChanges {
  readonly userName?: string | undefined
  readonly personalNumber?: string | null | undefined
  readonly fields: Fields
  readonly own: Readonly<Record<string, string | null>>
  /** Aliases by hand, all of them. */
  readonly aliases?: readonly string[] | undefined
}

/**
 * Changes what is the registry's own of a user. All of it or nothing.
 *
 * @throws NotFoundError; ConflictError `changed-meanwhile`, `owned-by-source`, `user-name-conflict`, `alias-conflict`,
 *   `personal-number-conflict`
 */
export async function changeUser(
  db: Database,
  edit: Edit & { readonly userId: number; readonly version: number; readonly changes: UserChanges },
): Promise<void> {
  const { changes } = edit
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId, edit.version)
    await requireOwn(tx, user, changes)
    const told: Omit<AuditRecord, 'actor'>[] = []
    const before: Record<string, unknown> = {}
    const after: Record<string, unknown> = {}
    const note = (field: string, old: unknown, now: unknown) => {
      before[field] = old
      after[field] = now
    }
    if (changes.userName !== undefined && changes.userName !== user.userName) {
      told.push(...toldYield(await rename(tx, user, changes.userName)))
      note('userName', user.userName, changes.userName)
    }
    const number = emptyToNull(changes.personalNumber)
    if (number !== undefined && number !== user.personalNumber) {
      await setNumber(tx, user, number)
      note('personalNumber', user.personalNumber, number)
    }
    const fields = await writeFields(tx, user.id, changes.fields)
    Object.assign(before, fields.old)
    Object.assign(after, fields.new)
    const own = Object.entries(changes.own).map(([name, value]) => [name, emptyToNull(value) ?? null] as const)
    for (const [name, value] of own) {
      const current = Object.hasOwn(user.own, name) ? (user.own[name] ?? null) : null
      if (value !== current) note(`own.${name}`, current, value)
    }
    if (own.length > 0) {
      await tx.query('update users set own = jsonb_strip_nulls(own || $2::jsonb) where id = $1', [
        user.id,
        JSON.stringify(Object.fromEntries(own)),
      ])
    }
    if (changes.aliases !== undefined) {
      const aliases = await setAliases(tx, user, changes.aliases)
      told.push(...aliases.told)
      if (aliases.old.join('\0') !== aliases.new.join('\0')) note('aliases', aliases.old, aliases.new)
    }
    if (Object.keys(after).length === 0) return { result: undefined, audit: [] }
    await touchUser(tx, user.id)
    return { result: undefined, audit: [aboutUser(user, 'user.change', { old: before, new: after }), ...told] }
  })
}

/** @throws NotFoundError; ConflictError `changed-meanwhile` */
export async function setProtected(
  db: Database,
  edit: Edit & { readonly userId: number; readonly version: number; readonly isProtected: boolean },
): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId, edit.version)
    if (user.protected === edit.isProtected) return { result: undefined, audit: [] }
    await tx.query('update users set protected = $2 where id = $1', [user.id, edit.isProtected])
    await touchUser(tx, user.id)
    const change = { old: { protected: user.protected }, new: { protected: edit.isProtected } }
    return { result: undefined, audit: [aboutUser(user, 'user.protect', change)] }
  })
}

/**
 * Removes a user for good whom no source owns or claims; his history stays.
 *
 * @throws NotFoundError; ConflictError `owned-by-source`, `protected`
 */
export async function removeUser(db: Database, edit: Edit & { readonly userId: number }): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    const claimed = await tx.query<{ name: string }>(
      `select name from sources where id = $2 or id in (select source_id from claims where user_id = $1) order by id = $2 desc limit 1`,
      [user.id, user.sourceId],
    )
    const owner = claimed.rows[0]?.name
    if (owner !== undefined) {
      throw new ConflictError(
        'owned-by-source',
        `${JSON.stringify(user.userName)} belongs to ${owner}, which would make him anew; deactivate him instead`,
      )
    }
    if (user.protected || user.administrator)
      throw new ConflictError('protected', `${JSON.stringify(user.userName)} is protected; end that first`)
    await tx.query('delete from users where id = $1', [user.id])
    return { result: undefined, audit: [aboutUser(user, 'user.remove', { old: { userName: user.userName } })] }
  })
}

/** Refuses what a source decides about, all of it at once. */
async function requireOwn(tx: Queries, user: EditedUser, changes: UserChanges): Promise<void> {
  const owner = (await listSources(tx)).find((source) => source.id === user.sourceId)
  if (owner === undefined) return
  const refused = ownedOf(owner, changes)
  if (refused.length === 0) return
  throw new ConflictError(
    'owned-by-source',
    `${owner.name} decides about ${refused.join(', ')}; change it in Entra, or what the source maps there`,
  )
}

function ownedOf(owner: Source, changes: UserChanges): readonly string[] {
  const { properties } = owner.settings.users
  const refused: string[] = []
  if (changes.userName !== undefined && isOwned(properties.userName)) refused.push('userName')
  if (changes.personalNumber !== undefined && isOwned(properties.personalNumber)) refused.push('personalNumber')
  for (const [field, value] of entriesOf(changes.fields))
    if (value !== undefined && isOwned(properties[field])) refused.push(field)
  for (const name of Object.keys(changes.own))
    if (Object.hasOwn(properties.own, name) && isOwned(properties.own[name])) refused.push(`own.${name}`)
  return refused
}

async function rename(tx: Transaction, user: EditedUser, userName: string) {
  const key = canonical(userName)
  const yielded = user.active
    ? await claimName(tx, { userId: user.id, value: userName, key, kind: 'user name' })
    : undefined
  // An alias of his own of the same name is dropped: it would say the same.
  await tx.query(`delete from user_names where user_id = $1 and (kind = 'n' or key = $2)`, [user.id, key])
  await tx.query(`insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'n', $2, $3, 's', $4)`, [
    user.id,
    userName,
    key,
    user.active,
  ])
  await tx.query('update users set user_name = $2 where id = $1', [user.id, userName])
  return yielded
}

async function setNumber(tx: Queries, user: EditedUser, number: string | null): Promise<void> {
  const key = number === null ? null : canonical(number)
  if (number !== null && key !== null && user.active)
    await requireFreeNumber(tx, { userId: user.id, value: number, key })
  await tx.query(
    'update users set personal_number = $2, canonical_number = $3, personal_number_key = case when active then $3 end where id = $1',
    [user.id, number, key],
  )
}

async function writeFields(tx: Queries, userId: number, fields: Fields) {
  const old: Record<string, unknown> = {}
  const now: Record<string, unknown> = {}
  for (const [field, given] of entriesOf(fields)) {
    const value = emptyToNull(given)
    if (value === undefined) continue
    const column = FIELD_COLUMNS[field]
    const changed = await tx.query<{ old: string | null }>(
      `update users u set ${column} = $2 from (select id, ${column} as old from users where id = $1) b
       where u.id = b.id and b.old is distinct from $2 returning b.old`,
      [userId, value],
    )
    const [row] = changed.rows
    if (row === undefined) continue
    old[field] = row.old
    now[field] = value
  }
  return { old, new: now }
}

async function setAliases(tx: Transaction, user: EditedUser, wanted: readonly string[]) {
  // Nobody decides any more about what a source gave whom no source owns.
  const isByHand = user.sourceId === null ? `origin in ('o', 's')` : `origin = 'o'`
  const had = await tx.query<{ value: string; key: string }>(
    `select value, key from user_names where user_id = $1 and kind = 'a' and ${isByHand} order by key`,
    [user.id],
  )
  const byKey = new Map(wanted.map((value) => [canonical(value), value]))
  byKey.delete(canonical(user.userName))
  byKey.delete('')
  const told: Omit<AuditRecord, 'actor'>[] = []
  await tx.query(`delete from user_names where user_id = $1 and kind = 'a' and ${isByHand}`, [user.id])
  const own = await tx.query<{ key: string }>(`select key from user_names where user_id = $1 and kind = 'n'`, [user.id])
  const userNameKey = own.rows[0]?.key
  for (const [key, value] of byKey) {
    if (key === userNameKey) continue
    if (user.active) told.push(...toldYield(await claimName(tx, { userId: user.id, value, key, kind: 'alias' })))
    await tx.query(`delete from user_names where user_id = $1 and kind = 'a' and key = $2`, [user.id, key])
    await tx.query(
      `insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'a', $2, $3, 'o', $4)`,
      [user.id, value, key, user.active],
    )
  }
  return { old: had.rows.map((row) => row.value).sort(), new: [...byKey.values()].sort(), told }
}

/** Somebody lost an old user name that he kept. */
export function toldYield(
  yielded: { readonly id: number; readonly userName: string } | undefined,
): readonly Omit<AuditRecord, 'actor'>[] {
  return yielded === undefined
    ? []
    : [aboutUser(yielded, 'user.change', { reason: 'an old user name was given to somebody else' })]
}

function entriesOf(fields: Fields): readonly (readonly [TextField, string | null | undefined])[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of Fields are checked by the contract
  return Object.entries(fields) as (readonly [TextField, string | null | undefined])[]
}

/** Blank is nothing. */
function emptyToNull<T extends string | null | undefined>(value: T): T | null {
  return value === '' ? null : value
}
