// Local accounts of administrators and others who use the web. The last enabled administrator stays, also when two change at once.
import { z } from 'zod'
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { ROLES, type Role } from '../contract/api/endpoint.ts'
import type { Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'
import { idleSince } from './sessions.ts'

export interface ListedAccount {
  readonly id: number
  readonly name: string
  readonly role: Role
  readonly enabled: boolean
  readonly createdAt: Date
  readonly lastSignInAt: Date | null
  readonly sessions: number
  readonly secondFactor: boolean
}

/** The form in which two names count as equal. */
export function canonicalName(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}

const SELECT = `
  select a.id, a.name, a.role, a.enabled, a.created_at, a.last_sign_in_at,
    (select count(*)::int from sessions s where s.administrator_id = a.id and s.expires_at > $1 and s.last_seen_at > $2)
      as sessions,
    exists (select 1 from second_factors f where f.administrator_id = a.id and f.confirmed_at is not null) as second_factor
  from administrators a`

/** By name. */
export async function listAccounts(db: Queries, now: Date): Promise<readonly ListedAccount[]> {
  const { rows } = await db.query<AccountRow>(`${SELECT} order by a.name_key`, [now, idleSince(now)])
  return rows.map(presentAccount)
}

/** @throws NotFoundError */
export async function requireAccount(
  db: Queries,
  { id, now }: { readonly id: number; readonly now: Date },
): Promise<ListedAccount> {
  const { rows } = await db.query<AccountRow>(`${SELECT} where a.id = $3`, [now, idleSince(now), id])
  const found = rows[0]
  if (found === undefined) throw new NotFoundError('administrator', String(id))
  return presentAccount(found)
}

interface AccountRow {
  id: number
  name: string
  role: string
  enabled: boolean
  created_at: Date
  last_sign_in_at: Date | null
  sessions: number
  second_factor: boolean
}

function presentAccount(row: AccountRow): ListedAccount {
  return {
    id: row.id,
    name: row.name,
    role: z.enum(ROLES).parse(row.role),
    enabled: row.enabled,
    createdAt: row.created_at,
    lastSignInAt: row.last_sign_in_at,
    sessions: row.sessions,
    secondFactor: row.second_factor,
  }
}

/** The account of a name, with what its password is checked against. */
export async function findByName(
  db: Queries,
  name: string,
): Promise<
  { readonly id: number; readonly name: string; readonly enabled: boolean; readonly password: string } | undefined
> {
  const { rows } = await db.query<{ id: number; name: string; enabled: boolean; password: string }>(
    'select id, name, enabled, password from administrators where name_key = $1',
    [canonicalName(name)],
  )
  return rows[0]
}

/** @param account.password hashed @throws ConflictError `name-taken` */
export async function insertAccount(
  tx: Queries,
  account: { readonly name: string; readonly role: Role; readonly password: string; readonly now: Date },
): Promise<number> {
  const { rows } = await tx.query<{ id: number }>(
    `insert into administrators (name, name_key, role, password, created_at) values ($1, $2, $3, $4, $5)
     on conflict (name_key) do nothing returning id`,
    [account.name, canonicalName(account.name), account.role, account.password, account.now],
  )
  const made = rows[0]
  if (made === undefined)
    throw new ConflictError(
      'name-taken',
      `There is an account ${JSON.stringify(account.name)} already; choose another name`,
    )
  return made.id
}

export interface AccountChange {
  readonly role?: Role | undefined
  readonly enabled?: boolean | undefined
  /** Hashed. */
  readonly password?: string | undefined
}

/**
 * Changes an account, or removes it.
 *
 * @returns as it was
 * @throws NotFoundError; ConflictError `last-administrator`
 */
export async function changeAccount(
  tx: Transaction,
  { id, change }: { readonly id: number; readonly change: AccountChange | 'remove' },
): Promise<{ readonly name: string; readonly role: Role; readonly enabled: boolean }> {
  // Whoever could be the last one is locked, always in the same order: a second change waits, and then sees what this one did.
  const { rows } = await tx.query<{ id: number; name: string; role: string; enabled: boolean }>(
    `select id, name, role, enabled from administrators where id = $1 or (role = 'administrator' and enabled)
     order by id for update`,
    [id],
  )
  const before = rows.find((row) => row.id === id)
  if (before === undefined) throw new NotFoundError('administrator', String(id))
  const after = change === 'remove' ? undefined : { ...before, ...definedOf(change) }
  const staysOne = after?.role === 'administrator' && after.enabled
  const others = rows.filter((row) => row.id !== id && row.role === 'administrator' && row.enabled)
  if (before.role === 'administrator' && before.enabled && !staysOne && others.length === 0) {
    throw new ConflictError(
      'last-administrator',
      `${before.name} is the last administrator who can sign in; make another one first`,
    )
  }
  if (after === undefined) await tx.query('delete from administrators where id = $1', [id])
  else {
    await tx.query(
      'update administrators set role = $2, enabled = $3, password = coalesce($4, password) where id = $1',
      [id, after.role, after.enabled, change === 'remove' ? null : (change.password ?? null)],
    )
  }
  return { name: before.name, role: z.enum(ROLES).parse(before.role), enabled: before.enabled }
}

function definedOf({ role, enabled }: AccountChange): { role?: Role; enabled?: boolean } {
  return { ...(role === undefined ? {} : { role }), ...(enabled === undefined ? {} : { enabled }) }
}
