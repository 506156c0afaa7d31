// A server whose people sign in through the emulator over HTTP, attacked as a whole: browser, callback, token, registry, audit.
import { DEFAULT_PASSWORD } from '../../src/emulator/accounts.ts'
import { addRedirectUri } from '../../src/emulator/appsignin.ts'
import type { Database } from '../../src/database/connect.ts'
import { credentialContext } from '../../src/registry/connections.ts'
import { FOREIGN, type Kit, OTHER_TENANT } from './forge.ts'
import { FormBrowser } from './form-browser.ts'
import { aServer, type TestServer } from './server.ts'
import { beginAt, comeBack } from './sign-in.ts'
import { aSyncWorld, type SyncWorld } from './world.ts'

const REDIRECT_URI = 'http://localhost/signin/microsoft'
export const SETTINGS = { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } } as const

export interface Person {
  readonly userId: number
  readonly objectId: string
  readonly userName: string
}

/** Where a callback ended: `signed-in` with the page and the session, or the reason, which the audit tells too. */
export type Ended =
  | { readonly kind: 'signed-in'; readonly location: string; readonly session: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly audited: string | undefined }

export interface AttackedServer {
  readonly world: SyncWorld
  readonly http: TestServer
  readonly people: readonly [Person, Person]
  readonly connectionId: number
  /** Sent to Microsoft, and signed in there as one of the people: what the browser would bring back. */
  depart(person?: Person, body?: unknown): Promise<{ readonly flow: string; readonly back: URL }>
  /** The way of a browser from a sign-in page of Microsoft to where it is sent back. */
  browse(url: URL | string, userName?: string): Promise<URL>
  arrive(back: URL | string, flow: string | undefined): Promise<Ended>
  /** All of it, with the token that is made here. */
  attempt(make: (kit: Kit) => string): Promise<Ended>
  /** With a memory of its own of what the tenant publishes. */
  withFreshServer<T>(use: (server: AttackedServer) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

export async function attackedServer(db: Database, clock?: SyncWorld['engine']['clock']): Promise<AttackedServer> {
  const world = await aSyncWorld(db, {
    users: 6,
    groups: 3,
    memberships: 9,
    settings: SETTINGS,
    ...(clock && { clock }),
  })
  const { emulator, hosted, tenant } = world
  addRedirectUri(hosted.app.signIn, { uri: REDIRECT_URI, platform: 'web' })
  await world.sync()
  const { authorityUrl } = await emulator.listen()
  const { keys } = emulator.tokens.issuer
  const retired = keys.signing(tenant.id)
  emulator.tokens.rollKeys()
  const otherTenants = keys.addForTenant(OTHER_TENANT)
  const { rows: connections } = await db.query<{ id: number }>(
    'update connections set authority_url = $2, sign_in_with_microsoft = true where name = $1 returning id',
    [world.source, authorityUrl],
  )
  const connectionId = connections[0]!.id
  const sealed = world.engine.vault.seal(hosted.clientSecret, credentialContext(connectionId, 'secret'))
  await db.query(
    `insert into connection_credentials (connection_id, kind, sealed, fingerprint) values ($1, 'secret', $2, $3)`,
    [connectionId, sealed, Buffer.from('fingerprint')],
  )
  const { rows } = await db.query<{ id: number; object_id: string; user_name: string }>(
    'select id, object_id, user_name from users where object_id is not null and active order by id',
  )
  const known = rows
    .map((row) => ({ userId: row.id, objectId: row.object_id, userName: upnOf(row.object_id) }))
    .filter(({ userName }) => !userName.includes('#EXT#'))
  function upnOf(objectId: string): string {
    return String(tenant.find(objectId)?.properties['userPrincipalName'])
  }
  const [first, second] = known
  if (first === undefined || second === undefined) throw new Error('two people are needed')
  const people = [first, second] as const
  const browsers = new Map<string, FormBrowser>()
  const browse: AttackedServer['browse'] = async (url, userName = first.userName) => {
    const { origin } = new URL(url)
    const browser = browsers.get(`${origin} ${userName}`) ?? new FormBrowser({ fetch, origin })
    browsers.set(`${origin} ${userName}`, browser)
    const arrived = await browser.signIn(url, { userName, password: DEFAULT_PASSWORD })
    if (arrived.kind === 'page') throw new Error(arrived.page.text)
    return arrived.to
  }

  const serve = (http: TestServer): AttackedServer => {
    const depart: AttackedServer['depart'] = async (person = first, body = {}) => {
      const { url, flow } = await beginAt(http, body)
      return { flow, back: await browse(url, person.userName) }
    }
    const arrive: AttackedServer['arrive'] = async (back, flow) => {
      const before = await lastAudit()
      const came = await comeBack(http, back, flow)
      const after = await lastAudit()
      const location = String(came.location)
      if (came.session !== undefined && came.session !== '')
        return { kind: 'signed-in', location, session: came.session }
      const reason = /^\/sign-in#error=([\w-]+)$/.exec(location)?.[1] ?? `status ${came.status}`
      const isNew = after !== undefined && after.id !== before?.id
      return { kind: 'refused', reason, audited: isNew ? JSON.parse(after.details).reason : undefined }
    }
    const server: AttackedServer = {
      world,
      http,
      people,
      connectionId,
      depart,
      browse,
      arrive,
      async attempt(make) {
        const { flow, back } = await depart()
        emulator.tokens.issuer.makeIdToken = (draft) =>
          make({
            draft,
            now: Math.floor(emulator.clock.now().getTime() / 1000),
            clientId: hosted.clientId,
            tenantId: tenant.id,
            issuer: `${authorityUrl}/${tenant.id}/v2.0`,
            authority: authorityUrl,
            foreign: FOREIGN,
            retired,
            otherTenants,
          })
        try {
          return await arrive(back, flow)
        } finally {
          emulator.tokens.issuer.makeIdToken = undefined
        }
      },
      async withFreshServer(use) {
        const fresh = await aServer(world.engine)
        try {
          return await use(serve(fresh))
        } finally {
          await fresh.stop()
        }
      },
      async stop() {
        await http.stop()
        await world.stop()
      },
    }
    return server
  }

  async function lastAudit() {
    const { rows } = await db.query<{ id: number; details: string }>(
      `select id, details from audit where action in ('session.start', 'session.start.refused') order by id desc limit 1`,
    )
    return rows[0]
  }

  return serve(await aServer(world.engine))
}
