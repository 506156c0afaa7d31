// People who sign in with Microsoft and have a role here, as Entra gave it when they signed in last; and by what they may have got it.
import { z } from 'zod'
import { ROLES, type Role } from '../contract/api/endpoint.ts'
import type { Queries } from '../database/connect.ts'
import { maySignIn, SIGN_IN_JOINS } from '../registry/sign-in-rule.ts'
import { idleSince } from './sessions.ts'

const by = z.object({ kind: z.enum(['appRole', 'group']), value: z.string() })

export interface PersonWithRole {
  readonly userId: number
  readonly userName: string
  readonly role: Role
  readonly connection: string
  /** Mappings of the connection that give this role; which of several it was, the audit of the sign-in tells. */
  readonly mappedBy: readonly z.infer<typeof by>[]
  readonly signedInAt: Date
  /** Whether the person could sign in now; what was given at the last sign-in is worth nothing to somebody who has left. */
  readonly maySignIn: boolean
  /** How many sessions are open. */
  readonly sessions: number
}

/** The highest role first. */
export async function listPeopleWithRoles(db: Queries, now: Date): Promise<readonly PersonWithRole[]> {
  const { rows } = await db.query<{
    id: number
    user_name: string
    role: string
    connection: string
    mapped_by: unknown
    seen_at: Date
    may: boolean
    sessions: number
  }>(
    `select u.id, u.user_name, pr.role, through.name as connection, pr.seen_at, ${maySignIn('pr.connection_id')} as may,
       (select coalesce(json_agg(json_build_object('kind', m.kind, 'value', m.value) order by m.kind, m.value), '[]')
          from role_mappings m where m.connection_id = pr.connection_id and m.role = pr.role) as mapped_by,
       (select count(*)::int from sessions x where x.user_id = u.id and x.expires_at > $1 and x.last_seen_at > $2) as sessions
     from person_roles pr join users u on u.id = pr.user_id join connections through on through.id = pr.connection_id
       ${SIGN_IN_JOINS}
     where pr.role is not null
     order by array_position(array['administrator', 'operator', 'helpdesk', 'viewer'], pr.role), u.user_name, u.id`,
    [now, idleSince(now)],
  )
  return rows.map((row) => ({
    userId: row.id,
    userName: row.user_name,
    role: z.enum(ROLES).parse(row.role),
    connection: row.connection,
    mappedBy: z.array(by).parse(row.mapped_by),
    signedInAt: row.seen_at,
    maySignIn: row.may,
    sessions: row.sessions,
  }))
}
