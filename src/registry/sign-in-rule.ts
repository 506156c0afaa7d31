// Who of the registry may sign in with Microsoft. One rule, asked when somebody signs in, with every request of his session, and by
// terminals.
import type { PersonRefusal, SignInLack } from '../contract/sign-in-refusals.ts'
import type { Queries } from '../database/connect.ts'
import type { ObjectId, TenantId } from '../directory/ids.ts'
import { type Connection, listConnections } from './connections.ts'

/** SQL: what the rule looks at beside a user `u`: the source `s` that owns him and its connection `c`. */
export const SIGN_IN_JOINS =
  'left join sources s on s.id = u.source_id left join connections c on c.id = s.connection_id'

const USES_SOURCE = `coalesce(s.settings #>> '{users,options,useAsAuthenticationServer}' = 'true', false)`

/**
 * SQL: whether Entra said of user `u`, when his source read him last, that he is disabled or deleted. Whether the registry deactivates
 * him for that, and when, is the source's option; with Microsoft he gets in nowhere. What is not known counts for him: a mirror that is
 * being read anew lacks people, and a removal that is not proven (state `a`) is none. It counts where the source is disabled, too: disabling
 * one changes nobody, and so lets nobody in who was out, with sessions and tokens that had ended. One look at an index a person, also where
 * very many are asked for: as a join it could become a walk over the whole mirror.
 */
const ENDED_IN_ENTRA = `coalesce((select o.state in ('s', 'x') or o.attributes -> 'accountEnabled' = 'false'
  from mirror_objects o where o.source_id = s.id and o.object_id = u.object_id), false)`

/** SQL: what settings and registry say of it. Whether a source runs does not matter: people must get in while a run fails. */
function isFor(connection: string): string {
  return `(u.active and ${USES_SOURCE} and coalesce(c.sign_in_with_microsoft, false) and c.id = ${connection}
    and c.tenant_id = u.tenant_id)`
}

/** SQL: whether user `u`, joined as {@link SIGN_IN_JOINS} say, may sign in through the connection that a parameter names by id. */
export function maySignIn(connection: string): string {
  return `(${isFor(connection)} and not ${ENDED_IN_ENTRA})`
}

export type JudgedPerson =
  | { readonly kind: 'allowed'; readonly userId: number; readonly userName: string }
  | { readonly kind: 'refused'; readonly reason: PersonRefusal; readonly userId: number | undefined }

interface JudgedRow {
  readonly id: number
  readonly user_name: string
  readonly active: boolean
  readonly uses_source: boolean
  readonly reads: boolean
  readonly uses_connection: boolean
  readonly is_for: boolean
  readonly has_ended: boolean
  readonly source: string | null
  readonly connection: string | null
}

/** SQL: what is judged by, of users `u` and a connection. */
function judgedBy(connection: string): string {
  return `select u.id, u.user_name, u.active, ${USES_SOURCE} as uses_source, coalesce(s.enabled, false) as reads,
      coalesce(c.sign_in_with_microsoft, false) as uses_connection, ${isFor(connection)} as is_for, ${ENDED_IN_ENTRA} as has_ended,
      s.name as source, c.name as connection
    from users u ${SIGN_IN_JOINS}`
}

/** Who of the registry this person of a tenant is, and whether he may sign in through this connection. */
export async function judgePerson(
  db: Queries,
  person: { readonly tenantId: TenantId; readonly objectId: ObjectId; readonly connectionId: number },
): Promise<JudgedPerson> {
  const { tenantId, objectId, connectionId } = person
  const { rows } = await db.query<JudgedRow>(`${judgedBy('$3')} where u.tenant_id = $1 and u.object_id = $2`, [
    tenantId,
    objectId,
    connectionId,
  ])
  return judged(rows[0])
}

export interface JudgedUser {
  readonly judged: JudgedPerson
  /** The source that owns him, and its connection, by name. */
  readonly source: string | null
  readonly connection: string | null
}

/** Whether a user may sign in through the connection of the source that owns him. */
export async function judgeUser(db: Queries, userId: number): Promise<JudgedUser> {
  const { rows } = await db.query<JudgedRow>(`${judgedBy('s.connection_id')} where u.id = $1`, [userId])
  const [row] = rows
  return { judged: judged(row), source: row?.source ?? null, connection: row?.connection ?? null }
}

function judged(row: JudgedRow | undefined): JudgedPerson {
  if (row === undefined) return { kind: 'refused', reason: 'unknown-person', userId: undefined }
  if (row.is_for && !row.has_ended) return { kind: 'allowed', userId: row.id, userName: row.user_name }
  return { kind: 'refused', reason: reasonOf(row), userId: row.id }
}

function reasonOf(row: JudgedRow): PersonRefusal {
  if (row.is_for) return row.reads ? 'account-ended' : 'account-ended-source-disabled'
  if (!row.active) return 'person-inactive'
  if (!row.uses_source) return 'source-not-for-sign-in'
  return row.uses_connection ? 'other-connection' : 'connection-not-for-sign-in'
}

/** A connection, its sources, and what lacks before people can sign in through it. */
export interface SignInPlaceOnFile {
  readonly connectionId: number
  readonly connection: string
  readonly signInWithMicrosoft: boolean
  readonly sources: readonly { readonly name: string; readonly useAsAuthenticationServer: boolean }[]
  /** Empty: people can. The address under which they reach the server is the server's, and not looked at here. */
  readonly lacks: readonly Exclude<SignInLack, 'public-url'>[]
}

/** All connections with their sources, by name. */
export async function listSignInPlaces(db: Queries): Promise<readonly SignInPlaceOnFile[]> {
  const { rows } = await db.query<{
    id: number
    name: string
    uses: boolean
    proves: boolean
    source: string | null
    uses_source: boolean
  }>(
    // A managed identity is no app registration: nobody signs in through it.
    `select c.id, c.name, c.sign_in_with_microsoft as uses, s.name as source, ${USES_SOURCE} as uses_source,
            exists (select from connection_credentials x where x.connection_id = c.id and x.kind <> 'managedIdentity') as proves
       from connections c left join sources s on s.connection_id = c.id order by c.name, s.name`,
  )
  return [...Map.groupBy(rows, ({ id }) => id)].map(([connectionId, of]) => {
    const sources = of.flatMap(({ source, uses_source: useAsAuthenticationServer }) =>
      source === null ? [] : [{ name: source, useAsAuthenticationServer }],
    )
    const { name: connection = '', uses: signInWithMicrosoft = false, proves = false } = of[0] ?? {}
    return {
      connectionId,
      connection,
      signInWithMicrosoft,
      sources,
      lacks: [
        ...(signInWithMicrosoft ? [] : (['connection-option'] as const)),
        ...(proves ? [] : (['credential'] as const)),
        ...(sources.length === 0 ? (['source'] as const) : []),
        ...(sources.length > 0 && sources.every((source) => !source.useAsAuthenticationServer)
          ? (['source-option'] as const)
          : []),
      ],
    }
  })
}

/**
 * The connections that people can sign in with Microsoft through, by name: what the page to sign in at, terminals and user names choose
 * among, and what Settings › Sign-in says of each.
 */
export async function signInConnections(db: Queries): Promise<readonly Connection[]> {
  const places = (await listSignInPlaces(db)).filter(({ lacks }) => lacks.length === 0)
  const usable = new Set(places.map(({ connectionId }) => connectionId))
  return (await listConnections(db)).filter(({ id }) => usable.has(id))
}

/** The roles that groups of Entra give through a connection, each once, by name. */
export async function rolesGivenByGroups(db: Queries, connectionId: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ role: string }>(
    `select distinct role from role_mappings where connection_id = $1 and kind = 'group' order by role`,
    [connectionId],
  )
  return rows.map(({ role }) => role)
}

/** Whether some terminal may let people sign in by a code on another device now. */
export async function hasTerminalsWithCodes(db: Queries, now: Date): Promise<boolean> {
  const { rows } = await db.query<{ has: boolean }>(
    `select exists (select from terminals
      where 'deviceCode' = any(may) and revoked_at is null and (expires_at is null or expires_at > $1)) as has`,
    [now],
  )
  return rows[0]?.has === true
}

/** A domain that is somebody's own would tell whether he is here. */
const PEOPLE_OF_A_DOMAIN = 5

/**
 * Which connection people with user names of a domain mostly sign in through, by domain in lower case. Anybody may ask for it before he
 * signs in: so other addresses of people are not looked at, nor domains of a few.
 */
export async function domainsOfConnections(db: Queries): Promise<ReadonlyMap<string, number>> {
  const usable = (await signInConnections(db)).map(({ id }) => id)
  const { rows } = await db.query<{ domain: string; connection_id: number }>(
    `select distinct on (domain) domain, connection_id from (
       select d.domain, c.id as connection_id, count(*) as people
         from users u ${SIGN_IN_JOINS}, lower(split_part(u.user_name, '@', 2)) as d (domain)
        where ${isFor('c.id')} and c.id = any($1) and d.domain <> ''
        group by 1, 2 having count(*) >= ${PEOPLE_OF_A_DOMAIN}) as counted
      order by domain, people desc, connection_id`,
    [usable],
  )
  return new Map(rows.map((row) => [row.domain, row.connection_id]))
}
