// Tenants that lie about themselves, tenants that lie about each other, and a token service that answers something else than what was
// asked: nobody signs in by it, no credential goes where it does not belong, and the audit tells why.
import { generateKeyPairSync } from 'node:crypto'
import { exportJWK, type JWK } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Json } from '../support/emulated.ts'
import { type Alteration, type AlteredProvider, alteredProvider } from '../support/altered-provider.ts'
import { type AttackedServer, attackedServer } from '../support/attacked-server.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { claiming, FOREIGN, seal, sound } from '../support/forge.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { systemClock } from '../../src/base/clock.ts'
import { addRedirectUri } from '../../src/emulator/appsignin.ts'
import type { HostedTenant } from '../../src/emulator/server.ts'
import { credentialContext } from '../../src/registry/connections.ts'

/** Between two tests as much passes as equal refusals are counted together. */
let passed = 0
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passed }
let test: TestDatabase
let target: AttackedServer
let provider: AlteredProvider
/** Its own authority, as the emulator gives it. */
let direct: string
beforeAll(async () => {
  test = await createTestDatabase()
  target = await attackedServer(test.db, clock)
  const { rows } = await test.db.query<{ authority_url: string }>('select authority_url from connections')
  direct = rows[0]!.authority_url
  provider = await alteredProvider(direct)
  await test.db.query('update connections set authority_url = $1', [provider.authorityUrl])
})
afterAll(async () => {
  await provider.stop()
  await target.stop()
  await test.drop()
})
beforeEach(async () => {
  passed += 60_000
  provider.alter(undefined)
  await test.db.query('delete from sessions; delete from signin_flows')
})

/** As if somebody could seal: a verifier of another sign-in. */
const OTHER_VERIFIER = `update signin_flows set verifier = convert_to(
  json_build_array('sign-in flow:' || encode(digest, 'hex'), encode('a-verifier-that-belongs-to-no-code-of-this-sign-in', 'base64'))::text, 'UTF8')`

const sessions = async () => (await test.db.query('select 1 from sessions')).rowCount
const refusedAs = (reason: string) => ({ kind: 'refused', reason, audited: reason })
const lastRefusal = async () => {
  const { rows } = await test.db.query<{ details: string }>(
    `select details from audit where action = 'session.start.refused' order by id desc limit 1`,
  )
  return JSON.parse(rows[0]?.details ?? '{}') as Record<string, unknown>
}

/** Changes one JSON document of the provider. */
function changing(ending: string, change: (document: Json) => unknown): Alteration {
  return ({ path, body }) => {
    if (!path.endsWith(ending)) return undefined
    const changed = change(JSON.parse(body))
    return { body: typeof changed === 'string' ? changed : JSON.stringify(changed) }
  }
}

const DISCOVERY = '/.well-known/openid-configuration'
const KEYS = '/discovery/v2.0/keys'
const EVIL = 'https://evil.example'

describe('a discovery document', () => {
  it.each<[string, Alteration, RegExp]>([
    [
      'of another tenant',
      changing(DISCOVERY, (d) => ({ ...d, issuer: `${provider.authorityUrl}/common/v2.0` })),
      /names another issuer/,
    ],
    [
      'with the template of common',
      changing(DISCOVERY, (d) => ({ ...d, issuer: d.issuer.replace(/[0-9a-f-]{36}/, '{tenantid}') })),
      /names another issuer/,
    ],
    [
      'of another host',
      changing(DISCOVERY, (d) => ({ ...d, issuer: d.issuer.replace('127.0.0.1', 'localhost') })),
      /names another issuer/,
    ],
    ['without an issuer', changing(DISCOVERY, (d) => ({ ...d, issuer: undefined })), /is no discovery document/],
    [
      'whose token endpoint is elsewhere',
      changing(DISCOVERY, (d) => ({ ...d, token_endpoint: `${EVIL}/token` })),
      /endpoints on another host/,
    ],
    [
      'whose token endpoint is on another port',
      changing(DISCOVERY, (d) => ({ ...d, token_endpoint: 'http://127.0.0.1:9/token' })),
      /endpoints on another host/,
    ],
    [
      'whose token endpoint has a user name before the host',
      changing(DISCOVERY, (d) => ({
        ...d,
        token_endpoint: d.token_endpoint.replace('://127.0.0.1', '://127.0.0.1@evil.example'),
      })),
      /endpoints on another host/,
    ],
    [
      'whose keys are elsewhere',
      changing(DISCOVERY, (d) => ({ ...d, jwks_uri: `${EVIL}/keys` })),
      /endpoints on another host/,
    ],
    [
      'whose keys are a file',
      changing(DISCOVERY, (d) => ({ ...d, jwks_uri: 'file:///etc/passwd' })),
      /endpoints on another host/,
    ],
    [
      'whose keys stand in it',
      changing(DISCOVERY, (d) => ({ ...d, jwks_uri: 'data:application/json,{"keys":[]}' })),
      /endpoints on another host/,
    ],
    [
      'whose sign-in page is elsewhere',
      changing(DISCOVERY, (d) => ({ ...d, authorization_endpoint: `${EVIL}/authorize` })),
      /endpoints on another host/,
    ],
    [
      'whose sign-out is elsewhere',
      changing(DISCOVERY, (d) => ({ ...d, end_session_endpoint: `${EVIL}/logout` })),
      /endpoints on another host/,
    ],
    ['that is a list', changing(DISCOVERY, (d) => [d]), /is no discovery document/],
    ['that is no JSON', changing(DISCOVERY, () => '<html>'), /is not JSON/],
    ['of ten megabytes', changing(DISCOVERY, (d) => ({ ...d, padding: 'x'.repeat(10_000_000) })), /cannot be read/],
    [
      'that is not there',
      ({ path }) => (path.endsWith(DISCOVERY) ? { status: 404, body: '{}' } : undefined),
      /answered 404/,
    ],
  ])('%s begins nothing, and the audit says what was wrong', async (_what, alteration, words) => {
    provider.alter(alteration)

    const answer = await target.withFreshServer(({ http }) => http.asNobody('POST', '/api/v1/sign-in/microsoft', {}))

    expect([answer.statusCode, answer.json().code]).toEqual([409, 'provider-unavailable'])
    // Nobody has signed in yet: what was met tells of this network, and stands in the audit alone.
    expect(answer.body).not.toMatch(words)
    expect(await lastRefusal()).toMatchObject({ reason: 'provider-unavailable', hint: expect.stringMatching(words) })
    expect(answer.cookies).toEqual([])
    expect((await test.db.query('select 1 from signin_flows')).rowCount).toBe(0)
  })
})

/** Another key under the name of the one that is published. */
async function published(changes: (foreign: JWK, genuine: JWK) => readonly object[]): Promise<Alteration> {
  const foreign = await exportJWK(FOREIGN.publicKey)
  return changing(KEYS, ({ keys }: { keys: JWK[] }) => ({
    keys: keys.flatMap((key) => changes({ ...foreign, kid: key.kid!, use: 'sig' }, key)),
  }))
}

describe('a set of keys', () => {
  it.each<[string, string, () => Promise<Alteration>]>([
    ['without any', 'provider-unavailable', () => published(() => [])],
    ['for encryption only', 'provider-unavailable', () => published((_foreign, key) => [{ ...key, use: 'enc' }])],
    ['for another algorithm', 'provider-unavailable', () => published((_foreign, key) => [{ ...key, alg: 'PS256' }])],
    [
      'for signing only, not for verifying',
      'provider-unavailable',
      () => published((_foreign, key) => [{ ...key, key_ops: ['sign'] }]),
    ],
    [
      'of another issuer',
      'provider-unavailable',
      () => published((_foreign, key) => [{ ...key, issuer: 'https://sts.windows.net/x/' }]),
    ],
    [
      'of another kind',
      'provider-unavailable',
      () => published((_foreign, { kid }) => [{ kty: 'oct', kid, k: 'AAAA' }]),
    ],
    ['without names', 'token-key-unknown', () => published((_foreign, key) => [{ ...key, kid: undefined }])],
    ['without a number', 'token-key-unknown', () => published((_foreign, key) => [{ ...key, n: undefined }])],
    ['of somebody else under the same name', 'token-signature', () => published((foreign) => [foreign])],
    [
      'of 1024 bits under the same name',
      'token-signature',
      async () => {
        const weak = await exportJWK(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
        return published((_foreign, { kid }) => [{ ...weak, kid: kid!, use: 'sig' }])
      },
    ],
    ['that is a list', 'provider-unavailable', () => Promise.resolve(changing(KEYS, ({ keys }) => keys))],
    [
      'of ten megabytes',
      'provider-unavailable',
      () => published((_foreign, key) => [{ ...key, x5c: ['x'.repeat(5_000_000)] }]),
    ],
    ['that is the page of a proxy', 'provider-unavailable', () => Promise.resolve(changing(KEYS, () => '<html>'))],
  ])('%s lets nobody in: %s', async (_what, reason, make) => {
    provider.alter(await make())

    expect(await target.withFreshServer((server) => server.attempt(sound))).toEqual(refusedAs(reason))
    expect(await sessions()).toBe(0)
  })

  it('of 1024 bits does not verify what was signed with it', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const jwk = await exportJWK(weak.publicKey)
    provider.alter(await published((_foreign, { kid }) => [{ ...jwk, kid: kid!, use: 'sig' }]))

    const ended = await target.withFreshServer((server) =>
      server.attempt((kit) => {
        const [header = '', payload = ''] = sound(kit).split('.')
        return seal(header, payload, weak.privateKey)
      }),
    )

    expect(ended).toEqual(refusedAs('token-signature'))
    expect(await sessions()).toBe(0)
  })

  it('with foreign and unusable keys beside the good one lets people in', async () => {
    provider.alter(
      await published((foreign, key) => [
        { ...foreign, kid: 'another' },
        { kty: 'EC', kid: key.kid },
        { ...key, use: 'enc' },
        key,
      ]),
    )

    expect(await target.withFreshServer((server) => server.attempt(sound))).toMatchObject({ kind: 'signed-in' })
  })
})

describe('an answer of the token service', () => {
  it.each<[string, string, (document: Json) => unknown]>([
    ['without an id token', 'token-missing', (d) => ({ ...d, id_token: undefined })],
    ['whose id token is a list', 'token-missing', (d) => ({ ...d, id_token: [d.id_token] })],
    ['whose id token is null', 'token-missing', (d) => ({ ...d, id_token: null })],
    ['whose id token is the access token', 'token-issuer', (d) => ({ ...d, id_token: d.access_token })],
    ['that is a list', 'provider-unavailable', (d) => [d]],
    ['that is no JSON', 'provider-unavailable', () => 'ok'],
    [
      'that is an error with a token',
      'token-missing',
      (d) => ({ error: 'invalid_grant', access_token: d.access_token }),
    ],
  ])('%s lets nobody in: %s', async (_what, reason, change) => {
    const { flow, back } = await target.depart()
    provider.alter(changing('/token', change))

    const ended = await target.arrive(back, flow)

    expect(ended).toEqual(refusedAs(reason))
    expect(await sessions()).toBe(0)
  })
})

describe('two organizations', () => {
  let second: HostedTenant
  let secondId: number
  beforeAll(async () => {
    const { emulator } = target.world
    second = emulator.host(generateTenant({ users: 4, groups: 1, memberships: 2, seed: 99, clock: emulator.clock }))
    addRedirectUri(second.app.signIn, { uri: 'http://localhost/signin/microsoft', platform: 'web' })
    const { rows } = await test.db.query<{ id: number }>(
      `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft)
       values ('second', $1, $2, 'custom', $3, $3, true) returning id`,
      [second.tenantId, second.clientId, provider.authorityUrl],
    )
    secondId = rows[0]!.id
    const secret = target.world.engine.vault.seal(second.clientSecret, credentialContext(secondId, 'secret'))
    await test.db.query(
      `insert into connection_credentials (connection_id, kind, sealed, fingerprint) values ($1, 'secret', $2, '\\x01')`,
      [secondId, secret],
    )
    await test.db.query(
      `insert into sources (name, connection_id, enabled, priority, settings)
       values ('second', $1, true, 100, '{"users":{"options":{"useAsAuthenticationServer":true}}}')`,
      [secondId],
    )
  })
  afterAll(async () => {
    await test.db.query('delete from sources where connection_id = $1', [secondId])
    await test.db.query('delete from connections where id = $1', [secondId])
  })

  const first = () => ({ connection: target.world.source })
  const departFirst = () => target.depart(target.people[0], first())

  it('a code of the first, brought back to a sign-in of the second, is redeemed by nobody, and the first’s secret is not sent', async () => {
    const honest = await departFirst()
    const { url, flow } = await begin({ connection: 'second' })
    const mixed = new URL(honest.back)
    mixed.searchParams.set('state', new URL(url).searchParams.get('state')!)
    const before = provider.forms.length

    expect(await target.arrive(mixed, flow)).toEqual(refusedAs('code-refused'))

    const sent = provider.forms.slice(before).map((form) => form.get('client_secret'))
    expect(sent).toEqual([second.clientSecret])
    expect(await sessions()).toBe(0)
  })

  it('a sign-in page of the second that sends people on to the first, with its own state, gets no session of theirs', async () => {
    const { url, flow } = await begin({ connection: 'second' })
    const asked = new URL(url)
    // What a malicious second would do: everything of its own flow, at the address and for the application of the first.
    const onwards = new URL(
      `${provider.authorityUrl}/${target.world.hosted.tenantId}/oauth2/v2.0/authorize?${asked.searchParams.toString()}`,
    )
    onwards.searchParams.set('client_id', target.world.hosted.clientId)
    const arrived = await target.browse(onwards)
    const before = provider.forms.length

    expect(await target.arrive(arrived, flow)).toEqual(refusedAs('code-refused'))
    expect(provider.forms.slice(before).map((form) => form.get('client_secret'))).not.toContain(
      target.world.hosted.clientSecret,
    )
    expect(await sessions()).toBe(0)
  })

  it.each([
    [
      'that names the first as issuer',
      'token-issuer',
      () => claiming({ iss: `${provider.authorityUrl}/${target.world.hosted.tenantId}/v2.0` }),
    ],
    ['that names the first as tenant', 'token-tenant', () => claiming({ tid: target.world.hosted.tenantId })],
    ['for the first’s application', 'token-audience', () => claiming({ aud: target.world.hosted.clientId })],
    [
      'with the object id of somebody of the first',
      'unknown-person',
      () => claiming({ oid: target.people[0].objectId }),
    ],
  ])('a token of the second %s signs in nobody of the first: %s', async (_what, reason, make) => {
    const { flow, back } = await departSecond()
    target.world.emulator.tokens.issuer.makeIdToken = (draft) => make()({ draft } as Parameters<typeof sound>[0])
    try {
      expect(await target.arrive(back, flow)).toEqual(refusedAs(reason))
    } finally {
      target.world.emulator.tokens.issuer.makeIdToken = undefined
    }
    expect(await sessions()).toBe(0)
  })

  it('a genuine token of the first, answered by the second, is a token of another issuer', async () => {
    let genuine = ''
    target.world.emulator.tokens.issuer.makeIdToken = (draft) =>
      (genuine = sound({ draft } as Parameters<typeof sound>[0]))
    const honest = await departFirst()
    expect(await target.arrive(honest.back, honest.flow)).toMatchObject({ kind: 'signed-in' })
    target.world.emulator.tokens.issuer.makeIdToken = undefined
    await test.db.query('delete from sessions')
    const { flow, back } = await departSecond()
    provider.alter(changing('/token', (d) => ({ ...d, id_token: genuine })))

    expect(await target.arrive(back, flow)).toEqual(refusedAs('token-issuer'))
    expect(await sessions()).toBe(0)
  })

  it('a person of the second whose source is not there is nobody here, and both go on beside each other', async () => {
    const [ann, other] = [await departFirst(), await departSecond()]

    expect(await target.arrive(other.back, other.flow)).toEqual(refusedAs('unknown-person'))
    expect(await target.arrive(ann.back, ann.flow)).toMatchObject({ kind: 'signed-in' })
  })

  async function begin(body: object) {
    const answer = await target.http.asNobody('POST', '/api/v1/sign-in/microsoft', body)
    return { url: String(answer.json().url), flow: answer.cookies.find(({ name }) => name === 'muster-flow')!.value }
  }

  async function departSecond() {
    const { url, flow } = await begin({ connection: 'second' })
    const person = [...second.tenant.live('user')].find(
      ({ properties }) =>
        properties['accountEnabled'] !== false && !String(properties['userPrincipalName']).includes('#EXT#'),
    )!
    return { flow, back: await target.browse(url, String(person.properties['userPrincipalName'])) }
  }
})

describe('a sign-in that is taken away while somebody is at Microsoft', () => {
  it.each<[string, string, string]>([
    ['all of them were removed', 'flow-unknown', 'delete from signin_flows'],
    ['it has run out', 'flow-unknown', `update signin_flows set expires_at = now() - interval '1 s'`],
    ['its verifier was damaged', 'flow-unknown', `update signin_flows set verifier = '\\x00'`],
    ['its verifier was exchanged for another one', 'code-refused', OTHER_VERIFIER],
    ['its browser was exchanged', 'flow-other-browser', `update signin_flows set browser = sha256('another')`],
    ['its nonce was exchanged', 'token-nonce', `update signin_flows set nonce = 'another'`],
    [
      'its address was exchanged',
      'application-refused',
      `update signin_flows set redirect_uri = 'https://evil.example/'`,
    ],
    [
      'its connection does not sign in any more',
      'connection-not-for-sign-in',
      'update connections set sign_in_with_microsoft = false',
    ],
  ])('%s: %s, and no session', async (_what, reason, sql) => {
    // Equal refusals are told once a minute: by a server that has told none.
    await target.withFreshServer(async (server) => {
      const { flow, back } = await server.depart()
      try {
        await test.db.query(sql)

        expect(await server.arrive(back, flow)).toEqual(refusedAs(reason))
        expect(await sessions()).toBe(0)
      } finally {
        await test.db.query('update connections set sign_in_with_microsoft = true')
      }
    })
  })
})
