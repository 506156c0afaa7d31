// Which roles people get who sign in with Microsoft: by app roles and groups of their tenant, each mapped to one of ours. Roles of
// this kind never count as the last administrator: that one is a local account.
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { ConfigError, ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import { ROLES, type Role } from '../contract/api/endpoint.ts'
import type { Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import type { GraphClient } from '../graph/client.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import type { VerifiedPerson } from './id-token.ts'
import { forgetRoles } from './makers.ts'
import type { SignInParts } from './parts.ts'

export interface RoleMapping {
  readonly id: number
  readonly connection: string
  readonly kind: 'appRole' | 'group'
  /** Value of an app role, or object id of a group. */
  readonly value: string
  readonly role: Role
}

const SELECT = `select m.id, c.name as connection, m.kind, m.value, m.role
  from role_mappings m join connections c on c.id = m.connection_id`
const rows = z.array(
  z.object({
    id: z.int(),
    connection: z.string(),
    kind: z.enum(['appRole', 'group']),
    value: z.string(),
    role: z.enum(ROLES),
  }),
)

/** By connection, the highest role first. */
export async function listRoleMappings(db: Queries): Promise<readonly RoleMapping[]> {
  const found = await db.query(
    `${SELECT} order by c.name, array_position(array['administrator', 'operator', 'helpdesk', 'viewer'], m.role), m.kind, m.value`,
  )
  return rows.parse(found.rows)
}

/** Of one connection. */
async function mappingsOf(db: Queries, connectionId: number): Promise<readonly RoleMapping[]> {
  return rows.parse((await db.query(`${SELECT} where m.connection_id = $1`, [connectionId])).rows)
}

export interface GivenRole {
  /** The highest one; null: none. */
  readonly role: Role | null
  /** What gave it. */
  readonly by: Pick<RoleMapping, 'kind' | 'value'> | null
  /** Why groups could not be looked at, in words for the person's administrator; null where nothing is missing. */
  readonly problem: string | null
}

const ASK_MS = 10_000

/**
 * The role of somebody who has signed in. Groups that the token lists he is in. That it does not list one says nothing: it may leave out
 * all (too many, or not emitted), Microsoft 365 groups, or what is not assigned to the application. So Graph is asked, as the application,
 * for those mapped groups that would give him more than he has without. If that fails he is let in without what they give.
 */
export async function findRole(
  parts: Pick<SignInParts, 'db' | 'clock'>,
  asked: {
    readonly connectionId: number
    readonly person: VerifiedPerson
    readonly openGraph: () => Promise<Pick<GraphClient, 'groupsAmong' | 'stop'>>
    readonly signal: AbortSignal
  },
): Promise<GivenRole> {
  const { person } = asked
  const mappings = await mappingsOf(parts.db, asked.connectionId)
  const listed = person.groups.kind === 'listed' ? person.groups.ids : []
  const known = highest(mappings, { roles: person.roles, groups: listed })
  const higher = mappings.filter(({ kind, role }) => kind === 'group' && rankOf(role) > rankOf(known.role))
  if (higher.length === 0) return { ...known, problem: null }
  const told = await askForGroups(parts.clock, {
    ...asked,
    among: higher.flatMap(({ value }) => parseObjectId(value) ?? []),
  })
  return { ...highest(mappings, { roles: person.roles, groups: [...listed, ...told.ids] }), problem: told.problem }
}

/** Null, no role, is below all. */
function rankOf(role: Role | null): number {
  return role === null ? -1 : ROLES.indexOf(role)
}

interface AskingForGroups extends Pick<Parameters<typeof findRole>[1], 'person' | 'openGraph' | 'signal'> {
  readonly among: readonly ObjectId[]
}

async function askForGroups(
  clock: Clock,
  { person, among, openGraph, signal }: AskingForGroups,
): Promise<{ readonly ids: readonly string[]; readonly problem: string | null }> {
  // Somebody waits in front of a browser: a throttled Graph would make him wait for minutes.
  const limit = new AbortController()
  const ended = new AbortController()
  const waiting = clock.sleep(ASK_MS, ended.signal).then(
    () => limit.abort(new Error('it took too long')),
    () => {},
  )
  let graph: Awaited<ReturnType<typeof openGraph>> | undefined
  try {
    graph = await openGraph()
    const ids = await graph.groupsAmong(person.objectId, { among, signal: AbortSignal.any([signal, limit.signal]) })
    return { ids, problem: null }
  } catch (error) {
    signal.throwIfAborted()
    if (limit.signal.aborted) return { ids: [], problem: `Graph did not tell the groups within ${ASK_MS / 1_000} s` }
    if (!(error instanceof RunError || error instanceof ConfigError)) throw error
    return { ids: [], problem: error.message }
  } finally {
    ended.abort(new Error('it has ended'))
    await waiting
    await graph?.stop()
  }
}

/** Pure. */
function highest(
  mappings: readonly Pick<RoleMapping, 'kind' | 'value' | 'role'>[],
  has: { readonly roles: readonly string[]; readonly groups: readonly string[] },
): { readonly role: Role | null; readonly by: Pick<RoleMapping, 'kind' | 'value'> | null } {
  const roles = new Set(has.roles)
  const groups = new Set(has.groups)
  const fitting = mappings.filter(({ kind, value }) => (kind === 'appRole' ? roles : groups).has(value))
  const [best] = fitting.toSorted((a, b) => rankOf(b.role) - rankOf(a.role))
  return best === undefined ? { role: null, by: null } : { role: best.role, by: { kind: best.kind, value: best.value } }
}

/**
 * Maps an app role or a group to a role. Whoever has a role through this connection has to sign in again.
 *
 * @throws NotFoundError for the connection; ConfigError at `value`; ConflictError `mapped-already`
 */
export async function addRoleMapping(
  parts: SignInParts,
  wanted: Omit<RoleMapping, 'id'>,
  actor: Actor,
): Promise<RoleMapping> {
  const { connection, kind, role } = wanted
  const value = kind === 'group' ? parseObjectId(wanted.value.trim()) : wanted.value.trim()
  if (value === undefined || value === '') {
    const message =
      kind === 'group' ? 'is no object id of a group, e.g. as the Entra admin centre shows it' : 'is empty'
    throw new ConfigError([{ at: 'body.value', message }])
  }
  return withTransaction(parts.db, async (tx) => {
    const found = await tx.query<{ id: number }>('select id from connections where name = $1 for share', [connection])
    const connectionId = found.rows[0]?.id
    if (connectionId === undefined) throw new NotFoundError('connection', connection)
    const made = await tx.query<{ id: number }>(
      `insert into role_mappings (connection_id, kind, value, role, created_at) values ($1, $2, $3, $4, $5)
       on conflict do nothing returning id`,
      [connectionId, kind, value, role, parts.clock.now()],
    )
    const id = made.rows[0]?.id
    if (id === undefined)
      throw new ConflictError('mapped-already', 'This is mapped to a role already; remove that mapping first')
    await endRoleSessions(tx, connectionId)
    const details = { kind, value, role }
    await recordAudit(tx, parts, { actor, action: 'role-mapping.create', subject: `connection ${connection}`, details })
    return { id, connection, kind, value, role }
  })
}

/** Whoever has a role through its connection has to sign in again. @throws NotFoundError */
export async function removeRoleMapping(parts: SignInParts, id: number, actor: Actor): Promise<void> {
  await withTransaction(parts.db, async (tx) => {
    const removed = await tx.query<{
      connection_id: number
      connection: string
      kind: string
      value: string
      role: string
    }>(
      `delete from role_mappings m using connections c where m.id = $1 and c.id = m.connection_id
       returning m.connection_id, c.name as connection, m.kind, m.value, m.role`,
      [id],
    )
    const [mapping] = removed.rows
    if (mapping === undefined) throw new NotFoundError('role mapping', String(id))
    await endRoleSessions(tx, mapping.connection_id)
    await forgetRoles(tx, mapping.connection_id)
    const { connection, kind, value, role } = mapping
    const details = { kind, value, role }
    await recordAudit(tx, parts, { actor, action: 'role-mapping.remove', subject: `connection ${connection}`, details })
  })
}

async function endRoleSessions(tx: Queries, connectionId: number): Promise<void> {
  await tx.query('delete from sessions where connection_id = $1 and role is not null', [connectionId])
}
