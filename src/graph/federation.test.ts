// Credentials without a secret: the token of another issuer in a file, and the identity of a machine in Azure.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientOptions, emulatedWorld, rejectionOf, type World } from '../../test/support/graph.ts'
import { systemClock } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import { addFederatedCredential } from '../emulator/applications.ts'
import { readAssertion } from './assertion-file.ts'
import { GraphClient } from './client.ts'
import type { Credential } from './credential.ts'
import { CredentialRefused, TokenError } from './errors.ts'

const { signal } = new AbortController()
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const issuer = 'https://oidc.cluster.example/'
const subject = 'system:serviceaccount:muster:muster'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-assertion-'))
  file = join(folder, 'token')
})
afterEach(() => rm(folder, { recursive: true }))

/** The emulated tenant stands where Microsoft does: assertions are sent nowhere else. */
function clientOf({ hosted, emulator }: World, credentials: readonly Credential[]): GraphClient {
  const { tenantId, clientId } = hosted
  const fetch = async (input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit) => {
    const request = new Request(input, init)
    const url = request.url.replace(/^https:\/\/(?:login\.microsoftonline|graph\.microsoft)\.com/, emulator.graphUrl)
    return emulator.fetch(new Request(url, request))
  }
  return new GraphClient(
    clientOptions({
      tenantId,
      clientId,
      authorityUrl: 'https://login.microsoftonline.com',
      graphUrl: 'https://graph.microsoft.com',
      clock: emulator.clock,
      fetch,
      credentials,
      limits: { requestTimeoutMs: 1e9 },
    }),
  )
}

async function assertion(now: Date, claims: { aud?: string | string[]; sub?: string } = {}): Promise<string> {
  const seconds = Math.floor(now.getTime() / 1000)
  return new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: 'cluster' })
    .setIssuer(issuer)
    .setSubject(claims.sub ?? subject)
    .setAudience(claims.aud ?? ['api://AzureADTokenExchange'])
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 3600)
    .sign(keys.privateKey)
}

describe('workload identity federation', () => {
  function trusting(): World {
    const world = emulatedWorld()
    const publicKeyPem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    addFederatedCredential(world.hosted.app, { issuer, subject, publicKeyPem })
    return world
  }

  it('gets tokens for what stands in the file, read anew for each', async () => {
    await using world = trusting()
    await using client = clientOf(world, [{ kind: 'workloadIdentity', file }])
    await writeFile(file, `${await assertion(world.emulator.clock.now())}\n`)
    await client.checkToken(signal)
    world.clock.advance(2 * 3_600_000)
    const late = await rejectionOf(client.checkToken(signal), TokenError)
    await writeFile(file, await assertion(world.emulator.clock.now()))
    await client.checkToken(signal)

    expect(late.aadsts).toBe(700024)
    expect(await client.hasPermission('User.Read.All', signal)).toBe(true)
  })

  it('says which of issuer, subject and audience Entra does not have', async () => {
    await using world = trusting()
    await using client = clientOf(world, [{ kind: 'workloadIdentity', file }])
    await writeFile(file, await assertion(world.emulator.clock.now(), { sub: 'system:serviceaccount:other:muster' }))

    const refused = await rejectionOf(client.checkToken(signal), TokenError)

    expect(refused.aadsts).toBe(700213)
    expect(refused.message).toContain('the subject of the assertion')
  })

  it('without a usable file the next credential is tried, and the reason is kept', async () => {
    await using world = trusting()
    const secret: Credential = { kind: 'secret', secret: world.hosted.clientSecret }
    await using client = clientOf(world, [{ kind: 'workloadIdentity', file }, secret])

    await client.checkToken(signal)

    expect(client.outcomes.map(({ credential, refusal }) => [credential.kind, refusal?.reason])).toEqual([
      ['workloadIdentity', `The assertion cannot be read from ${file}: there is no such file.`],
      ['secret', undefined],
    ])
  })

  it.each([
    ['a key', () => Promise.resolve('-----BEGIN PRIVATE KEY-----'), /does not hold a token/],
    ['something with dots', () => Promise.resolve('a.b.c'), /does not hold a token/],
    ['much', () => Promise.resolve('x'.repeat(70_000)), /too large/],
    [
      "a token for the cluster's own API",
      () => assertion(systemClock.now(), { aud: 'https://kubernetes.default.svc' }),
      /not meant for Entra/,
    ],
  ])('sends no other file of this machine away: %s', async (_what, content, told) => {
    await writeFile(file, await content())

    const refused = await rejectionOf(readAssertion(file, 'https://login.microsoftonline.com'), CredentialRefused)

    expect(refused.message).toMatch(told)
  })

  it.each([
    ['https://login.microsoftonline.com', 'api://AzureADTokenExchange,'],
    ['https://login.microsoftonline.us', 'api://AzureADTokenExchangeUSGov,'],
    ['https://login.partner.microsoftonline.cn', 'api://AzureADTokenExchangeChina,'],
  ])('names the audience of the cloud of %s where the token has another one', async (authority, audience) => {
    await writeFile(file, await assertion(systemClock.now(), { aud: 'https://kubernetes.default.svc' }))

    const refused = await rejectionOf(readAssertion(file, authority), CredentialRefused)

    expect(refused.message).toContain(`for the audience ${audience}`)
  })

  it('sends the token to Microsoft or to this machine alone', async () => {
    await writeFile(file, await assertion(systemClock.now()))

    await expect(readAssertion(file, 'https://login.evil.example')).rejects.toBeInstanceOf(ConfigError)
    await expect(readAssertion(file, 'http://127.0.0.1:8081')).resolves.toContain('.')
    await expect(readAssertion(file, 'https://login.microsoftonline.us')).resolves.toContain('.')
  })
})

describe('managed identity', () => {
  let platform: Server
  let asked: string[]
  let answer: () => Promise<{ status: number; body: object }>
  beforeEach(async () => {
    asked = []
    // The protocol of App Service: https://learn.microsoft.com/azure/app-service/overview-managed-identity (seen 2026-11).
    platform = createServer((request, response) => {
      asked.push(`${request.url ?? ''} ${String(request.headers['x-identity-header'])}`)
      const reply = async () => {
        const { status, body } = await answer()
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      }
      void reply()
    })
    platform.listen(0, '127.0.0.1')
    await once(platform, 'listening')
    const address = platform.address()
    const port = typeof address === 'object' ? address?.port : 0
    process.env['IDENTITY_ENDPOINT'] = `http://127.0.0.1:${port}/msi/token`
    process.env['IDENTITY_HEADER'] = 'of-this-machine'
  })
  afterEach(async () => {
    delete process.env['IDENTITY_ENDPOINT']
    delete process.env['IDENTITY_HEADER']
    platform.close()
    await once(platform, 'close')
  })

  /** What Azure does for a machine: gets a token of the identity from the token service. */
  async function tokenOf({ emulator, hosted }: World): Promise<string> {
    const response = await emulator.fetch(`${emulator.authorityUrl}/${hosted.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: hosted.clientId,
        client_secret: hosted.clientSecret,
        scope: `${emulator.graphUrl}/.default`,
      }),
    })
    const body: unknown = await response.json()
    return String(Reflect.get(Object(body), 'access_token'))
  }

  it('reads Graph with the token that the platform gives for it', async () => {
    await using world = emulatedWorld()
    const token = await tokenOf(world)
    const expires = Math.floor(systemClock.now().getTime() / 1000) + 3600
    answer = async () => ({
      status: 200,
      body: {
        access_token: token,
        expires_on: String(expires),
        resource: world.emulator.graphUrl,
        token_type: 'Bearer',
      },
    })
    await using client = clientOf(world, [
      { kind: 'managedIdentity', clientId: '00000000-0000-4000-8000-00000000000a' },
    ])

    expect(await client.hasPermission('User.Read.All', signal)).toBe(true)
    expect(await client.hasPermission('GroupMember.Read.All', signal)).toBe(true)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toContain('client_id=00000000-0000-4000-8000-00000000000a')
    expect(asked[0]).toContain('of-this-machine')
    expect(decodeURIComponent(asked[0] ?? '')).toContain(`resource=https://graph.microsoft.com`)
  })

  it('that the machine does not have is told in words', async () => {
    await using world = emulatedWorld()
    answer = async () => ({ status: 400, body: { statusCode: 400, message: 'No User Assigned or Delegated identity' } })
    await using client = clientOf(world, [
      { kind: 'managedIdentity', clientId: '00000000-0000-4000-8000-00000000000b' },
    ])

    const refused = await rejectionOf(client.checkToken(signal), CredentialRefused)

    expect(refused.message).toContain('did not get a token for the managed identity')
    expect(refused.remedy).toContain('Assign the identity')
  })
})
