import { get, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { emulate, type Json, readJson, stillClock } from '../../test/support/emulated.ts'
import { createServerCertificate } from './certificate.ts'
import type { FaultSpec } from './faultkinds.ts'
import { generateTenant } from './generator.ts'
import { Emulator } from './server.ts'

interface Raw {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** False when the connection ended before the message did. */
  readonly isComplete: boolean
  readonly error: string | undefined
}

/** One exchange as it looks on the wire; `stopAfter` hangs up after so many bytes. */
function exchange(url: string, options: { headers?: Record<string, string>; stopAfter?: number } = {}): Promise<Raw> {
  return new Promise((resolve) => {
    const parts: Buffer[] = []
    let seen: IncomingMessage | undefined
    let bytes = 0
    const end = (error?: NodeJS.ErrnoException) =>
      resolve({
        status: seen?.statusCode,
        headers: seen?.headers ?? {},
        body: Buffer.concat(parts),
        isComplete: seen?.complete ?? false,
        error: error?.code,
      })
    const request = get(url, { agent: false, headers: options.headers ?? {} }, (response) => {
      seen = response
      response.on('data', (part: Buffer) => {
        parts.push(part)
        bytes += part.length
        if (bytes >= (options.stopAfter ?? Number.POSITIVE_INFINITY)) request.destroy()
      })
      response.on('end', () => end())
      response.on('error', end)
      response.on('close', () => end())
    })
    request.on('error', end)
  })
}

const started: Emulator[] = []
afterEach(async () => {
  for (const emulator of started.splice(0)) await emulator.stop()
})

async function overHttp(spec?: FaultSpec) {
  const emulated = emulate()
  started.push(emulated.emulator)
  const { graphUrl } = await emulated.emulator.listen()
  const { body } = await emulated.requestToken()
  if (spec !== undefined) emulated.emulator.faults.add(spec)
  return {
    ...emulated,
    url: `${graphUrl}/v1.0/users?$select=id,displayName`,
    headers: { authorization: `Bearer ${body['access_token']}` },
  }
}

describe('over HTTP', () => {
  it('serves token service and Graph on one origin, with links to that origin and the headers of graph.md 6.2', async () => {
    await using emulator = new Emulator({ clock: stillClock })
    const tenant = generateTenant({ users: 250, groups: 4, memberships: 9, seed: 2, clock: emulator.clock })
    const hosted = emulator.host(tenant)
    const { authorityUrl, graphUrl } = await emulator.listen()
    const granted = await fetch(`${authorityUrl}/${hosted.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: hosted.clientId,
        client_secret: hosted.clientSecret,
        scope: `${graphUrl}/.default`,
      }),
    })
    const { access_token: token } = await readJson(granted)

    const response = await fetch(`${graphUrl}/v1.0/users?$select=id`, {
      headers: { authorization: `Bearer ${token}`, 'client-request-id': 'abc' },
    })

    const { value, ...rest } = await readJson(response)
    expect(value).toHaveLength(100)
    expect(rest['@odata.nextLink']).toMatch(new RegExp(`^${graphUrl}/v1\\.0/users\\?`))
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type':
        'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8',
      'request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'client-request-id': 'abc',
      'odata-version': '4.0',
      'x-ms-resource-unit': '1',
      'x-ms-ags-diagnostic': expect.stringContaining('ServerInfo'),
    })
    expect(emulator.requests.map(({ service, method, status }) => [service, method, status])).toEqual([
      ['token', 'POST', 200],
      ['graph', 'GET', 200],
    ])
  })

  it('serves several tenants side by side, each to its own tokens', async () => {
    await using emulator = new Emulator({ clock: stillClock })
    const hosted = [1, 2].map((seed) =>
      emulator.host(
        generateTenant({
          users: seed * 5,
          groups: 0,
          memberships: 0,
          seed,
          clock: emulator.clock,
          domain: `t${seed}.example`,
        }),
      ),
    )
    const counts = []
    for (const one of hosted) {
      const granted = await emulator.fetch(`${emulator.authorityUrl}/${one.tenantId}/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: one.clientId,
          client_secret: one.clientSecret,
          scope: `${emulator.graphUrl}/.default`,
        }),
      })
      const { access_token: token } = await readJson(granted)
      const users = await emulator.fetch(`${emulator.graphUrl}/v1.0/users`, {
        headers: { authorization: `Bearer ${token}` },
      })
      counts.push((await readJson(users)).value.length)
    }

    expect(counts).toEqual([5, 10])
  })

  it('packs answers only when switched on and asked for', async () => {
    const { emulator, url, headers } = await overHttp()
    const accept = { ...headers, 'accept-encoding': 'gzip' }

    const off = await exchange(url, { headers: accept })
    emulator.gzip = true
    const packed = await exchange(url, { headers: accept })
    const unasked = await exchange(url, { headers })

    expect([off, packed, unasked].map((raw) => raw.headers['content-encoding'])).toEqual([undefined, 'gzip', undefined])
    expect(JSON.parse(gunzipSync(packed.body).toString()).value).toHaveLength(60)
  })

  it('speaks TLS with a certificate of its own authority, which a caller has to trust', async () => {
    await using emulator = new Emulator({ clock: stillClock })
    const { graphUrl, authorityPem } = await emulator.listen({ tls: true })
    const ask = (ca: string | undefined) =>
      new Promise<number | string | undefined>((resolve) => {
        const request = httpsRequest(
          `${graphUrl}/v1.0/users`,
          { agent: false, ...(ca === undefined ? {} : { ca }) },
          (response) => {
            response.resume()
            resolve(response.statusCode)
          },
        )
        request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        request.end()
      })

    expect(await ask(authorityPem)).toBe(401)
    expect(await ask(undefined)).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN/)
    expect(await ask(createServerCertificate({ now: new Date(), hosts: ['localhost'] }).authorityPem)).toMatch(
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE/,
    )
  })
})

describe('damage on the way, over HTTP', () => {
  it('T6: resets before the headers and inside the body', async () => {
    const { emulator, url, headers } = await overHttp({ kind: 'reset', at: 'headers', count: 1 })

    const before = await exchange(url, { headers })
    emulator.faults.add({ kind: 'reset', at: 'body', keepBytes: 500, count: 1 })
    const inside = await exchange(url, { headers })

    expect([before.status, before.error]).toEqual([undefined, 'ECONNRESET'])
    expect([inside.status, inside.isComplete, inside.error]).toEqual([200, false, 'ECONNRESET'])
    expect(inside.body.length).toBeLessThanOrEqual(500)
    expect((await exchange(url, { headers })).isComplete).toBe(true)
  })

  it('T7: cuts with a content length, in chunks, without framing, and inside gzip', async () => {
    const { emulator, url, headers } = await overHttp()
    const whole = await exchange(url, { headers })
    const cut = async (spec: Omit<FaultSpec & { kind: 'truncated' }, 'kind'>) => {
      emulator.faults.add({ kind: 'truncated', count: 1, ...spec })
      return await exchange(url, { headers })
    }

    const byLength = await cut({ framing: 'content-length', keepBytes: 700 })
    const inChunks = await cut({ framing: 'chunked', keepBytes: 700 })
    const byClose = await cut({ framing: 'close', keepBytes: 700 })
    const inGzip = await cut({ framing: 'gzip' })

    expect([byLength.body.length, byLength.isComplete, byLength.headers['content-length']]).toEqual([
      700,
      false,
      String(whole.body.length),
    ])
    expect([inChunks.body.length, inChunks.isComplete]).toEqual([700, false])
    expect([byClose.body.length, byClose.isComplete]).toEqual([700, true])
    expect([inGzip.isComplete, inGzip.headers['content-encoding']]).toEqual([true, 'gzip'])
    expect(() => gunzipSync(inGzip.body)).toThrow('unexpected end of file')
    expect(emulator.faults.pending()).toEqual([])
  })

  it('T8: a bomb of half a gigabyte is half a megabyte on the wire; T9: drips and endless bodies', async () => {
    const { emulator, url, headers } = await overHttp({ kind: 'bomb', count: 1 })

    const bomb = await exchange(url, { headers })
    emulator.faults.add({ kind: 'drip', bytes: 100, everyMs: 0, count: 1 })
    const drip = await exchange(url, { headers })
    emulator.faults.add({ kind: 'endless', count: 1 })
    const endless = await exchange(url, { headers, stopAfter: 3_000_000 })

    expect(bomb.body.length).toBeLessThan(1_500_000)
    expect(gunzipSync(bomb.body, { maxOutputLength: 1024 ** 3 }).length).toBeGreaterThan(512 * 1024 * 1024)
    expect([drip.isComplete, JSON.parse(drip.body.toString()).value.length]).toEqual([true, 60])
    expect([endless.isComplete, endless.body.length >= 3_000_000]).toEqual([false, true])
  })
})

describe('in process', () => {
  it('gives the errors that Node’s fetch gives for the same damage', async () => {
    const { emulator, call } = emulate()
    const outcome = async (spec: FaultSpec) => {
      const fault = emulator.faults.add({ ...spec, count: 1 })
      const result = await call('/users').then(
        (response) =>
          response
            .text()
            .catch((error: TypeError & { cause?: { code?: string } }) => `${error.message}: ${error.cause?.code}`),
        (error: TypeError & { cause?: { code?: string } }) => `${error.message}: ${error.cause?.code}`,
      )
      expect(fault.fired).toBe(1)
      return result
    }

    expect(await outcome({ kind: 'reset', at: 'headers' })).toBe('fetch failed: ECONNRESET')
    expect(await outcome({ kind: 'reset', at: 'body' })).toBe('terminated: UND_ERR_SOCKET')
    expect(await outcome({ kind: 'truncated', framing: 'content-length' })).toBe('terminated: UND_ERR_SOCKET')
    expect(await outcome({ kind: 'truncated', framing: 'chunked', keepBytes: 0 })).toBe('terminated: UND_ERR_SOCKET')
    expect(await outcome({ kind: 'truncated', framing: 'close', keepBytes: 12 })).toBe('{"@odata.con')
    expect(JSON.parse(await outcome({ kind: 'truncated', framing: 'gzip' })).value).toHaveLength(60)
    expect(JSON.parse(await outcome({ kind: 'drip', bytes: 1000 })).value).toHaveLength(60)
    expect(JSON.parse(await outcome({ kind: 'bomb', decodedBytes: 5_000_000 })).value).toEqual([])
  })

  it('answers for Microsoft’s global hosts, and fails for any other as if the name did not resolve', async () => {
    const { emulator, call } = emulate()
    expect(
      (await emulator.fetch('https://login.microsoftonline.com/contoso.com/v2.0/.well-known/openid-configuration'))
        .status,
    ).toBe(200)
    expect((await emulator.fetch('https://graph.microsoft.com/v1.0/users')).status).toBe(401)

    await expect(call('https://evil.example/v1.0/users')).rejects.toMatchObject({ cause: { code: 'ENOTFOUND' } })

    expect(emulator.strayRequests.map((request) => [request.url, request.headers.has('authorization')])).toEqual([
      ['https://evil.example/v1.0/users', true],
    ])
  })

  it('T13: follows, refuses or shows redirects as fetch does', async () => {
    const { emulator } = emulate()
    emulator.faults.add({ kind: 'redirect', location: '/v1.0/organization', path: '/users' })
    const url = `${emulator.graphUrl}/v1.0/users`

    expect((await emulator.fetch(url)).status).toBe(401)
    expect((await emulator.fetch(url, { redirect: 'manual' })).status).toBe(302)
    await expect(emulator.fetch(url, { redirect: 'error' })).rejects.toThrow('fetch failed')
    expect(emulator.requests.map((entry) => entry.path)).toEqual(['/users', '/organization', '/users', '/users'])
  })

  it('ends at once when aborted', async () => {
    const { emulator } = emulate({ clock: { ...stillClock, sleep: (_ms, signal) => rejectOnAbort(signal) } })
    emulator.latencyMs = 60_000
    const controller = new AbortController()

    const pending = emulator.fetch(`${emulator.graphUrl}/v1.0/users`, { signal: controller.signal })
    controller.abort(new Error('enough'))

    await expect(pending).rejects.toThrow('enough')
  })

  it('refuses a tenant that lives by another clock, which would never age', () => {
    const emulator = new Emulator({ clock: stillClock })
    const tenant = generateTenant({ users: 1, groups: 0, memberships: 0, seed: 1, clock: stillClock })

    expect(() => emulator.host(tenant)).toThrow('clock')
  })
})

describe('the administration interface', () => {
  async function administered() {
    const emulated = emulate()
    started.push(emulated.emulator)
    const { adminUrl } = await emulated.emulator.listen()
    const admin = (method: string, path: string, body?: unknown, key = emulated.emulator.adminKey) =>
      new Promise<{ status: number | undefined; body: Json }>((resolve, reject) => {
        const request = httpRequest(
          `${adminUrl}/${path}`,
          { method, agent: false, headers: { 'x-admin-key': key } },
          (response) => {
            let text = ''
            response.setEncoding('utf8').on('data', (part) => {
              text += part
            })
            response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }))
          },
        )
        request.on('error', reject)
        request.end(body === undefined ? undefined : JSON.stringify(body))
      })
    const act = (action: string, body: unknown) => admin('POST', `tenants/${emulated.hosted.tenantId}/${action}`, body)
    return { ...emulated, admin, act }
  }

  it('is shut without the key', async () => {
    const { admin } = await administered()

    expect((await admin('GET', 'state', undefined, 'wrong')).status).toBe(401)
    expect((await admin('GET', 'state')).body.tenants[0]).toMatchObject({
      users: 60,
      groups: 20,
      displayName: 'Contoso',
    })
  })

  it('hires, renames, disables, deletes, restores, purges and regroups, and Graph shows it', async () => {
    const { act, json, hosted } = await administered()
    const groupId = (await act('createGroup', { displayName: 'New' })).body.id
    const { id } = (await act('hire', { userPrincipalName: 'eve@contoso.com', displayName: 'Eve' })).body

    await act('addMember', { groupId, memberId: 'eve@contoso.com' })
    await act('rename', { id, userPrincipalName: 'eva@contoso.com' })
    await act('disable', { id })
    await act('update', { id, patch: { department: 'Sales', mobilePhone: null } })
    await act('renameGroup', { id: groupId, displayName: 'Newer' })

    expect(await json(`/users/${id}?$select=userPrincipalName,accountEnabled,department`)).toMatchObject({
      userPrincipalName: 'eva@contoso.com',
      accountEnabled: false,
      department: 'Sales',
    })
    expect((await json(`/groups/${groupId}/members?$select=id`)).value).toEqual([
      { '@odata.type': '#microsoft.graph.user', id },
    ])
    await act('delete', { id })
    expect((await json(`/users/${id}`)).error.code).toBe('Request_ResourceNotFound')
    await act('restore', { id })
    expect((await json(`/users/${id}`)).displayName).toBe('Eve')
    await act('removeMember', { groupId, memberId: id })
    expect((await json(`/groups/${groupId}/members`)).value).toEqual([])
    await act('purge', { id })
    expect((await act('restore', { id })).status).toBe(404)
    expect((await act('deleteGroup', { id: groupId })).body.presence).toBe('deleted')
    expect(hosted.tenant.count('user')).toBe(60)
  })

  it('revokes permissions, expires and adds secrets, expires delta, moves the clock', async () => {
    const { emulator, hosted, act, admin, call, json, requestToken } = await administered()
    const { '@odata.deltaLink': deltaLink } = await json('/users/delta?$deltatoken=latest')

    await act('expireDelta', {})
    expect((await json(deltaLink)).error.code).toMatch(/syncStateNotFound/i)
    await act('revokePermission', { roles: ['User.Read.All'] })
    expect((await call('/users')).status).toBe(403)
    await act('grantPermission', { roles: ['User.Read.All'] })
    expect((await call('/users')).status).toBe(200)
    await act('expireSecret', {})
    expect((await requestToken()).body.error_codes).toEqual([7000222])
    const { secretText } = (await act('addSecret', {})).body
    expect((await requestToken({ client_secret: secretText })).status).toBe(200)
    await admin('POST', 'clock', { advanceMs: 3_600_000 })
    expect((await call('/users')).status).toBe(401)
    expect(emulator.clock.now().toISOString()).toBe('2026-11-02T09:00:00.000Z')
    expect(
      (await admin('GET', `tenants/${hosted.tenantId}/objects/${hosted.tenant.at(0).id}`)).body.memberOf,
    ).toBeInstanceOf(Array)
  })

  it('sets passwords, factors, addresses, roles, keys and device codes, and tells no password', async () => {
    const { act, admin, hosted, emulator } = await administered()
    const { id } = (await act('hire', { userPrincipalName: 'eve@contoso.com', displayName: 'Eve' })).body

    const account = await act('setAccount', { id: 'eve@contoso.com', password: 'hers alone', mfa: 'required' })
    await act('setDefaultPassword', { password: 'everybody' })
    await act('addRedirectUri', { uri: 'https://muster.example/back' })
    await act('addAppRole', { value: 'Operator' })
    const app = await act('assign', { principalId: 'eve@contoso.com', role: 'Operator' })
    await act('setApp', { publicClient: true, groupMembershipClaims: 'All', optionalClaims: ['upn'], consent: 'ask' })
    const keys = await admin('POST', 'tokens', { announceKey: true, rotateKey: true, deviceIntervalSeconds: 1 })

    expect(account.body).toEqual({ passwordExpired: false, mfa: 'required', blockedByPolicy: false, revokedAtMs: 0 })
    expect(hosted.tenant.accounts.of(id).password).toBe('hers alone')
    expect(hosted.tenant.accounts.defaultPassword).toBe('everybody')
    expect(app.body).toMatchObject({
      redirectUris: [{ uri: 'https://muster.example/back', platform: 'web' }],
      assignments: [{ principalId: id, role: 'Operator' }],
    })
    expect(hosted.app.signIn).toMatchObject({
      publicClient: true,
      groupMembershipClaims: 'All',
      optionalClaims: ['upn'],
      consent: 'ask',
    })
    expect(keys.body.device).toMatchObject({ intervalSeconds: 1 })
    expect(emulator.tokens.issuer.keys.signing(hosted.tenantId).kid).not.toBe('')
    expect((await act('assign', { principalId: id, role: 'Pope' })).body.error).toContain('addAppRole')
    expect((await act('setApp', { consent: 'maybe' })).body.error).toContain('granted, ask, missing')
    expect((await act('addRedirectUri', { uri: 'http://evil.example/' })).status).toBe(409)
    expect((await act('unassign', { principalId: id })).body.assignments).toEqual([])
  })

  it('has a page that shows who signs in with what, and not the key', async () => {
    const { emulator, hosted } = await administered()
    hosted.tenant.accounts.defaultPassword = 'shown <here>'

    const answer = await exchange(emulator.authorityUrl)
    const html = answer.body.toString('utf8')

    expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
    expect(html).toContain('shown &lt;here&gt;')
    expect(html).toContain(hosted.clientId)
    expect(html).toContain(`${emulator.authorityUrl}/devicelogin`)
    expect(html).not.toContain(emulator.adminKey)
    expect(html).not.toContain(hosted.clientSecret)
  })

  it('adds, lists and clears faults, sets behaviour and throttling, and shows the request log', async () => {
    const { emulator, hosted, act, admin, call } = await administered()

    const { number } = (
      await admin('POST', 'faults', { kind: 'status', status: 503, pathPattern: '^/users', count: 1 })
    ).body
    expect([(await call('/users')).status, (await call('/users')).status]).toEqual([503, 200])
    expect((await admin('GET', 'faults')).body).toMatchObject({
      faults: [{ number, fired: 1, kind: 'status' }],
      pending: 0,
    })
    await admin('DELETE', `faults/${number}`)
    expect((await admin('GET', 'faults')).body.faults).toEqual([])
    await act('behaviour', { hiddenMembership: 'forbidden' })
    expect(hosted.tenant.behaviour.hiddenMembership).toBe('forbidden')
    await admin('POST', 'throttling', { enabled: false })
    expect(emulator.throttling.enabled).toBe(false)
    const { requests } = (await admin('GET', 'requests?since=1')).body
    expect(requests.map((entry: { path: string; status: number }) => [entry.path, entry.status])).toEqual([
      ['/users', 503],
      ['/users', 200],
    ])
  })

  it('says what is wrong with a request: unknown faults, parameters, actions, objects, taken names', async () => {
    const { act, admin, hosted } = await administered()
    const upn = hosted.tenant.at(0).properties['userPrincipalName']

    const answers = [
      await admin('POST', 'faults', { kind: 'gremlin' }),
      await admin('POST', 'faults', { kind: 'forbidden', status: 500 }),
      await act('explode', {}),
      await act('toString', {}),
      await act('disable', { id: 'nobody' }),
      await act('hire', { userPrincipalName: upn }),
      await act('behaviour', { nonsense: 1 }),
    ]

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 404, 404, 404, 409, 400])
    expect(answers[0]?.body.error).toContain('null-storm')
    expect(answers[5]?.body.code).toBe('upn-taken')
  })
})

function rejectOnAbort(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted === true) reject(signal.reason) // oxlint-disable-line typescript/prefer-promise-reject-errors
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true }) // oxlint-disable-line typescript/prefer-promise-reject-errors
  })
}
