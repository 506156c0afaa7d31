import { describe, expect, it } from 'vitest'
import {
  clientOptions,
  emulatedWorld,
  json,
  rawServer,
  scriptedFetch,
  tokenAnswer,
  type World,
} from '../../test/support/graph.ts'
import { virtualClock } from '../../test/support/virtual-clock.ts'
import { addSecret } from '../emulator/applications.ts'
import { createCertificate } from '../emulator/certificate.ts'
import type { SignInNeeds, TerminalWay } from './check-sign-in.ts'
import { checkConnection } from './check.ts'
import type { NeededPermission } from './check-permissions.ts'
import { GraphClient, type GraphClientOptions } from './client.ts'
import type { Finding } from './finding.ts'

const needs: readonly NeededPermission[] = [
  { permission: 'User.Read.All', reasons: ['staff reads users'], isRequired: true },
  { permission: 'GroupMember.Read.All', reasons: ['staff imports groups'], isRequired: true },
]
const { signal } = new AbortController()
const URIS = {
  redirectUri: 'https://muster.example/signin/microsoft',
  signedOutUri: 'https://muster.example/sign-in',
}

async function check(world: World, client: GraphClient = world.client): Promise<readonly Finding[]> {
  return (await checkConnection(client, { needs, clock: world.emulator.clock, signal })).findings
}

function clientOf(world: World, options: Partial<GraphClientOptions>): GraphClient {
  const { tenantId, clientId } = world.hosted
  const { clock, fetch, graphUrl } = world.emulator
  return new GraphClient(
    clientOptions({ tenantId, clientId, graphUrl, clock, fetch, limits: { requestTimeoutMs: 1e9 }, ...options }),
  )
}

/** Without what id tokens tell, which has a test of its own. */
const aboutSignIn = (findings: readonly Finding[]) =>
  findings.filter(({ check: about, message }) => about === 'sign-in' && !message.includes('auth_time'))
const states = (findings: readonly Finding[]) => findings.map((f) => `${f.check} ${f.ok ? 'ok' : 'bad'}`)

describe('check connection', () => {
  it('finds nothing wrong with a sound connection, in a handful of requests', async () => {
    await using world = emulatedWorld()

    const findings = await check(world)

    expect(states(findings)).toEqual([
      'token ok',
      'tenant ok',
      'permission:User.Read.All ok',
      'permission:GroupMember.Read.All ok',
      'credential ok',
    ])
    expect(findings.at(-1)?.message).toMatch(/valid until \d{4}-\d{2}-\d{2}/)
    expect(world.client.usage.requests).toBe(4)
  })

  it.each(['User.Read.All', 'GroupMember.Read.All'])(
    'L3: a missing %s is named with its remedy',
    async (permission) => {
      await using world = emulatedWorld()
      world.emulator.withdrawRoles(world.hosted.app, [permission])

      const findings = await check(world)

      const bad = findings.filter((f) => !f.ok && f.check.startsWith('permission'))
      expect(bad.map((f) => f.check)).toEqual([`permission:${permission}`])
      expect(bad[0]?.remedy).toContain('admin consent')
    },
  )

  it('L3: a wrong secret is a finding, and nothing is asked of Graph', async () => {
    await using world = emulatedWorld()
    await using client = clientOf(world, { credentials: [{ kind: 'secret', secret: 'wrong~secret' }] })

    const findings = await check(world, client)

    expect(findings[0]).toMatchObject({ check: 'token', ok: false, message: expect.stringContaining('AADSTS7000215') })
    expect(client.usage.requests).toBe(0)
  })

  it('an expired secret, and one that soon expires, are told with their date', async () => {
    await using world = emulatedWorld()
    world.clock.advance(150 * 86_400_000)
    const soon = await check(world)
    expect(soon.at(-1)).toMatchObject({
      check: 'credential',
      ok: true,
      message: expect.stringMatching(/expires in (29|30) days/),
    })

    world.clock.advance(40 * 86_400_000)
    const late = await check(world)
    expect(late[0]).toMatchObject({
      check: 'token',
      ok: false,
      message: 'The client secret has expired. (AADSTS7000222)',
      remedy: expect.stringContaining('Create a client secret'),
    })
  })

  it('of two secrets that begin alike the later end counts', async () => {
    await using world = emulatedWorld()
    const { app, clientSecret } = world.hosted
    const now = world.emulator.clock.now()
    const endsAt = new Date(now.getTime() + 5 * 86_400_000)
    addSecret(app, world.emulator.random, { now, value: `${clientSecret.slice(0, 3)}different`, endsAt })

    const findings = await check(world)

    expect(findings.at(-1)?.message).toContain('is valid until')
  })

  it('an expired certificate is told without asking anybody', async () => {
    await using world = emulatedWorld()
    const now = world.emulator.clock.now().getTime()
    const { certificatePem, privateKeyPem } = createCertificate({
      commonName: 'muster',
      key: 'rsa',
      notBefore: new Date(now - 2e9),
      notAfter: new Date(now - 1e9),
    })
    await using client = clientOf(world, {
      credentials: [{ kind: 'certificate', pem: certificatePem + privateKeyPem }],
    })

    const findings = await check(world, client)

    expect(findings.at(-1)).toMatchObject({
      check: 'credential',
      ok: false,
      message: expect.stringContaining('expired on'),
    })
  })

  it('a certificate file without a key is a finding', async () => {
    await using world = emulatedWorld()
    await using client = clientOf(world, { credentials: [{ kind: 'certificate', pem: 'nothing' }] })

    const findings = await check(world, client)

    expect(states(findings)).toEqual(['token bad', 'credential bad'])
  })

  it.each([
    [{ id: '99999999-9999-4999-8999-999999999999', tenantType: 'AAD' }, /not for 11111111/],
    [{ id: '11111111-1111-4111-8111-111111111111', tenantType: 'CIAM' }, /CIAM/],
  ])(
    'a tenant that is another one, or whose changes cannot be followed, is told: %j',
    async (organization, message) => {
      const fetch = scriptedFetch((request) =>
        json({
          value: request.url.includes('/organization') ? [organization] : [],
          '@odata.deltaLink': 'https://graph.example.org/v1.0/x',
        }),
      )
      const clock = virtualClock()
      await using client = new GraphClient(clientOptions({ graphUrl: 'https://graph.example.org', clock, fetch }))

      const { findings } = await checkConnection(client, { needs: [], clock, signal })

      expect(findings.find((f) => f.check === 'tenant')).toMatchObject({
        ok: false,
        message: expect.stringMatching(message),
      })
    },
  )

  it.each([
    ['Mon, 02 Nov 2026 08:00:30 GMT', true, /agrees/],
    ['Mon, 02 Nov 2026 08:10:00 GMT', false, /10 minutes behind/],
    ['Mon, 02 Nov 2026 07:40:00 GMT', false, /20 minutes ahead/],
  ])('T5: a clock that is off by more than two minutes is told: %s', async (date, ok, message) => {
    const fetch = scriptedFetch(
      () => json({ value: [{ id: '11111111-1111-4111-8111-111111111111' }] }, { headers: { date } }),
      {
        token: () => tokenAnswer('token'),
      },
    )
    const clock = virtualClock({ startsAt: '2026-11-02T08:00:00Z' })
    await using client = new GraphClient(clientOptions({ graphUrl: 'https://graph.example.org', clock, fetch }))

    const { findings } = await checkConnection(client, { needs: [], clock, signal })

    expect(findings.find((f) => f.check === 'clock')).toMatchObject({ ok, message: expect.stringMatching(message) })
  })

  it('T15: a proxy that refuses is a finding, not a crash', async () => {
    await using client = new GraphClient(
      clientOptions({
        graphUrl: 'https://graph.example.org',
        proxy: { httpsProxy: 'http://127.0.0.1:1' },
        limits: { backoffMs: 1, maxBackoffMs: 1 },
      }),
    )

    const { findings } = await checkConnection(client, { needs, clock: virtualClock(), signal })

    expect(findings[0]).toMatchObject({ check: 'token', ok: false })
    expect(findings[0]?.message).toContain('127.0.0.1:1')
  })

  it('each permission says what it is needed for, and a missing one where to consent', async () => {
    await using world = emulatedWorld()
    world.emulator.withdrawRoles(world.hosted.app, ['GroupMember.Read.All'])
    const { tenantId, clientId } = world.hosted

    const findings = await check(world)

    const [users, groups] = findings.filter((f) => f.check.startsWith('permission'))
    expect(users?.message).toBe('User.Read.All is granted. Needed because staff reads users.')
    expect(groups).toMatchObject({
      message: 'GroupMember.Read.All is missing. Needed because staff imports groups.',
      link: `${world.emulator.authorityUrl}/${tenantId}/adminconsent?client_id=${clientId}`,
    })
  })

  it('a permission that one can do without is a warning, and hidden groups show whether theirs is there', async () => {
    await using world = emulatedWorld({ groups: 3, hiddenGroups: 2 })
    const { tenant } = world.hosted
    const hidden = [...tenant.live('group')]
      .filter((g) => g.properties['visibility'] === 'HiddenMembership')
      .map((g) => g.id)
    const need = { permission: 'Member.Read.Hidden', reasons: ['there are hidden groups'], isRequired: false } as const
    const ask = async (roles: readonly string[]) => {
      for (const role of roles) world.hosted.app.roles.add(role)
      await using client = clientOf(world, { credentials: [{ kind: 'secret', secret: world.hosted.clientSecret }] })
      const options = { needs: [{ ...need, hiddenGroups: hidden }], clock: world.emulator.clock, signal }
      return (await checkConnection(client, options)).findings.find((f) => f.check === 'permission:Member.Read.Hidden')
    }

    const without = await ask([])
    const granted = await ask(['Member.Read.Hidden'])

    expect(hidden).toHaveLength(2)
    expect(without).toMatchObject({ ok: true, remedy: expect.stringContaining('Member.Read.Hidden') })
    expect(granted).toMatchObject({ ok: true, remedy: '' })
  })

  it('O2: of two credentials the one that works is told as used, the other with why it is refused', async () => {
    await using world = emulatedWorld()
    const credentials = [
      { kind: 'secret', secret: 'the~wrong.secret', id: 2, addedAt: new Date('2026-10-02T00:00:00Z') },
      { kind: 'secret', secret: world.hosted.clientSecret, id: 1, addedAt: new Date('2026-09-01T00:00:00Z') },
    ] as const
    await using client = clientOf(world, { credentials })

    const checked = await checkConnection(client, { needs: [], clock: world.emulator.clock, signal })

    expect(checked.findings.filter((f) => f.check === 'credential')).toMatchObject([
      {
        ok: true,
        message:
          'The client secret of 2026-10-02 is refused; another one works. The client secret is wrong. (AADSTS7000215)',
        remedy: expect.stringContaining('Create a client secret'),
      },
      { ok: true, message: 'The client secret of 2026-09-01 works and is used.', remedy: '' },
      { ok: true, message: expect.stringContaining('is valid until') },
    ])
    expect(checked.credentials.map(({ credential, expiresAt }) => [credential.id, expiresAt instanceof Date])).toEqual([
      [2, false],
      [1, true],
    ])
  })

  it('O1: a secret whose end cannot be read is judged by the day that was entered, or asks for it', async () => {
    await using world = emulatedWorld()
    world.hosted.app.secrets.splice(0, 1, { ...world.hosted.app.secrets[0]!, secretText: 'another~secret.value' })
    const { clientSecret: _, ...hosted } = world.hosted
    const value = 'another~secret.value'
    const withoutOwn = (input: Parameters<typeof fetch>[0], init?: RequestInit) =>
      new Request(input, init).url.includes('/applications(')
        ? Promise.resolve(json({ error: { code: 'Request_ResourceNotFound', message: '' } }, { status: 404 }))
        : world.emulator.fetch(input, init)
    const lastOf = async (expiresAt: Date | null) => {
      await using client = clientOf(world, {
        clientId: hosted.clientId,
        credentials: [{ kind: 'secret', secret: value, expiresAt }],
        fetch: withoutOwn,
      })
      return (await check(world, client)).at(-1)
    }
    const soon = new Date(world.emulator.clock.now().getTime() + 10.5 * 86_400_000)

    expect(await lastOf(null)).toMatchObject({ ok: true, remedy: expect.stringContaining('Enter the day') })
    expect((await lastOf(soon))?.message).toContain('expires in 10 days')
  })

  it('T15: tells that the proxy is used, what it answered, and which hosts are exempt', async () => {
    const proxyOf = async (noProxy: string) => {
      const fetch = scriptedFetch(() => json({ value: [{ id: '11111111-1111-4111-8111-111111111111' }] }))
      const proxy = { httpsProxy: 'http://user:canary@proxy.example:3128', noProxy }
      const roots = { authorityUrl: 'https://login.example.org', graphUrl: 'https://graph.example.org' }
      await using client = new GraphClient(clientOptions({ ...roots, proxy, clock: virtualClock(), fetch }))
      const { findings } = await checkConnection(client, { needs: [], clock: virtualClock(), signal })
      return findings.filter((f) => f.check === 'proxy').map((f) => f.message)
    }

    expect(await proxyOf('')).toEqual([
      'Requests to login.example.org and graph.example.org go through the proxy http://proxy.example:3128.',
    ])
    expect(await proxyOf('graph.example.org')).toEqual([
      'Requests to login.example.org go through the proxy http://proxy.example:3128.',
      'graph.example.org is reached directly, past the proxy (NO_PROXY).',
    ])
  })

  it('T15: a proxy that wants a password is told with its answer and the remedy', async () => {
    await using proxy = await rawServer((socket) => {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n')
    })
    await using client = new GraphClient(
      clientOptions({ graphUrl: 'https://graph.example.org', proxy: { httpsProxy: proxy.origin } }),
    )

    const { findings } = await checkConnection(client, { needs, clock: virtualClock(), signal })

    expect(findings.find((f) => f.check === 'proxy')).toMatchObject({
      ok: false,
      message: expect.stringContaining('which answered 407'),
      remedy: expect.stringContaining('HTTPS_PROXY'),
    })
  })

  it('T18: a tenant of another cloud is told with the cloud that it is in', async () => {
    const asked: string[] = []
    const fetch = scriptedFetch(
      (request) => {
        asked.push(request.url)
        return json({}, { status: request.url.startsWith('https://login.microsoftonline.us/') ? 200 : 400 })
      },
      {
        token: () =>
          json({ error: 'invalid_tenant', error_description: 'AADSTS90002', error_codes: [90002] }, { status: 400 }),
      },
    )
    const roots = { authorityUrl: 'https://login.microsoftonline.com', graphUrl: 'https://graph.microsoft.com' }
    await using client = new GraphClient(clientOptions({ ...roots, clock: virtualClock(), fetch }))

    const { findings } = await checkConnection(client, { needs, clock: virtualClock(), signal })

    expect(findings[0]).toMatchObject({
      ok: false,
      message: expect.stringContaining('The tenant is in the cloud usGov.'),
      remedy: 'Choose the cloud usGov for this connection.',
    })
    expect(asked).toEqual([
      'https://login.microsoftonline.us/11111111-1111-4111-8111-111111111111/v2.0/.well-known/openid-configuration',
    ])
  })

  it.each([
    [
      ['https://muster.example/signin/microsoft', 'https://muster.example/sign-in'],
      true,
      /is a redirect URI/,
      /comes back/,
    ],
    [
      ['https://muster.example/signin/microsoft'],
      true,
      /is a redirect URI/,
      /sign-in is not among .* ends on a page of Microsoft's/,
    ],
    [['https://other.example/'], false, /AADSTS50011/, /sign-in is not among/],
    [undefined, true, /cannot be read here/, undefined],
  ])(
    'what signing in needs is compared where the registration can be read: %j',
    async (redirectUris, ok, message, signedOut) => {
      const fetch = scriptedFetch((request) =>
        request.url.includes('/applications(')
          ? redirectUris === undefined
            ? json({ error: { code: 'Request_ResourceNotFound', message: '' } }, { status: 404 })
            : json({ passwordCredentials: [], keyCredentials: [], web: { redirectUris } })
          : json({ value: [{ id: '11111111-1111-4111-8111-111111111111' }] }),
      )
      const clock = virtualClock()
      await using client = new GraphClient(clientOptions({ graphUrl: 'https://graph.example.org', clock, fetch }))

      const signIn = { ...URIS, atTerminals: [] }
      const { findings } = await checkConnection(client, { needs: [], signIn, clock, signal })

      expect(aboutSignIn(findings)).toMatchObject([
        { ok, message: expect.stringMatching(message) },
        ...(signedOut === undefined ? [] : [{ ok: true, message: expect.stringMatching(signedOut) }]),
      ])
    },
  )

  it.each([
    [true, '', /^Allow public client flows is on, .* by a code on another device\.$/],
    [false, 'Set Allow public client flows to Yes', /^Allow public client flows is off\..*AADSTS7000218/],
    [null, 'Set Allow public client flows to Yes', /^Allow public client flows is off\./],
    [undefined, 'Look there yourself: Set', /^Whether Allow public client flows is on cannot be read here/],
  ])(
    'isFallbackPublicClient %j is told where terminals sign in by codes, and only there',
    async (is, remedy, message) => {
      const fetch = scriptedFetch((request) =>
        request.url.includes('/applications(')
          ? json({ passwordCredentials: [], keyCredentials: [], web: { redirectUris: [] }, isFallbackPublicClient: is })
          : json({ value: [{ id: '11111111-1111-4111-8111-111111111111' }] }),
      )
      const clock = virtualClock()
      const checked = async (atTerminals: readonly TerminalWay[]) => {
        await using client = new GraphClient(clientOptions({ graphUrl: 'https://graph.example.org', clock, fetch }))
        const signIn = { ...URIS, signedOutUri: undefined, atTerminals }
        return (await checkConnection(client, { needs: [], signIn, clock, signal })).findings
      }

      const [, ...told] = aboutSignIn(await checked(['deviceCode', 'password']))
      expect(told).toMatchObject([
        { ok: true, message: expect.stringMatching(message), remedy: expect.stringContaining(remedy) },
      ])
      if (is === true) expect(told[0]?.remedy).toBe('')
      for (const others of [[], ['password']] as const)
        expect(JSON.stringify(await checked(others))).not.toContain('public client')
    },
  )

  it.each([
    [['email', 'auth_time'], '', /^ID tokens tell when somebody signed in/],
    [['email'], 'Token configuration ›', /^ID tokens do not tell when .*proof-missing/],
    [[], 'Token configuration ›', /^ID tokens do not tell when .*proof-missing/],
    [undefined, 'Look there yourself: Token configuration ›', /auth_time\) cannot be read here/],
  ])(
    'that id tokens have the optional claims %j is told where people sign in, and only there',
    async (claims, remedy, message) => {
      await using world = emulatedWorld()
      world.hosted.app.signIn.optionalClaims = claims ?? []
      const fetch: typeof globalThis.fetch = async (input, init) =>
        claims === undefined && String(input instanceof Request ? input.url : input).includes('/applications(')
          ? json({ error: { code: 'Authorization_RequestDenied', message: '' } }, { status: 403 })
          : world.emulator.fetch(input, init)
      await using client = clientOf(world, {
        fetch,
        credentials: [{ kind: 'secret', secret: world.hosted.clientSecret }],
      })
      const { clock } = world.emulator
      const told = async (signIn: SignInNeeds | undefined) =>
        (await checkConnection(client, { needs, signIn, clock, signal })).findings.filter((finding) =>
          finding.message.includes('auth_time'),
        )

      const found = await told({ ...URIS, atTerminals: [] })
      expect(found).toMatchObject([{ check: 'sign-in', ok: true, message: expect.stringMatching(message) }])
      expect(found[0]?.remedy.startsWith(remedy)).toBe(true)
      expect(found[0]?.remedy === '').toBe(remedy === '')
      expect(await told(undefined)).toEqual([])
    },
  )

  it('domains whose passwords Microsoft does not have are named where terminals ask for them, and only there', async () => {
    const domain = (name: string, type: string) => ({ name, type, isDefault: false })
    const domains = [
      domain('contoso.com', 'Managed'),
      ...'One Two Three Four Five Six'.split(' ').map((name) => domain(`${name}.example`, 'Federated')),
    ]
    const fetch = scriptedFetch((request) =>
      request.url.includes('/organization')
        ? json({ value: [{ id: '11111111-1111-4111-8111-111111111111', verifiedDomains: domains }] })
        : json({ passwordCredentials: [], keyCredentials: [], web: { redirectUris: [] } }),
    )
    const clock = virtualClock()
    const federated = async (atTerminals: readonly TerminalWay[]) => {
      await using client = new GraphClient(clientOptions({ graphUrl: 'https://graph.example.org', clock, fetch }))
      const signIn = { ...URIS, signedOutUri: undefined, atTerminals }
      const { findings } = await checkConnection(client, { needs: [], signIn, clock, signal })
      return findings.filter(({ message }) => message.includes('federated'))
    }

    expect(await federated(['password'])).toMatchObject([
      {
        check: 'sign-in',
        ok: true,
        message: expect.stringMatching(
          /^People of one\.example, two\.example, three\.example, four\.example, five\.example and 1 more have .*AADSTS50126/,
        ),
        remedy: expect.stringContaining('code on another device'),
      },
    ])
    expect(await federated(['deviceCode'])).toEqual([])
  })

  it.each([
    [700016, 'unauthorized_client'],
    [65001, 'invalid_grant'],
  ])('O11: where consent lacks (AADSTS%s) the link to it is offered', async (code, error) => {
    const fetch = scriptedFetch(() => json({}), {
      token: () => json({ error, error_description: `AADSTS${code}`, error_codes: [code] }, { status: 400 }),
    })
    await using client = new GraphClient(
      clientOptions({ graphUrl: 'https://graph.example.org', clock: virtualClock(), fetch }),
    )

    const { findings } = await checkConnection(client, { needs, clock: virtualClock(), signal })

    expect(findings[0]?.link).toBe(
      'https://graph.example.org/11111111-1111-4111-8111-111111111111/adminconsent?client_id=22222222-2222-4222-8222-222222222222',
    )
  })
})
