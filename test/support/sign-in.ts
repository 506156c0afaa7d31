// A server whose people sign in through an independent OpenID provider that stands for their tenant.
import { type Role, ROLES } from '../../src/contract/api/endpoint.ts'
import { withTransaction } from '../../src/database/transaction.ts'
import { credentialContext } from '../../src/registry/connections.ts'
import { startSession } from '../../src/signin/sessions.ts'
import type { Engine } from '../../src/sync/engine.ts'
import { type ProvidedPerson, type ProvidedTenant, provideTenant } from './oidc-provider.ts'
import { plant } from './secret-shapes.ts'
import { SAME_SITE, type TestServer } from './server.ts'
import type { SyncWorld } from './world.ts'

/** A person of the registry as the provider knows him. */
export interface KnownPerson extends ProvidedPerson {
  readonly userId: number
}

/** Lets the people of a synchronized world sign in: connection, credential, and the provider in place of Microsoft. */
export async function letSignIn(
  world: SyncWorld,
  more: (people: readonly KnownPerson[]) => readonly ProvidedPerson[] = (people) => people,
  redirectUri = 'http://localhost/signin/microsoft',
): Promise<{
  readonly provider: ProvidedTenant
  readonly people: readonly KnownPerson[]
  readonly connectionId: number
}> {
  const { rows } = await world.db.query<{ id: number; object_id: string; user_name: string }>(
    'select id, object_id, user_name from users where object_id is not null and active order by id',
  )
  const people = rows.map((row) => ({
    userId: row.id,
    objectId: row.object_id,
    userName: row.user_name,
    password: `password of ${row.id}`,
  }))
  const { tenantId, clientId } = world.hosted
  const provider = await provideTenant({ people: more(people), redirectUris: [redirectUri], tenantId, clientId })
  const { rows: connections } = await world.db.query<{ id: number }>(
    'update connections set authority_url = $2, sign_in_with_microsoft = true where name = $1 returning id',
    [world.source, provider.authorityUrl],
  )
  const connectionId = connections[0]!.id
  await world.db.query(
    `insert into connection_credentials (connection_id, kind, sealed, fingerprint) values ($1, 'secret', $2, $3)`,
    [
      connectionId,
      world.engine.vault.seal(provider.clientSecret, credentialContext(connectionId, 'secret')),
      Buffer.from('fingerprint'),
    ],
  )
  return { provider, people, connectionId }
}

/** A browser that was sent to Microsoft. */
export interface Begun {
  readonly url: string
  readonly flow: string
}

export async function beginAt(http: TestServer, body: unknown = {}): Promise<Begun> {
  const answer = await http.asNobody('POST', '/api/v1/sign-in/microsoft', body)
  if (answer.statusCode !== 200) throw new Error(answer.body)
  const flow = answer.cookies.find((cookie) => cookie.name === 'muster-flow')!.value
  plant('flow', flow)
  return { url: answer.json().url, flow }
}

/** Comes back to the server, as the browser that it is. */
export async function comeBack(http: TestServer, back: URL | string, flow: string | undefined) {
  const url = new URL(back, 'http://localhost')
  const answer = await http.server.inject({
    method: 'GET',
    url: `${url.pathname}${url.search}`,
    headers: { host: SAME_SITE.host, ...(flow === undefined ? {} : { cookie: `muster-flow=${flow}` }) },
  })
  const session = answer.cookies.find((cookie) => cookie.name === 'muster-session')?.value
  if (session !== undefined && session !== '') plant('session', session)
  return {
    status: answer.statusCode,
    location: answer.headers.location,
    /** The session's token; undefined where none was begun. */
    session,
    answer,
  }
}

/** All of it: where it ended, and the session. */
export async function signInAs(
  { http, provider }: { readonly http: TestServer; readonly provider: ProvidedTenant },
  userName: string,
  body: unknown = {},
) {
  const { url, flow } = await beginAt(http, body)
  return comeBack(http, await provider.signIn(url, userName), flow)
}

/** A session of a person without the way through a provider. */
export async function personSession(
  engine: Pick<Engine, 'db' | 'clock'>,
  person: {
    readonly userId: number
    readonly connectionId: number
    readonly role: Role | null
    readonly authenticatedAt?: Date | null
  },
): Promise<string> {
  const place = { address: '127.0.0.1', userAgent: 'test' }
  const owner = { authenticatedAt: engine.clock.now(), ...person, roleProblem: null, subject: 'pairwise' }
  const started = await withTransaction(engine.db, (tx) => startSession(tx, { owner, now: engine.clock.now(), place }))
  plant('session', started.token)
  return started.token
}

/** None, and each of them. */
export const PERSON_ROLES = [null, ...ROLES] as const
