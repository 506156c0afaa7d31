import { describe, expect, it } from 'vitest'
import {
  clientOptions,
  rejectionOf,
  emulatedWorld,
  json,
  scriptedFetch,
  tokenAnswer,
  usersPage,
} from '../../test/support/graph.ts'
import { virtualClock } from '../../test/support/virtual-clock.ts'
import { ConfigError } from '../base/errors.ts'
import { addCertificate } from '../emulator/applications.ts'
import { createCertificate } from '../emulator/certificate.ts'
import { explainRefusal } from './aadsts.ts'
import { GraphClient, type GraphClientOptions } from './client.ts'
import { certificateDetails } from './credential.ts'
import { TokenError } from './errors.ts'

const graphUrl = 'https://graph.example.org'
const authorityUrl = 'https://login.example.org'
const { signal } = new AbortController()

function setUp(
  token: (request: Request, n: number) => Response | Promise<Response>,
  client: Partial<GraphClientOptions> = {},
) {
  const clock = virtualClock()
  const fetch = scriptedFetch(() => json(usersPage([1])), { token })
  const limits = { requestTimeoutMs: 1e9, ...client.limits }
  const options = clientOptions({ graphUrl, authorityUrl, clock, fetch, ...client, limits })
  return { clock, fetch, client: new GraphClient(options) }
}

function refused(aadsts: number, error: string, status = 401): Response {
  return json(
    {
      error,
      error_description: `AADSTS${aadsts}: Something about Ann Example.\r\nTrace ID: t-1`,
      error_codes: [aadsts],
      trace_id: 't-1',
    },
    { status },
  )
}

const failureOf = (client: GraphClient) => rejectionOf(client.checkToken(signal), TokenError)

function rsaCertificate(now: Date) {
  return createCertificate({
    commonName: 'muster',
    key: 'rsa',
    notBefore: new Date(now.getTime() - 86_400_000),
    notAfter: new Date(now.getTime() + 30 * 86_400_000),
  })
}

describe('token requests', () => {
  it('go to the configured authority only, with the scope of the configured Graph', async () => {
    const { client, fetch } = setUp((_, n) => tokenAnswer(`token-${n}`))

    await client.checkToken(signal)

    const [request] = fetch.tokenRequests
    expect(request?.url).toBe(`${authorityUrl}/11111111-1111-4111-8111-111111111111/oauth2/v2.0/token`)
    expect(Object.fromEntries(new URLSearchParams(await request?.text()))).toEqual({
      client_id: '22222222-2222-4222-8222-222222222222',
      client_secret: 'the~secret.value',
      grant_type: 'client_credentials',
      scope: `${graphUrl}/.default`,
    })
  })

  it('T4: many readers wait for one token request', async () => {
    const { client, fetch } = setUp((_, n) => tokenAnswer(`token-${n}`))

    await Promise.all(Array.from({ length: 20 }, () => client.checkToken(signal)))

    expect(fetch.tokenRequests).toHaveLength(1)
  })

  it('T5: a token is renewed five minutes early, by expires_in and the monotonic clock alone', async () => {
    const { client, clock, fetch } = setUp((_, n) => tokenAnswer(`token-${n}`, 3_600))
    await client.checkToken(signal)

    clock.advance(54 * 60_000)
    await client.checkToken(signal)
    expect(fetch.tokenRequests).toHaveLength(1)

    clock.advance(60_001)
    await client.checkToken(signal)
    expect(fetch.tokenRequests).toHaveLength(2)
  })

  it('T5: a wall clock that jumps, or a token that says it has long expired, changes nothing', async () => {
    const steady = virtualClock()
    let wall = Date.parse('2026-11-02T08:00:00Z')
    const payload = Buffer.from(JSON.stringify({ exp: 1, nbf: 4_102_444_800 })).toString('base64url')
    const clock = { ...steady, now: () => new Date(wall) }
    const { client, fetch } = setUp(() => tokenAnswer(`e30.${payload}.x`, 3_600), { clock })
    await client.checkToken(signal)

    for (const jump of [-10 * 365, 10 * 365]) {
      wall += jump * 86_400_000
      await client.checkToken(signal)
    }

    expect(fetch.tokenRequests).toHaveLength(1)
  })

  it('T5: short-lived tokens are used for most of their life', async () => {
    const { client, clock, fetch } = setUp((_, n) => tokenAnswer(`token-${n}`, 60))
    await client.checkToken(signal)

    clock.advance(44_000)
    await client.checkToken(signal)
    expect(fetch.tokenRequests).toHaveLength(1)

    clock.advance(2_000)
    await client.checkToken(signal)
    expect(fetch.tokenRequests).toHaveLength(2)
  })

  it.each([
    ['429', () => json({}, { status: 429, headers: { 'retry-after': '3' } }), 3_000],
    ['503 as HTML', () => new Response('<html></html>', { status: 503 }), 250],
    ['HTML with 200', () => new Response('<html></html>', { headers: { 'content-type': 'text/html' } }), 250],
    ['temporarily_unavailable', () => refused(90033, 'temporarily_unavailable', 400), 250],
    ['half an answer', () => json({ token_type: 'Bearer' }), 250],
  ])('T3: %s is tried again after a wait', async (_, answer, waitMs) => {
    const { client, clock, fetch } = setUp((__, n) => (n < 3 ? answer() : tokenAnswer('token')))

    await client.checkToken(signal)

    expect(fetch.tokenRequests).toHaveLength(3)
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(2 * waitMs)
  })

  it('T3: a token service that is down is told as unreachable after six tries', async () => {
    const { client, fetch } = setUp(() => new Response('', { status: 502 }))

    expect(await failureOf(client)).toMatchObject({ name: 'TokenError', code: 'unreachable', retry: 'later' })

    expect(fetch.tokenRequests).toHaveLength(6)
  })

  it('a passing fault does not fail a run while the old token lives', async () => {
    const { client, clock, fetch } = setUp((_, n) =>
      n === 1 ? tokenAnswer('token') : new Response('', { status: 500 }),
    )
    await client.checkToken(signal)

    clock.advance(3_400_000)
    await client.checkToken(signal)
    expect(fetch.tokenRequests.length).toBeGreaterThan(1)

    clock.advance(200_000)
    expect(await failureOf(client)).toMatchObject({ code: 'unreachable' })
  })

  it('one reader who gives up does not fail the others', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by hand')
    const { client, fetch } = setUp(async (_, n) => {
      controller.abort(reason)
      return tokenAnswer(`token-${n}`)
    })
    const impatient = client.checkToken(controller.signal)
    const patient = client.checkToken(signal)

    await expect(impatient).rejects.toBe(reason)
    await patient

    expect(fetch.tokenRequests).toHaveLength(1)
  })
})

describe('refusals', () => {
  it.each([
    [7000215, 'invalid_client', /secret is wrong/, /Value/],
    [7000222, 'invalid_client', /secret has expired/, /Create a client secret/],
    [700016, 'unauthorized_client', /not known in this tenant/, /tenant ID/],
    [7000112, 'unauthorized_client', /disabled/, /Enable/],
    [90002, 'invalid_request', /tenant does not exist/, /cloud/],
    [700027, 'invalid_client', /certificate/, /Upload the certificate/],
    [700024, 'invalid_client', /outside its time/, /clock/],
    [500011, 'invalid_resource', /Graph is not available/, /cloud/],
    [424242, 'invalid_client', /refused the credential/, /secret/],
    [424242, 'something_new', /something_new/, /tenant ID/],
  ])('AADSTS%s %s is told in plain words with a remedy, once', async (aadsts, error, message, remedy) => {
    const { client, fetch } = setUp(() => refused(aadsts, error))

    const failure = await failureOf(client)

    expect(failure).toMatchObject({ name: 'TokenError', code: 'auth-failed', aadsts, requestId: 't-1', retry: 'never' })
    expect(failure.message).toMatch(message)
    expect(failure.remedy).toMatch(remedy)
    expect(`${failure.message} ${JSON.stringify(failure)}`).not.toMatch(/Ann|the~secret/)
    expect(fetch.tokenRequests).toHaveLength(1)
  })

  it("a GUID pasted as secret is recognised as the secret's ID", async () => {
    const credentials = [{ kind: 'secret', secret: '3F2504E0-4F89-41D3-9A0C-0305E82C3301' }] as const
    const { client } = setUp(() => refused(7000215, 'invalid_client'), { credentials })

    const failure = await failureOf(client)

    expect(failure.message).toContain("the secret's ID, not its value")
  })

  it('a GUID as secret is not blamed for something else', () => {
    const fault = explainRefusal({ aadsts: 90002, error: 'invalid_request' }, { pastedSecretId: true })

    expect(fault.message).toContain('tenant')
  })

  it('of two credentials the one that works is used, and used first the next time', async () => {
    const credentials = [
      { kind: 'secret', secret: 'old~one' },
      { kind: 'secret', secret: 'new~one' },
    ] as const
    const sent: (string | null)[] = []
    const { client, clock } = setUp(
      async (request, n) => {
        const secret = new URLSearchParams(await request.text()).get('client_secret')
        sent.push(secret)
        return secret === 'new~one' ? tokenAnswer(`token-${n}`) : refused(7000222, 'invalid_client')
      },
      { credentials },
    )

    await client.checkToken(signal)
    clock.advance(3_600_000)
    await client.checkToken(signal)

    expect(sent).toEqual(['old~one', 'new~one', 'new~one'])
  })

  it('what no credential can cure is not tried with the next one', async () => {
    const credentials = [
      { kind: 'secret', secret: 'one' },
      { kind: 'secret', secret: 'two' },
    ] as const
    const { client, fetch } = setUp(() => refused(700016, 'unauthorized_client', 400), { credentials })

    expect(await failureOf(client)).toMatchObject({ aadsts: 700016 })

    expect(fetch.tokenRequests).toHaveLength(1)
  })
})

describe('certificates', () => {
  it('T5: a token is given for an assertion signed with the certificate, in time of our clock', async () => {
    await using world = emulatedWorld()
    const certificate = rsaCertificate(world.emulator.clock.now())
    addCertificate(world.hosted.app, world.emulator.random, certificate.certificatePem)
    const pem = `${certificate.privateKeyPem}\n${certificate.certificatePem}`
    const { tenantId, clientId } = world.hosted
    await using client = new GraphClient(
      clientOptions({
        tenantId,
        clientId,
        credentials: [{ kind: 'certificate', pem }],
        graphUrl: world.emulator.graphUrl,
        clock: world.emulator.clock,
        fetch: world.emulator.fetch,
        limits: { requestTimeoutMs: 1e9 },
      }),
    )

    await client.checkToken(signal)
    world.clock.advance(10 * 86_400_000)
    await client.checkToken(signal)

    expect(world.emulator.requests.filter((r) => r.service === 'token').map((r) => r.status)).toEqual([200, 200])
  })

  it('a certificate that Microsoft does not know is told as such', async () => {
    await using world = emulatedWorld()
    const certificate = rsaCertificate(world.emulator.clock.now())
    const pem = `${certificate.certificatePem}\n${certificate.privateKeyPem}`
    const { tenantId, clientId } = world.hosted
    await using client = new GraphClient(
      clientOptions({
        tenantId,
        clientId,
        credentials: [{ kind: 'certificate', pem }],
        graphUrl: world.emulator.graphUrl,
        clock: world.emulator.clock,
        fetch: world.emulator.fetch,
        limits: { requestTimeoutMs: 1e9 },
      }),
    )

    expect(await failureOf(client)).toMatchObject({ aadsts: 700027, retry: 'never' })
  })

  it('thumbprint and end are read from the PEM, with key and certificate in any order', () => {
    const certificate = rsaCertificate(new Date('2026-11-02T08:00:00Z'))
    const other = rsaCertificate(new Date('2026-11-02T08:00:00Z'))
    const pem = `${other.certificatePem}${certificate.privateKeyPem}${certificate.certificatePem}`

    expect(certificateDetails(pem)).toEqual({
      thumbprint: expect.stringMatching(/^[0-9A-F]{40}$/),
      expiresAt: new Date('2026-12-02T08:00:00Z'),
    })
    expect(certificateDetails(pem).thumbprint).not.toBe(
      certificateDetails(`${other.certificatePem}${other.privateKeyPem}`).thumbprint,
    )
  })

  it('a PEM without key, without certificate or of two strangers is a configuration error that shows nothing of the key', () => {
    const one = rsaCertificate(new Date('2026-11-02T08:00:00Z'))
    const two = rsaCertificate(new Date('2026-11-02T08:00:00Z'))
    const broken = one.privateKeyPem.replace(/[A-Za-z]{10}/, 'AAAAAAAAAA')
    for (const pem of [
      '',
      one.certificatePem,
      one.privateKeyPem,
      `${one.certificatePem}${two.privateKeyPem}`,
      `${one.certificatePem}${broken}`,
    ])
      expect(() => certificateDetails(pem)).toThrow(ConfigError)
  })
})
