import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provideTenant, type ProvidedTenant } from '../../test/support/oidc-provider.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { DEFAULT_LIMITS } from '../graph/limits.ts'
import { createSender, type Sender } from '../graph/request.ts'
import { createOidc, type Oidc } from './oidc-exchange.ts'
import {
  beginCodeFlow,
  beginDeviceCode,
  endSessionUrl,
  finishCodeFlow,
  pollDeviceCode,
  signInWithPassword,
} from './oidc.ts'

const ANN = {
  userName: 'ann@contoso.example',
  password: 'correct horse',
  objectId: 'aaaaaaaa-0000-4000-8000-000000000001',
}
const BEN = {
  userName: 'ben@contoso.example',
  password: 'battery staple',
  objectId: 'bbbbbbbb-0000-4000-8000-000000000002',
  roles: ['Muster.Operator'],
  groups: ['cccccccc-0000-4000-8000-000000000003'],
}
const FOREIGN = {
  ...ANN,
  userName: 'foreign',
  objectId: 'dddddddd-0000-4000-8000-000000000004',
  claims: { tid: '99999999-0000-4000-8000-000000000009' },
}
const redirectUri = 'http://127.0.0.1/signin/microsoft'
const { signal } = new AbortController()

let tenant: ProvidedTenant
let sender: Sender

beforeAll(async () => {
  tenant = await provideTenant({ people: [ANN, BEN, FOREIGN], redirectUris: [redirectUri] })
  sender = createSender({ clock: systemClock, limits: DEFAULT_LIMITS, graphUrl: tenant.authorityUrl })
})
afterAll(async () => {
  await sender.stop()
  await tenant.stop()
})

function aClient(
  options: { readonly secrets?: readonly string[]; readonly clock?: Clock; readonly sender?: Sender } = {},
): Oidc {
  return createOidc({
    clock: options.clock ?? systemClock,
    log: silentLog,
    sender: options.sender ?? sender,
    userAgent: 'muster/test',
    openCredentials: () =>
      Promise.resolve(
        (options.secrets ?? [tenant.clientSecret]).map((secret) => ({ kind: 'secret', secret }) as const),
      ),
  })
}

async function begin(oidc: Oidc, connection = tenant.connection) {
  const begun = await beginCodeFlow(oidc, { connection, redirectUri, signal })
  if (begun.kind !== 'begun') throw new Error(JSON.stringify(begun))
  return begun
}

async function signInAs(oidc: Oidc, userName: string) {
  const flow = await begin(oidc)
  const returned = (await tenant.signIn(flow.url, userName)).searchParams
  return finishCodeFlow(oidc, { connection: tenant.connection, redirectUri, returned, flow, signal })
}

describe('signing in by code', () => {
  it('ends in tenant and object id, with roles and groups and without a name', async () => {
    expect(await signInAs(aClient(), BEN.userName)).toEqual({
      kind: 'verified',
      person: {
        tenantId: tenant.connection.tenantId,
        objectId: BEN.objectId,
        subject: expect.stringMatching(/^pairwise-/),
        roles: BEN.roles,
        groups: { kind: 'listed', ids: BEN.groups },
        authenticatedAt: null,
      },
    })
  })

  it('asks with PKCE, state and nonce, by the query, and for no mail', async () => {
    const { url, state, nonce, verifier } = await begin(aClient())

    const asked = Object.fromEntries(new URL(url).searchParams)

    expect(asked).toMatchObject({
      client_id: tenant.connection.clientId,
      response_type: 'code',
      response_mode: 'query',
      scope: 'openid profile',
      redirect_uri: redirectUri,
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    expect(asked['code_challenge']).not.toBe(verifier)
    expect(new Set([state, nonce, verifier]).size).toBe(3)
  })

  it('a code works once', async () => {
    const oidc = aClient()
    const flow = await begin(oidc)
    const returned = (await tenant.signIn(flow.url, ANN.userName)).searchParams
    const finish = () => finishCodeFlow(oidc, { connection: tenant.connection, redirectUri, returned, flow, signal })

    expect(await finish()).toMatchObject({ kind: 'verified' })
    expect(await finish()).toMatchObject({ kind: 'refused', reason: 'code-refused' })
  })

  it('a code of another sign-in is refused: its verifier is another one', async () => {
    const oidc = aClient()
    const [mine, others] = [await begin(oidc), await begin(oidc)]
    const returned = (await tenant.signIn(others.url, BEN.userName)).searchParams
    returned.set('state', mine.state)

    const finished = finishCodeFlow(oidc, { connection: tenant.connection, redirectUri, returned, flow: mine, signal })

    expect(await finished).toMatchObject({ kind: 'refused', reason: 'code-refused' })
  })

  it('a token with the nonce of another sign-in is refused', async () => {
    const oidc = aClient()
    const flow = await begin(oidc)
    const returned = (await tenant.signIn(flow.url, ANN.userName)).searchParams
    const altered = { ...flow, nonce: 'of-another-sign-in' }

    const finished = finishCodeFlow(oidc, {
      connection: tenant.connection,
      redirectUri,
      returned,
      flow: altered,
      signal,
    })

    expect(await finished).toEqual({ kind: 'refused', reason: 'token-nonce' })
  })

  it('a callback with something twice, with a token, without a code, or of another issuer is refused', async () => {
    const oidc = aClient()
    const flow = await begin(oidc)
    const reasonOf = async (text: string) => {
      const returned = new URLSearchParams(text)
      const answer = await finishCodeFlow(oidc, { connection: tenant.connection, redirectUri, returned, flow, signal })
      return answer.kind === 'refused' ? answer.reason : answer.kind
    }
    const { state } = flow

    expect(await reasonOf(`code=a&code=b&state=${state}`)).toBe('callback-malformed')
    expect(await reasonOf(`code=a&state=${state}&id_token=e30.e30.e30`)).toBe('callback-malformed')
    expect(await reasonOf(`state=${state}`)).toBe('callback-malformed')
    expect(await reasonOf(`code=a&state=${state}&iss=https://evil.example`)).toBe('callback-issuer')
    expect(await reasonOf(`code=a&state=another`)).toBe('flow-unknown')
    expect(await reasonOf(`error=access_denied&state=${state}`)).toBe('declined')
    expect(
      await reasonOf(`error=access_denied&state=${state}&error_description=AADSTS50105%3A+Ann+is+not+assigned`),
    ).toBe('not-assigned')
  })

  it('a token that names another tenant is refused though signature, issuer and audience are right', async () => {
    expect(await signInAs(aClient(), 'foreign')).toEqual({ kind: 'refused', reason: 'token-tenant' })
  })

  it('the next credential is tried where one is refused, and the first refusal is told where all are', async () => {
    expect(await signInAs(aClient({ secrets: ['wrong', tenant.clientSecret] }), ANN.userName)).toMatchObject({
      kind: 'verified',
    })
    expect(await signInAs(aClient({ secrets: ['wrong', 'wrong too'] }), ANN.userName)).toMatchObject({
      kind: 'refused',
      reason: 'application-refused',
      error: 'invalid_client',
    })
  })

  it('a clock that is five minutes off still lets people in, one that is further off does not', async () => {
    const off = (minutes: number): Clock => ({
      ...systemClock,
      now: () => new Date(systemClock.now().getTime() + minutes * 60_000),
    })

    expect(await signInAs(aClient({ clock: off(-4.5) }), ANN.userName)).toMatchObject({ kind: 'verified' })
    expect(await signInAs(aClient({ clock: off(64) }), ANN.userName)).toMatchObject({ kind: 'verified' })
    expect(await signInAs(aClient({ clock: off(-6) }), ANN.userName)).toMatchObject({ reason: 'token-not-yet-valid' })
    expect(await signInAs(aClient({ clock: off(66) }), ANN.userName)).toMatchObject({ reason: 'token-expired' })
  })

  it('the page that ends the session at Microsoft is the tenant’s own', async () => {
    const url = await endSessionUrl(aClient(), { connection: tenant.connection, returnTo: 'http://127.0.0.1/', signal })

    expect(url?.startsWith(`${tenant.authorityUrl}/`)).toBe(true)
    expect(new URL(url ?? '').searchParams.get('post_logout_redirect_uri')).toBe('http://127.0.0.1/')
  })
})

describe('what a tenant publishes', () => {
  it('is read once for many sign-ins', async () => {
    const oidc = aClient()
    const [documents, keys] = [tenant.countOf('openid-configuration'), tenant.countOf('/jwks')]

    await Promise.all([signInAs(oidc, ANN.userName), signInAs(oidc, BEN.userName), signInAs(oidc, ANN.userName)])

    expect(tenant.countOf('openid-configuration')).toBe(documents + 1)
    expect(tenant.countOf('/jwks')).toBe(keys + 1)
  })

  it('O3: a key that is rolled while somebody signs in lets him in, and is looked for once in five minutes', async () => {
    let ms = 0
    const oidc = aClient({ clock: { ...systemClock, monotonicMs: () => ms } })
    await signInAs(oidc, ANN.userName)
    const flow = await begin(oidc)
    tenant.rollKey()
    const returned = (await tenant.signIn(flow.url, ANN.userName)).searchParams
    const before = tenant.countOf('/jwks')

    const answer = await finishCodeFlow(oidc, { connection: tenant.connection, redirectUri, returned, flow, signal })

    expect(answer).toMatchObject({ kind: 'verified' })
    expect(tenant.countOf('/jwks')).toBe(before + 1)
    tenant.rollKey()
    ms = 299_000
    expect(await signInAs(oidc, ANN.userName)).toEqual({ kind: 'refused', reason: 'token-key-unknown' })
    expect(tenant.countOf('/jwks')).toBe(before + 1)
    ms = 301_000
    expect(await signInAs(oidc, ANN.userName)).toMatchObject({ kind: 'verified' })
  })

  it('O3: is used for a day more while it cannot be read again, and not longer', async () => {
    let ms = 0
    const oidc = aClient({ clock: { ...systemClock, monotonicMs: () => ms } })
    await signInAs(oidc, ANN.userName)
    tenant.failAt('openid-configuration', 503)
    tenant.failAt('/jwks', 503)
    try {
      ms = 47 * 3_600_000
      expect(await signInAs(oidc, ANN.userName)).toMatchObject({ kind: 'verified' })
      ms = 48 * 3_600_000 + 1
      const asked = await beginCodeFlow(oidc, { connection: tenant.connection, redirectUri, signal })
      expect(asked).toMatchObject({ kind: 'refused', reason: 'provider-unavailable' })
    } finally {
      tenant.failAt('openid-configuration', undefined)
      tenant.failAt('/jwks', undefined)
    }
    expect(await signInAs(oidc, ANN.userName)).toMatchObject({ kind: 'verified' })
  })

  it('a tenant that is not there is told as a refusal with what was asked', async () => {
    const connection = { ...tenant.connection, tenantId: '00000000-0000-4000-8000-000000000000' }

    const asked = await beginCodeFlow(aClient(), { connection, redirectUri, signal })

    expect(asked).toMatchObject({ kind: 'refused', reason: 'provider-unavailable' })
    expect(JSON.stringify(asked)).toContain('00000000-0000-4000-8000-000000000000')
  })
})

describe('signing in by a code on another device', () => {
  it('waits until the code was entered there, and tells the person once', async () => {
    const oidc = aClient()
    const begun = await beginDeviceCode(oidc, { connection: tenant.connection, signal })
    if (begun.kind !== 'begun') throw new Error(JSON.stringify(begun))
    const poll = () => pollDeviceCode(oidc, { connection: tenant.connection, deviceCode: begun.deviceCode, signal })

    expect(begun).toMatchObject({ expiresInSeconds: 900, intervalSeconds: 5 })
    expect(await poll()).toEqual({ kind: 'pending', slowDown: false })
    await tenant.enterCode(begun.userCode, ANN.userName)
    expect(await poll()).toMatchObject({ kind: 'verified', person: { objectId: ANN.objectId } })
    expect(await poll()).toMatchObject({ kind: 'refused', reason: 'code-refused' })
  })

  it.each([
    ['https://microsoft.example/devicelogin', 'begun'],
    // A terminal shows it as a code to be read by telephones.
    ['http://microsoft.example/devicelogin', 'refused'],
    ['javascript:alert(1)', 'refused'],
    ['microsoft.example/devicelogin', 'refused'],
  ])('where the tenant sends people to %s it is %s', async (uri, kind) => {
    const other: Sender = {
      ...sender,
      async send(request) {
        const answer = await sender.send(request)
        if (!answer.body.includes('verification_uri')) return answer
        const told: unknown = { ...JSON.parse(answer.body.toString()), verification_uri: uri }
        return { ...answer, body: Buffer.from(JSON.stringify(told)) }
      },
    }

    const begun = await beginDeviceCode(aClient({ sender: other }), { connection: tenant.connection, signal })

    expect(begun).toMatchObject(
      kind === 'begun' ? { kind, verificationUri: uri } : { kind, reason: 'provider-unavailable' },
    )
    expect(JSON.stringify(begun).includes(uri)).toBe(kind === 'begun')
  })
})

describe('signing in by password', () => {
  it('the right one tells the person', async () => {
    const { userName, password } = ANN

    const answer = await signInWithPassword(aClient(), { connection: tenant.connection, userName, password, signal })

    expect(answer).toMatchObject({ kind: 'verified', person: { objectId: ANN.objectId } })
  })

  it('a wrong one and an unknown name are refused alike, and neither stands in the answer', async () => {
    const refusedOf = (userName: string, password: string) =>
      signInWithPassword(aClient(), { connection: tenant.connection, userName, password, signal })

    const [wrong, unknown] = [await refusedOf(ANN.userName, 'canary-guess'), await refusedOf('nobody', 'canary-guess')]

    expect(wrong).toMatchObject({ kind: 'refused', reason: 'password-refused', aadsts: 50126 })
    expect(unknown).toEqual(wrong)
    expect(JSON.stringify([wrong, unknown])).not.toMatch(/canary|ann@/)
  })
})
