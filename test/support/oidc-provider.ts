// A certified OpenID provider that has nothing to do with Muster or its emulator, on loopback, dressed as a tenant: issuer
// `{root}/{tenant id}/v2.0`, claims `tid`, `oid`, `ver`, `roles`, `groups`. It reads the machine's own clock.
import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Configuration, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { SignInConnection } from '../../src/signin/oidc-exchange.ts'
import { Browserlike } from './browserlike.ts'

export interface ProvidedPerson {
  /** What is typed as user name; the provider's own name of the person. */
  readonly userName: string
  readonly password: string
  readonly objectId: string
  readonly roles?: readonly string[]
  readonly groups?: readonly string[]
  /** Whatever else stands in the id token, or in place of what would. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export interface ProvidedTenant {
  /** Root under which all tenants of this process lie: what a connection calls its authority. */
  readonly authorityUrl: string
  readonly connection: SignInConnection
  readonly clientSecret: string
  /** Replaces the signing key; tokens that are made from now on are signed with another one. */
  rollKey(): void
  /** What the next answers of an address that ends so are instead: a status without a body. */
  failAt(ending: string, status: number | undefined): void
  /** Lets the next request to an address that ends so wait until it is released. */
  holdAt(ending: string): { readonly arrived: Promise<void>; release(): void }
  /** Signs somebody in at the address that Muster sends the browser to, as a browser would. Ends at the redirect back. */
  signIn(url: string, userName: string): Promise<URL>
  /** Types a user code on "another device". */
  enterCode(userCode: string, userName: string): Promise<void>
  /** How often an address that ends so was asked for. */
  countOf(ending: string): number
  stop(): Promise<void>
}

export interface ProviderOptions {
  readonly people: readonly ProvidedPerson[]
  readonly redirectUris?: readonly string[]
  /** Where a browser may go when it has signed out. */
  readonly signedOutUris?: readonly string[]
  readonly tenantId?: string
  readonly clientId?: string
}

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

export async function provideTenant(options: ProviderOptions): Promise<ProvidedTenant> {
  const tenantId = options.tenantId ?? '0c0ffee0-1111-4222-8333-444455556666'
  const clientId = options.clientId ?? 'c11e0000-aaaa-4bbb-8ccc-ddddeeeeffff'
  const clientSecret = 'a~secret~of~the~provider'
  let provider: Provider | undefined
  const failing = new Map<string, number>()
  const counts = new Map<string, number>()
  const held = new Map<string, { arrive(): void; readonly released: Promise<void> }>()
  const prefix = `/${tenantId}/v2.0`
  const http = createServer((request, response) => void answer(request, response))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0] ?? ''
    counts.set(path, (counts.get(path) ?? 0) + 1)
    const [ending, hold] = [...held].find(([one]) => path.endsWith(one)) ?? []
    if (ending !== undefined && hold !== undefined) {
      held.delete(ending)
      hold.arrive()
      await hold.released
    }
    const failure = [...failing].find(([ending]) => path.endsWith(ending))
    if (failure !== undefined || provider === undefined || !path.startsWith(prefix)) {
      response.writeHead(failure?.[1] ?? 404).end()
      return
    }
    if (path.includes('/interaction/')) {
      await answerInteraction(provider, { request, response, people: options.people })
      return
    }
    // How the library is told below which path it is mounted.
    Object.assign(request, { originalUrl: request.url })
    request.url = (request.url ?? '').slice(prefix.length)
    await provider.callback()(request, response)
  }

  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const authorityUrl = `http://127.0.0.1:${address.port}`
  const made = { ...options, issuer: `${authorityUrl}${prefix}`, tenantId, clientId, clientSecret, prefix }
  let keys = 1
  const stored = new Map<string, Stored>()
  provider = makeProvider(made, { kid: `key-${keys}`, stored })

  return {
    authorityUrl,
    connection: { id: 1, tenantId, clientId, authorityUrl },
    clientSecret,
    rollKey() {
      keys += 1
      provider = makeProvider(made, { kid: `key-${keys}`, stored })
    },
    failAt(ending, status) {
      if (status === undefined) failing.delete(ending)
      else failing.set(ending, status)
    },
    holdAt(ending) {
      const arrival = Promise.withResolvers<void>()
      const release = Promise.withResolvers<void>()
      held.set(ending, { arrive: arrival.resolve, released: release.promise })
      return { arrived: arrival.promise, release: release.resolve }
    },
    async signIn(url, userName) {
      const browser = new Browserlike()
      const last = await browser.open(url, (location) => location.origin !== authorityUrl)
      if (last.kind === 'left') return last.url
      const done = await browser.submit(last, { userName }, (location) => location.origin !== authorityUrl)
      if (done.kind !== 'left') throw new Error(`the provider stays at ${done.url.href}: ${done.html.slice(0, 300)}`)
      return done.url
    },
    async enterCode(userCode, userName) {
      const browser = new Browserlike()
      const stay = () => false
      let page = await browser.open(`${authorityUrl}${prefix}/device`, stay)
      if (page.kind === 'left') throw new Error('the device page leads elsewhere')
      page = await browser.submit(page, { user_code: userCode }, stay)
      for (let step = 0; step < 3 && page.kind === 'page' && page.html.includes('<form'); step++)
        page = await browser.submit(
          page,
          page.html.includes('name="userName"') ? { userName } : { confirm: 'yes' },
          stay,
        )
    },
    countOf: (ending) => [...counts].reduce((sum, [path, count]) => sum + (path.endsWith(ending) ? count : 0), 0),
    async stop() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

interface Making extends ProviderOptions {
  readonly issuer: string
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
  readonly prefix: string
}

function makeProvider(
  made: Making,
  { kid, stored }: { readonly kid: string; readonly stored: Map<string, Stored> },
): Provider {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const claimNames = [
    'tid',
    'oid',
    'ver',
    'roles',
    'groups',
    'idp',
    ...made.people.flatMap((p) => Object.keys(p.claims ?? {})),
  ]
  const configuration: Configuration = {
    adapter: (model: string) => adapterOf(stored, model),
    clients: [
      {
        client_id: made.clientId,
        client_secret: made.clientSecret,
        redirect_uris: [...(made.redirectUris ?? ['http://127.0.0.1/signin/microsoft'])],
        post_logout_redirect_uris: [...(made.signedOutUris ?? [])],
        grant_types: ['authorization_code', DEVICE, 'password'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['a key of cookies'] },
    scopes: ['openid', 'profile'],
    claims: { openid: ['sub', ...new Set(claimNames)], profile: ['name', 'preferred_username'] },
    conformIdTokenClaims: false,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 600,
      DeviceCode: 900,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 600,
      Session: 3600,
    },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    interactions: { url: (_, interaction) => `${made.prefix}/interaction/${interaction.uid}` },
    findAccount: (_, id) => {
      const person = made.people.find((one) => subjectOf(one) === id)
      if (person === undefined) return undefined
      return { accountId: id, claims: () => Promise.resolve(claimsOf(person, made.tenantId)) }
    },
    // What an administrator's consent is at Entra.
    async loadExistingGrant(ctx) {
      const { client, session } = ctx.oidc
      if (client === undefined || session?.accountId === undefined) return undefined
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid profile')
      await grant.save()
      return grant
    },
  }
  const provider = new Provider(made.issuer, configuration)
  provider.registerGrantType('password', (ctx) => grantByPassword(ctx, { provider, made }), [
    'username',
    'password',
    'scope',
  ])
  return provider
}

/** Tells nothing of the person, like Entra's. */
function subjectOf({ userName }: ProvidedPerson): string {
  return `pairwise-${createHash('sha256').update(userName).digest('hex').slice(0, 20)}`
}

function claimsOf(
  person: ProvidedPerson,
  tenantId: string,
): { readonly sub: string; readonly [name: string]: unknown } {
  return {
    sub: subjectOf(person),
    tid: tenantId,
    oid: person.objectId,
    ver: '2.0',
    name: 'Somebody Else',
    preferred_username: person.userName,
    ...(person.roles === undefined ? {} : { roles: person.roles }),
    ...(person.groups === undefined ? {} : { groups: person.groups }),
    ...person.claims,
  }
}

async function grantByPassword(
  ctx: KoaContextWithOIDC,
  { provider, made }: { readonly provider: Provider; readonly made: Making },
): Promise<void> {
  const { username, password } = ctx.oidc.params ?? {}
  const person = made.people.find((one) => one.userName === username && one.password === password)
  if (person === undefined) {
    ctx.status = 400
    ctx.body = { error: 'invalid_grant', error_description: 'AADSTS50126: Error validating credentials.' }
    return
  }
  // The library makes id tokens for grants of its own and has no public way for others.
  const { IdToken } = provider as unknown as { IdToken: IdTokenClass }
  const token = new IdToken(claimsOf(person, made.tenantId), { ctx })
  token.scope = 'openid profile'
  ctx.body = {
    token_type: 'Bearer',
    expires_in: 3600,
    access_token: 'opaque',
    id_token: await token.issue({ use: 'idtoken' }),
  }
}

type IdTokenClass = new (
  claims: object,
  options: { ctx: KoaContextWithOIDC },
) => { scope: string; issue(options: { use: 'idtoken' }): Promise<string> }

/** A page with one field, and what becomes of it. */
async function answerInteraction(
  provider: Provider,
  {
    request,
    response,
    people,
  }: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly people: readonly ProvidedPerson[]
  },
): Promise<void> {
  if (request.method === 'GET') {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(
        '<!doctype html><title>Sign in</title><form method="post"><label>User name <input name="userName"></label><button>Next</button><button name="cancel" value="yes">Cancel</button></form>',
      )
    return
  }
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const form = new URLSearchParams(body)
  const person = people.find(({ userName }) => userName === form.get('userName'))
  const isLetIn = person !== undefined && form.get('cancel') !== 'yes'
  await provider.interactionFinished(
    request,
    response,
    isLetIn
      ? { login: { accountId: subjectOf(person) } }
      : { error: 'access_denied', error_description: 'the user cancelled' },
  )
}

interface Stored {
  payload: Record<string, unknown>
}

/** Shared by the providers before and after a key was rolled. */
function adapterOf(stored: Map<string, Stored>, model: string) {
  const key = (id: string) => `${model}:${id}`
  const find = (matches: (payload: Record<string, unknown>) => boolean) =>
    Promise.resolve(
      [...stored].find(([at, { payload }]) => at.startsWith(`${model}:`) && matches(payload))?.[1].payload,
    )
  return {
    upsert(id: string, payload: Record<string, unknown>) {
      stored.set(key(id), { payload })
      return Promise.resolve()
    },
    find: (id: string) => Promise.resolve(stored.get(key(id))?.payload),
    findByUserCode: (userCode: string) => find((payload) => payload['userCode'] === userCode),
    findByUid: (uid: string) => find((payload) => payload['uid'] === uid),
    consume(id: string) {
      const found = stored.get(key(id))
      if (found !== undefined) found.payload['consumed'] = Math.floor(Date.now() / 1000)
      return Promise.resolve()
    },
    destroy(id: string) {
      stored.delete(key(id))
      return Promise.resolve()
    },
    revokeByGrantId(grantId: string) {
      for (const [at, { payload }] of stored) if (payload['grantId'] === grantId) stored.delete(at)
      return Promise.resolve()
    },
  }
}
