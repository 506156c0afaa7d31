// Who made a token, and what he may now: a token may do no more than that. Local accounts are looked at as they stand. What Entra
// gave a person is known from his last sign-in only, so that it counts for a while and no longer.
import { InvariantError } from '../base/errors.ts'
import { ROLES, type Role } from '../contract/api/endpoint.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from '../registry/audit.ts'
import { maySignIn, SIGN_IN_JOINS } from '../registry/sign-in-rule.ts'

/** So long the role counts that a person had when he signed in last. */
const ROLE_COUNTS_DAYS = 30

/** What is kept of a maker. */
interface Maker {
  readonly kind: 'account' | 'person' | 'command line'
  readonly id: number | null
}

/** SQL: what {@link makerRole} looks at beside a token or terminal `t`. */
export const MAKER_JOINS = `
  left join administrators ma on t.maker_kind = 'account' and ma.id = t.maker_id and ma.enabled
  left join users u on t.maker_kind = 'person' and u.id = t.maker_id
  left join person_roles pr on pr.user_id = u.id ${SIGN_IN_JOINS}`

/** SQL: the role that the maker of `t` has at the time that a parameter names; null where he has none, or may not sign in any more. */
export function makerRole(now: string): string {
  return `case t.maker_kind
    when 'command line' then 'administrator'
    when 'account' then ma.role
    when 'person' then case when ${maySignIn('pr.connection_id')}
      and pr.seen_at > ${now}::timestamptz - interval '${ROLE_COUNTS_DAYS} days' then pr.role end end`
}

/** What this version does not know is no role. */
export function parseRole(role: string | null): Role | null {
  return ROLES.find((known) => known === role) ?? null
}

/** Pure. Tokens make no tokens, nor terminals. */
export function makerOf({ kind, id = null }: Pick<Actor, 'kind'> & { readonly id?: number | null | undefined }): Maker {
  if (kind === 'account' || kind === 'person') return { kind, id }
  if (kind === 'command line') return { kind, id: null }
  throw new InvariantError(`a ${kind} made a token`)
}

/** Keeps what Entra gave somebody who signs in. */
export async function keepRole(
  tx: Queries,
  seen: { readonly userId: number; readonly connectionId: number; readonly role: Role | null; readonly now: Date },
): Promise<void> {
  await tx.query(
    `insert into person_roles (user_id, connection_id, role, seen_at) values ($1, $2, $3, $4)
     on conflict (user_id) do update set connection_id = excluded.connection_id, role = excluded.role, seen_at = excluded.seen_at`,
    [seen.userId, seen.connectionId, seen.role, seen.now],
  )
}

/** Where a mapping goes, whoever has a role through its connection has to sign in again before his tokens work. */
export async function forgetRoles(tx: Queries, connectionId: number): Promise<void> {
  await tx.query('delete from person_roles where connection_id = $1', [connectionId])
}

/** What does not count any more. */
export async function removeOldRoles(db: Queries, now: Date): Promise<void> {
  await db.query('delete from person_roles where seen_at < $1', [
    new Date(now.getTime() - ROLE_COUNTS_DAYS * 86_400_000),
  ])
}

/** A token or terminal whose maker may not do any more what he made it with. */
export interface Orphan {
  readonly kind: 'token' | 'terminal'
  readonly name: string
  readonly createdBy: string
}

/** API tokens that do nothing because of their makers, and terminals that go on without one. By kind and name. */
export async function listOrphans(db: Queries, now: Date): Promise<readonly Orphan[]> {
  const { rows } = await db.query<{ kind: Orphan['kind']; name: string; created_by: string }>(
    `select 'token' as kind, t.name, t.created_by from api_tokens t ${MAKER_JOINS}
      where t.revoked_at is null and (t.expires_at is null or t.expires_at > $1) and ${makerRole('$1')} is null
     union all
     select 'terminal', t.name, t.created_by from terminals t ${MAKER_JOINS}
      where t.revoked_at is null and (t.expires_at is null or t.expires_at > $1)
        and ${makerRole('$1')} is distinct from 'administrator'
     order by 1 desc, 2`,
    [now],
  )
  return rows.map(({ kind, name, created_by: createdBy }) => ({ kind, name, createdBy }))
}
