// What has ended of sessions and codes goes; whoever asked for something is looked at again before it is done.
import { ConflictError } from '../base/errors.ts'
import { ROLES, type Role, type Scope } from '../contract/api/endpoint.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from '../registry/audit.ts'
import { maySignIn, SIGN_IN_JOINS } from '../registry/sign-in-rule.ts'
import { removeOldFlows } from './flows.ts'
import { MAKER_JOINS, makerRole, removeOldRoles } from './makers.ts'
import { removeSessionsOfFormer } from './sessions.ts'
import { removeOldSightings } from './sightings.ts'

/** Removes sessions and codes that nobody can use any more, forgotten attempts, old sightings, and answers kept for repeated requests. */
export async function removeEnded(db: Queries, now: Date): Promise<void> {
  await db.query('delete from sessions where expires_at < $1', [now])
  await db.query('delete from one_time_codes where expires_at < $1', [now])
  const dayAgo = new Date(now.getTime() - 86_400_000)
  await db.query('delete from signin_attempts where last_at < $1', [dayAgo])
  await db.query('delete from terminal_misses where missed_at < $1', [dayAgo])
  await db.query('delete from terminal_registrations where expires_at < $1', [now])
  await db.query('delete from terminal_device_codes where expires_at < $1', [now])
  await removeOldSightings(db, now)
  await db.query(
    `delete from registered_cards r where not exists (select from credentials c
       where c.user_id = r.user_id and c.kind = 'card' and c.lookup = r.lookup)`,
  )
  await removeOldRoles(db, now)
  await db.query('delete from idempotency_keys where began_at < $1', [dayAgo])
}

/** What has to be gone within a minute: sessions of people who may not sign in any more, and sign-ins that came to nothing. */
export async function removeSoon(db: Queries, now: Date): Promise<void> {
  await removeSessionsOfFormer(db)
  await removeOldFlows(db, now)
}

/**
 * Whether somebody who asked for something may still have it done: his account or token is there, enabled, and has what it needs,
 * as has the maker of the token; a person may still sign in, and has a session with a role that is enough.
 *
 * @throws ConflictError `not-allowed`
 */
export async function requireStillAllowed(
  db: Queries,
  asked: { readonly actor: Actor; readonly role: Role; readonly scope: Scope; readonly now: Date },
): Promise<void> {
  const { actor, role, scope, now } = asked
  if (actor.kind === 'schedule' || actor.kind === 'command line') return
  const roles = ROLES.slice(ROLES.indexOf(role))
  if (actor.kind === 'account') {
    const { rowCount } = await db.query('select 1 from administrators where id = $1 and enabled and role = any($2)', [
      actor.id,
      roles,
    ])
    if (rowCount === 1) return
  } else if (actor.kind === 'person') {
    const { rowCount } = await db.query(
      `select 1 from sessions x join users u on u.id = x.user_id ${SIGN_IN_JOINS}
        where x.user_id = $1 and x.role = any($2) and x.expires_at > $3 and ${maySignIn('x.connection_id')} limit 1`,
      [actor.id, roles, now],
    )
    if (rowCount === 1) return
  } else if (actor.kind === 'token') {
    const { rowCount } = await db.query(
      `select 1 from api_tokens t ${MAKER_JOINS}
        where t.id = $1 and $2 = any(t.scopes) and t.revoked_at is null and (t.expires_at is null or t.expires_at > $3)
          and ${makerRole('$3')} = any($4)`,
      [actor.id, scope, now, roles],
    )
    if (rowCount === 1) return
  }
  throw new ConflictError(
    'not-allowed',
    `${actor.name} asked for this and may not have it done any more; somebody who may has to ask for it`,
  )
}
