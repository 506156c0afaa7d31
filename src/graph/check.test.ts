import { describe, expect, it } from 'vitest'
import { clientOptions, emulatedWorld, json, scriptedFetch, tokenAnswer, type World } from '../../test/support/graph.ts'
import { virtualClock } from '../../test/support/virtual-clock.ts'
import { addSecret } from '../emulator/applications.ts'
import { createCertificate } from '../emulator/certificate.ts'
import { checkConnection, type Finding } from './check.ts'
import { GraphClient, type GraphClientOptions } from './client.ts'

const needs = ['User.Read.All', 'GroupMember.Read.All'] as const
const { signal } = new AbortController()

function check(world: World, client: GraphClient = world.client): Promise<Finding[]> {
  return checkConnection(client, { needs, clock: world.emulator.clock, signal })
}

function clientOf(world: World, options: Partial<GraphClientOptions>): GraphClient {
  const { tenantId, clientId } = world.hosted
  const { clock, fetch, graphUrl } = world.emulator
  return new GraphClient(
    clientOptions({ tenantId, clientId, graphUrl, clock, fetch, limits: { requestTimeoutMs: 1e9 }, ...options }),
  )
}

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

      const findings = await checkConnection(client, { needs: [], clock, signal })

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

    const findings = await checkConnection(client, { needs: [], clock, signal })

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

    const findings = await checkConnection(client, { needs, clock: virtualClock(), signal })

    expect(findings[0]).toMatchObject({ check: 'token', ok: false })
    expect(findings[0]?.message).toContain('127.0.0.1:1')
  })
})
