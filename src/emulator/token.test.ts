import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT } from 'jose'
import * as openid from 'openid-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { emulate, readJson, stillClock } from '../../test/support/emulated.ts'
import { addCertificate, addFederatedCredential } from './applications.ts'
import { type Certificate, createCertificate, thumbprints } from './certificate.ts'

const DAY_MS = 86_400_000

describe('client credentials by secret (graph.md 5.1, 5.2)', () => {
  it('gives a signed token that the published keys verify, with the claims of an app token', async () => {
    const { emulator, hosted, requestToken } = emulate()

    const { status, body } = await requestToken()

    expect(status).toBe(200)
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 })
    const keys = await emulator.fetch(`${emulator.authorityUrl}/${hosted.tenantId}/discovery/v2.0/keys`)
    const { payload, protectedHeader } = await jwtVerify(
      String(body['access_token']),
      createLocalJWKSet(await readJson(keys)),
      { currentDate: emulator.clock.now(), audience: 'https://graph.microsoft.com' },
    )
    expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT' })
    expect(payload).toMatchObject({
      iss: `https://sts.windows.net/${hosted.tenantId}/`,
      appid: hosted.clientId,
      appidacr: '1',
      idtyp: 'app',
      oid: hosted.app.servicePrincipalId,
      sub: hosted.app.servicePrincipalId,
      roles: ['User.Read.All', 'GroupMember.Read.All'],
      tid: hosted.tenantId,
      ver: '1.0',
    })
  })

  it('takes the client credentials from HTTP Basic as well', async () => {
    const { emulator, hosted } = emulate()
    const basic = Buffer.from(`${hosted.clientId}:${encodeURIComponent(hosted.clientSecret)}`).toString('base64')

    const response = await emulator.fetch(`${emulator.authorityUrl}/contoso.com/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: `${emulator.graphUrl}/.default` }),
    })

    expect(response.status).toBe(200)
  })

  it('works with the library that Muster uses, discovery included (5.7)', async () => {
    const { emulator, hosted } = emulate()

    const config = await openid.discovery(
      new URL(`${emulator.authorityUrl}/${hosted.tenantId}/v2.0`),
      hosted.clientId,
      hosted.clientSecret,
      undefined,
      {
        [openid.customFetch]: (url, { method, headers, body }) =>
          emulator.fetch(url, { method, headers, ...(body instanceof URLSearchParams && { body }) }),
      },
    )
    const tokens = await openid.clientCredentialsGrant(config, { scope: `${emulator.graphUrl}/.default` })

    expect(config.serverMetadata().issuer).toBe(`${emulator.authorityUrl}/${hosted.tenantId}/v2.0`)
    expect(tokens.expires_in).toBe(3599)
  })

  it('an app without application permissions gets a token without roles, and Graph refuses it with 403 (2.1)', async () => {
    const { requestToken, call } = emulate({ application: { roles: [] } })

    const { body } = await requestToken()

    expect(decodeJwt(String(body['access_token']))).not.toHaveProperty('roles')
    const response = await call('/users')
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ error: { code: 'Authorization_RequestDenied' } })
  })

  it('draws the life of a token between the bounds that are set (5.2)', async () => {
    const { emulator, requestToken } = emulate()
    emulator.tokens.lifetimeSeconds = { min: 3600, max: 5400 }

    const lives: number[] = []
    for (let i = 0; i < 20; i++) lives.push(Number((await requestToken()).body['expires_in']))

    expect(Math.min(...lives)).toBeGreaterThanOrEqual(3600)
    expect(Math.max(...lives)).toBeLessThanOrEqual(5400)
    expect(new Set(lives).size).toBeGreaterThan(10)
  })
})

describe('client credentials by certificate (5.1)', () => {
  let certificate: Certificate
  beforeAll(() => {
    certificate = createCertificate({
      commonName: 'muster client',
      key: 'rsa',
      notBefore: new Date(stillClock.now().getTime() - DAY_MS),
      notAfter: new Date(stillClock.now().getTime() + 30 * DAY_MS),
    })
  })

  async function requestWith(options: {
    readonly alg?: 'PS256' | 'RS256'
    readonly header?: Record<string, string>
    readonly audience?: string
    readonly issuer?: string
    readonly secondsFromNow?: number
    readonly signedBy?: Certificate
    readonly afterDays?: number
  }) {
    const emulated = emulate()
    const { emulator, hosted } = emulated
    addCertificate(hosted.app, emulator.random, certificate.certificatePem)
    emulator.clock.advance((options.afterDays ?? 0) * DAY_MS)
    const now = Math.floor(emulator.clock.now().getTime() / 1000) + (options.secondsFromNow ?? 0)
    const assertion = await new SignJWT({})
      .setProtectedHeader({
        alg: options.alg ?? 'PS256',
        typ: 'JWT',
        ...(options.header ?? { 'x5t#S256': thumbprints(certificate.der).sha256 }),
      })
      .setAudience(options.audience ?? `${emulator.authorityUrl}/${hosted.tenantId}/oauth2/v2.0/token`)
      .setIssuer(options.issuer ?? hosted.clientId)
      .setSubject(options.issuer ?? hosted.clientId)
      .setJti(emulator.random.guid())
      .setNotBefore(now)
      .setIssuedAt(now)
      .setExpirationTime(now + 300)
      .sign((options.signedBy ?? certificate).privateKey)
    return await emulated.requestToken({
      client_secret: null,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    })
  }

  it('accepts PS256 with x5t#S256 and RS256 with x5t, and says appidacr 2', async () => {
    const strong = await requestWith({ alg: 'PS256' })
    const older = await requestWith({ alg: 'RS256', header: { x5t: thumbprints(certificate.der).sha1 } })

    expect([strong.status, older.status]).toEqual([200, 200])
    expect(decodeJwt(String(strong.body['access_token']))).toMatchObject({ appidacr: '2' })
  })

  it('refuses unknown thumbprints, wrong signatures, other audiences, other issuers, expired assertions and certificates', async () => {
    const stranger = createCertificate({
      commonName: 'stranger',
      key: 'rsa',
      notBefore: stillClock.now(),
      notAfter: new Date(stillClock.now().getTime() + DAY_MS),
    })
    const codes = async (options: Parameters<typeof requestWith>[0]) => {
      const { status, body } = await requestWith(options)
      return [status, body['error'], body['error_codes']]
    }

    expect(await codes({ header: { 'x5t#S256': thumbprints(stranger.der).sha256 } })).toEqual([
      401,
      'invalid_client',
      [700027],
    ])
    expect(await codes({ signedBy: stranger })).toEqual([401, 'invalid_client', [700027]])
    expect(await codes({ secondsFromNow: -3600 })).toEqual([401, 'invalid_client', [700024]])
    expect(await codes({ secondsFromNow: 3600 })).toEqual([401, 'invalid_client', [700024]])
    expect(await codes({ audience: 'https://login.microsoftonline.us/x/oauth2/v2.0/token' })).toEqual([
      401,
      'invalid_client',
      [50012],
    ])
    expect(await codes({ issuer: '00000000-0000-4000-8000-000000000000' })).toEqual([401, 'invalid_client', [50012]])
    expect(await codes({ afterDays: 31 })).toEqual([401, 'invalid_client', [700027]])
  })
})

describe('client credentials by the token of another issuer (graph.md 5.1, workload identity federation)', () => {
  const issuer = 'https://oidc.cluster.example/'
  const subject = 'system:serviceaccount:muster:muster'
  const audience = 'api://AzureADTokenExchange'
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })

  async function codeOf(claims: { iss?: string; sub?: string; aud?: string; from?: number }, key = keys.privateKey) {
    const emulated = emulate()
    const { emulator, hosted } = emulated
    const publicKeyPem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    addFederatedCredential(hosted.app, { issuer, subject, publicKeyPem })
    const now = Math.floor(emulator.clock.now().getTime() / 1000) + (claims.from ?? 0)
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'RS256', kid: 'cluster-1' })
      .setAudience(claims.aud ?? audience)
      .setIssuer(claims.iss ?? issuer)
      .setSubject(claims.sub ?? subject)
      .setIssuedAt(now)
      .setExpirationTime(now + 3600)
      .sign(key)
    const { status, body } = await emulated.requestToken({
      client_secret: null,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    })
    return status === 200 ? 'granted' : body['error_codes']
  }

  it('compares issuer, subject and audience to the letter, the signature and the time', async () => {
    expect(await codeOf({})).toBe('granted')
    expect(await codeOf({ iss: issuer.slice(0, -1) })).toEqual([700211])
    expect(await codeOf({ sub: subject.toUpperCase() })).toEqual([700213])
    expect(await codeOf({ aud: 'https://kubernetes.default.svc' })).toEqual([700212])
    expect(await codeOf({}, stranger.privateKey)).toEqual([700027])
    expect(await codeOf({ from: -7200 })).toEqual([700024])
  })
})

describe('errors of the token service (graph.md 5.8)', () => {
  it('carries the body that Microsoft documents', async () => {
    const { requestToken } = emulate()

    const { status, body } = await requestToken({ client_secret: 'wrong' })

    expect(status).toBe(401)
    expect(body).toMatchObject({
      error: 'invalid_client',
      error_codes: [7000215],
      timestamp: '2026-11-02 08:00:00Z',
      trace_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      correlation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      error_uri: expect.stringContaining('/error?code=7000215'),
    })
    expect(body['error_description']).toMatch(
      /^AADSTS7000215: Invalid client secret provided\. .*Trace ID: .*Timestamp: 2026-11-02 08:00:00Z$/,
    )
  })

  it.each([
    ['an unknown app', { client_id: '00000000-0000-4000-8000-000000000000' }, 400, 'unauthorized_client', 700016],
    ['no credential', { client_secret: null }, 401, 'invalid_client', 7000218],
    [
      'a scope without /.default',
      { scope: 'https://graph.microsoft.com/User.Read.All' },
      400,
      'invalid_scope',
      1002012,
    ],
    ['two scopes', { scope: 'https://graph.microsoft.com/.default openid/.default' }, 400, 'invalid_scope', 70011],
    ['no scope', { scope: null }, 400, 'invalid_scope', 70011],
    ['the Graph of another cloud', { scope: 'https://graph.microsoft.us/.default' }, 400, 'invalid_resource', 500011],
    ['no grant type', { grant_type: null }, 400, 'invalid_request', 900144],
    [
      'another grant',
      { grant_type: 'urn:ietf:params:oauth:grant-type:saml2-bearer' },
      400,
      'unsupported_grant_type',
      70003,
    ],
  ])('refuses %s', async (_what, fields, status, error, code) => {
    const { requestToken } = emulate()

    const refused = await requestToken(fields)

    expect([refused.status, refused.body['error'], refused.body['error_codes']]).toEqual([status, error, [code]])
  })

  it('refuses an unknown tenant with 90002, in discovery too, and common with 50059', async () => {
    const { emulator } = emulate()
    const ask = async (path: string, method: string) => {
      const response = await emulator.fetch(`${emulator.authorityUrl}/${path}`, { method })
      return [response.status, (await readJson(response))['error_codes']]
    }

    expect(await ask('fabrikam.example/oauth2/v2.0/token', 'POST')).toEqual([400, [90002]])
    expect(await ask('fabrikam.example/v2.0/.well-known/openid-configuration', 'GET')).toEqual([400, [90002]])
    expect(await ask('common/oauth2/v2.0/token', 'POST')).toEqual([400, [50059]])
  })

  it('refuses a secret from the moment it ends with 7000222, and takes another one in the meantime', async () => {
    const { emulator, requestToken } = emulate()
    emulator.clock.advance(180 * DAY_MS - 1)
    const before = await requestToken()

    emulator.clock.advance(1)
    const after = await requestToken()

    expect(before.status).toBe(200)
    expect([after.status, after.body['error'], after.body['error_codes']]).toEqual([401, 'invalid_client', [7000222]])
  })

  it('refuses a disabled app with 7000112', async () => {
    const { emulator, hosted, requestToken } = emulate()
    emulator.setEnabled(hosted.app, false)

    const refused = await requestToken()

    expect([refused.status, refused.body['error'], refused.body['error_codes']]).toEqual([
      400,
      'unauthorized_client',
      [7000112],
    ])
  })
})

describe('tokens at Graph', () => {
  it('answers 401 with a challenge without a token, with a broken one and with a forged one', async () => {
    const { emulator, hosted } = emulate()
    const forged = await new SignJWT({ tid: hosted.tenantId, appid: hosted.clientId, roles: ['User.Read.All'] })
      .setProtectedHeader({ alg: 'RS256', kid: 'forged' })
      .setAudience('https://graph.microsoft.com')
      .setExpirationTime('1h')
      .sign(
        createCertificate({ commonName: 'x', key: 'rsa', notBefore: new Date(0), notAfter: new Date(1e12) }).privateKey,
      )
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"tid":"x"}').toString('base64url')}.`

    for (const authorization of ['', 'Bearer', 'Bearer x', `Bearer ${forged}`, `Bearer ${none}`]) {
      const response = await emulator.fetch(`${emulator.graphUrl}/v1.0/users`, { headers: { authorization } })

      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('Bearer realm="", authorization_uri=')
      expect(await response.json()).toMatchObject({ error: { code: 'InvalidAuthenticationToken' } })
    }
  })

  it('a token ends when its life is over', async () => {
    const { emulator, call } = emulate()
    expect((await call('/users')).status).toBe(200)

    emulator.clock.advance(3_599_000)

    expect((await call('/users')).status).toBe(401)
  })

  it('a rotated key signs new tokens while old ones stay good, until the old key is dropped (5.6)', async () => {
    const { emulator, hosted, call, requestToken } = emulate()
    expect((await call('/users')).status).toBe(200)

    emulator.tokens.rotateKey()

    expect((await call('/users')).status).toBe(200)
    const keys = await emulator.fetch(`${emulator.authorityUrl}/${hosted.tenantId}/discovery/v2.0/keys`)
    expect((await readJson(keys)).keys).toHaveLength(2)
    emulator.tokens.dropOldKeys()
    expect((await call('/users')).status).toBe(401)
    expect((await requestToken()).status).toBe(200)
  })

  it('a newly granted permission shows in new tokens only; a withdrawn one is gone from old ones too (2.1)', async () => {
    const { emulator, hosted, call } = emulate({ application: { roles: ['User.Read.All'] } })
    expect((await call('/groups')).status).toBe(403)

    emulator.grantRoles(hosted.app, ['GroupMember.Read.All'])
    expect((await call('/groups')).status).toBe(403)
    emulator.withdrawRoles(hosted.app, ['User.Read.All'])

    expect((await call('/users')).status).toBe(403)
  })

  it('revoked tokens are refused; whoever declared cp1 gets a claims challenge and a token of a day (5.10)', async () => {
    const { emulator, hosted, call, requestToken } = emulate()
    expect((await call('/users')).status).toBe(200)
    const declared = await requestToken({ claims: '{"access_token":{"xms_cc":{"values":["cp1"]}}}' })
    expect(declared.body['expires_in']).toBe(86_399)
    const asCae = () =>
      emulator.fetch(`${emulator.graphUrl}/v1.0/users`, {
        headers: { authorization: `Bearer ${String(declared.body['access_token'])}` },
      })
    expect((await asCae()).status).toBe(200)

    emulator.revokeTokens(hosted.app)

    const plain = await call('/users')
    expect([plain.status, plain.headers.get('www-authenticate')]).toEqual([401, expect.not.stringContaining('claims=')])
    const challenged = await asCae()
    expect(challenged.status).toBe(401)
    const claims = /claims="([^"]+)"/.exec(challenged.headers.get('www-authenticate') ?? '')?.[1] ?? ''
    expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toHaveProperty('access_token.nbf.value')
  })
})
