// Every endpoint of the contract as everybody who could ask: allowed or refused exactly as a table of its own says. And nothing beside them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { ACCESS } from '../../test/support/access-policy.ts'
import { type Ask, aServer, SAME_SITE, sessionHeaders, sessionOf, type TestServer } from '../../test/support/server.ts'
import { letSignIn, PERSON_ROLES, personSession } from '../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { API } from '../contract/api/api.ts'
import { type Endpoint, ROLES, SCOPES } from '../contract/api/endpoint.ts'
import { HANDLERS } from './handlers.ts'
import { Metrics } from './metrics.ts'
import { endpointNames } from './route.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
const askers = new Map<string, Ask>()
let aPersonsSession: (role: (typeof PERSON_ROLES)[number]) => Promise<string>

const ROLE_ORDER = ['viewer', 'helpdesk', 'operator', 'administrator']
const PEOPLE = [...ROLES, 'expired session', 'disabled account', 'forged session'] as const

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, {
    users: 2,
    settings: { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } },
  })
  await world.sync()
  const { provider, people, connectionId } = await letSignIn(world)
  await provider.stop()
  http = await aServer(world.engine, { metrics: new Metrics() })
  askers.set('nobody', http.asNobody)
  for (const scope of SCOPES) askers.set(`token ${scope}`, await http.withToken(scope))
  askers.set('revoked token', await http.withToken(...SCOPES))
  await test.db.query(`update api_tokens set revoked_at = now() where name = $1`, [SCOPES.join(' ')])
  askers.set('terminal', await http.asTerminal())
  for (const state of ['revoked', 'expired'])
    askers.set(`${state} terminal`, await http.asTerminal({ name: `${state} terminal` }))
  await test.db.query(`update terminals set revoked_at = now() where name = 'revoked terminal'`)
  await test.db.query(`update terminals set expires_at = now() - interval '1 s' where name = 'expired terminal'`)
  for (const who of PEOPLE) askers.set(who, await asPerson(who))
  aPersonsSession = (role) => personSession(world.engine, { userId: people[0]!.userId, connectionId, role })
  for (const role of PERSON_ROLES) {
    askers.set(`person ${role ?? 'without'}`, async (method, url, body, headers) => {
      const token = await aPersonsSession(role)
      return http.asNobody(method, url, body, { ...sessionHeaders(token), ...headers })
    })
  }
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})

/** As a proxy on this machine does. */
const PASSED_ON = { 'x-forwarded-for': '192.0.2.1' }

/** With a session of his own for each request: some end sessions. */
async function asPerson(who: (typeof PEOPLE)[number]): Promise<Ask> {
  return async (method, url, body, headers) => {
    const role = ROLES.find((known) => known === who) ?? 'administrator'
    const token = await sessionOf(world.engine, role, who)
    await test.db.query(`update administrators set role = $2, enabled = $3 where name = $1`, [
      who,
      role,
      who !== 'disabled account',
    ])
    if (who === 'expired session')
      await test.db.query(
        `update sessions s set expires_at = now() - interval '1 s' from administrators a where a.id = administrator_id and a.name = $1`,
        [who],
      )
    return http.asNobody(method, url, body, {
      ...sessionHeaders(who === 'forged session' ? 'x'.repeat(43) : token),
      ...headers,
    })
  }
}

/** Told from the table by rules of its own; what is declared does not count. */
function expected(who: string, { method, path }: Endpoint): 'allowed' | 401 | 403 {
  const [role, scope] = ACCESS[`${method} ${path}`]!
  if (['revoked token', 'revoked terminal', 'expired terminal'].includes(who)) return 401
  // A terminal may what is for terminals, which is below one address, and nobody else may that.
  if (who === 'terminal') return /^\/api\/v1\/terminal(\/|$)/.test(path) ? 'allowed' : 403
  if (role === 'terminal') return who === 'nobody' || isSessionGone(who) ? 401 : 403
  if (who.startsWith('token ')) return scope === who.slice(6) ? 'allowed' : 403
  if (role === 'anyone') return 'allowed'
  const isPerson = who.startsWith('person ')
  const rank = ROLE_ORDER.indexOf(who.replace('person ', ''))
  if (rank < 0 && !isPerson) return 401
  if (role === 'person') return isPerson ? 'allowed' : 403
  if (role === 'account') return isPerson ? 403 : 'allowed'
  return role === 'signed-in' || rank >= ROLE_ORDER.indexOf(role) ? 'allowed' : 403
}

/** Whose cookie counts as none. */
function isSessionGone(who: string): boolean {
  return ['expired session', 'disabled account', 'forged session'].includes(who)
}

/** Addresses nothing that exists, so that whoever is allowed changes nothing. */
function urlOf(path: string): string {
  return path.replace(':kind', 'users').replace(/:(\w+)/g, '2147483647')
}

const ENDPOINTS = endpointNames()
  .filter((name) => HANDLERS[name] !== undefined)
  .map((name): [string, Endpoint] => [name, API[name]])

describe('whoever asks for an endpoint', () => {
  it('meets what the table of accesses says, for every endpoint and no other', () => {
    const declared = ENDPOINTS.map(([, { method, path, role, scope }]) => [`${method} ${path}`, [role, scope]])

    expect(Object.fromEntries(declared)).toEqual(ACCESS)
  })

  it.each(ENDPOINTS)('%s is allowed or refused as the table says', async (_name, endpoint) => {
    const met: Record<string, unknown> = {}
    const wanted: Record<string, unknown> = {}
    for (const [who, ask] of askers) {
      // A body that no schema takes: whoever is allowed gets as far as that, and no further.
      const body = endpoint.method === 'GET' || endpoint.body === undefined ? undefined : 'neither this nor that'
      const answer = await ask(endpoint.method, urlOf(endpoint.path), body)
      const code: unknown = answer.headers['content-type']?.toString().includes('problem')
        ? answer.json().code
        : undefined
      const isRefused = ['signed-out', 'forbidden', 'token-invalid', 'csrf', 'cross-site'].includes(String(code))
      met[who] = isRefused ? answer.statusCode : 'allowed'
      wanted[who] = expected(who, endpoint)
      if (!isRefused) expect(answer.statusCode, `${who}: ${answer.body}`).not.toBe(500)
    }

    expect(met).toEqual(wanted)
  })

  it.each(ENDPOINTS.filter(([, { method, role }]) => method !== 'GET' && role !== 'terminal'))(
    '%s is refused when another site asks, or without the mark of the session',
    async (_name, { method, path, role }) => {
      const token =
        role === 'person' ? await aPersonsSession(null) : await sessionOf(world.engine, 'administrator', 'csrf')
      const own = sessionHeaders(token)
      const without = (headers: Record<string, string>) =>
        Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'x-muster-csrf'))
      const bare = { cookie: own['cookie']!, host: SAME_SITE.host, 'x-muster-csrf': own['x-muster-csrf']! }
      const forgeries: [string, Record<string, string>][] = [
        ['cross-site', { ...own, 'sec-fetch-site': 'cross-site' }],
        ['cross-site', { ...own, 'sec-fetch-site': 'same-site' }],
        ['cross-site', { ...own, origin: 'https://evil.example' }],
        ['cross-site', { ...own, origin: 'null' }],
        ['cross-site', bare],
        ...(role === 'anyone'
          ? []
          : ([
              ['csrf', without(own)],
              ['csrf', { ...own, 'x-muster-csrf': 'x'.repeat(43) }],
            ] as [string, Record<string, string>][])),
      ]
      for (const [code, headers] of forgeries) {
        const answer = await http.server.inject({ method, url: urlOf(path), headers })
        expect(answer.json(), JSON.stringify(headers)).toMatchObject({ status: 403, code })
      }
    },
  )

  it.each(ENDPOINTS.filter(([, endpoint]) => endpoint.body !== undefined))(
    '%s takes JSON alone, and no prototype',
    async (_name, { method, path, role }) => {
      const headers =
        role === 'terminal'
          ? { authorization: `Bearer ${await http.terminalToken()}` }
          : sessionHeaders(
              role === 'person'
                ? await aPersonsSession('administrator')
                : await sessionOf(world.engine, 'administrator', 'json'),
            )
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const form = await http.server.inject({
          method,
          url: urlOf(path),
          headers: { ...headers, 'content-type': type },
          payload: '{}',
        })
        expect(form.statusCode, type).toBe(415)
      }
      for (const payload of [
        '{"__proto__":{"role":"administrator"}}',
        '{"constructor":{"prototype":{"role":"administrator"}}}',
      ]) {
        const poisoned = await http.server.inject({
          method,
          url: urlOf(path),
          headers: { ...headers, 'content-type': 'application/json' },
          payload,
        })
        expect(poisoned.statusCode).toBe(400)
      }
      expect(Reflect.get({}, 'role')).toBeUndefined()
    },
  )

  it.each(
    ENDPOINTS.filter(
      ([, { method, isIdempotent, role }]) =>
        method === 'POST' && isIdempotent !== true && !['anyone', 'terminal'].includes(role),
    ),
  )('E21: %s refuses an Idempotency-Key, which it would not keep', async (_name, { path, role, body }) => {
    const token =
      role === 'person' ? await aPersonsSession(null) : await sessionOf(world.engine, 'administrator', 'keys')
    const answer = await http.asNobody('POST', urlOf(path), body === undefined ? undefined : {}, {
      ...sessionHeaders(token),
      'idempotency-key': 'once',
    })
    expect(answer.json()).toMatchObject({ status: 400, code: 'idempotency-unsupported' })
  })

  it('is not given more by what he sends beside what is asked', async () => {
    const admin = await http.as('administrator')
    const wanted = { name: 'mallory', password: 'kestrel umbrella radish plinth', role: 'viewer' }
    const made = await admin('POST', '/api/v1/administrators', {
      ...wanted,
      id: 1,
      enabled: false,
      sessions: 9,
      lastSignInAt: 'x',
    })
    const changed = await admin('PATCH', `/api/v1/administrators/${made.json().id}`, { name: 'root' })
    const twice = await admin('GET', '/api/v1/runs?limit=1&limit=2')

    expect(made.json()).toMatchObject({ name: 'mallory', role: 'viewer', enabled: true, sessions: 0 })
    expect(changed.statusCode).toBe(400)
    expect(twice.statusCode).toBe(400)
  })
})

describe('the server', () => {
  it('has no route that nobody declared', () => {
    const routes = http.server
      .printRoutes({ commonPrefix: false, includeHooks: false })
      .split('\n')
      .filter((line) => line.trim() !== '')
    const declared = new Set(ENDPOINTS.map(([, { method, path }]) => `${method} ${path}`))
    for (const route of declared)
      expect(http.server.hasRoute({ method: route.split(' ')[0] as 'GET', url: route.split(' ')[1]! }), route).toBe(
        true,
      )

    const others = registered(routes).filter((route) => !declared.has(route))
    expect(new Set(others)).toEqual(
      new Set([
        'GET /healthz',
        'GET /signin/microsoft',
        'GET /readyz',
        'GET /metrics',
        'GET /api/openapi.json',
        'GET /api/docs',
        'GET /api/docs/reference',
        'HEAD /api/docs/reference',
        'GET /api/docs/reference/',
        'HEAD /api/docs/reference/',
        'GET /api/docs/reference/js/scalar.js',
        'HEAD /api/docs/reference/js/scalar.js',
      ]),
    )
  })

  it('tells what it counts to this machine, and from elsewhere to who may read', async () => {
    await test.db.query('update setup set done_at = now()')
    const ALLOWED = new Set(['token read', ...ROLES, ...ROLES.map((role) => `person ${role}`)])
    const met: Record<string, number> = {}
    for (const [who, ask] of askers) met[who] = (await ask('GET', '/metrics', undefined, PASSED_ON)).statusCode
    const isKnown = (who: string) => who.startsWith('token ') || who.startsWith('person ') || who === 'terminal'
    const wanted = [...askers.keys()].map((who) => [who, ALLOWED.has(who) ? 200 : isKnown(who) ? 403 : 401])
    const from = async (remoteAddress: string, headers = {}) => {
      const answer = await http.server.inject({ method: 'GET', url: '/metrics', remoteAddress, headers })
      return answer.statusCode
    }

    expect(met).toEqual(Object.fromEntries(wanted))
    expect([await from('127.0.0.1'), await from('::1'), await from('192.0.2.1')]).toEqual([200, 200, 401])
    for (const name of ['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'x-real-ip'])
      expect(await from('127.0.0.1', { [name]: '127.0.0.1' }), name).toBe(401)
    const { body, headers } = await http.asNobody('GET', '/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    for (const series of ['muster_runs_total', 'muster_run_duration_seconds', 'muster_graph_requests_total'])
      expect(body).toContain(`# TYPE ${series} `)
    expect(body).toMatch(/^muster_jobs\{state="queued"\} 0$/m)
    expect(body).toMatch(
      /^muster_http_request_duration_seconds_count\{method="GET",route="\/metrics",status="401"\} \d+$/m,
    )
    // Routes by their pattern: an address carries names.
    expect(body).not.toContain('2147483647')
  })

  it('says with everything what a browser may do with it', async () => {
    for (const url of ['/healthz', '/api/v1/session', '/api/v1/nothing', '/api/openapi.json']) {
      const { headers } = await http.asNobody('GET', url)
      expect(headers).toMatchObject({
        'content-security-policy': expect.stringMatching(/^default-src 'none'.*frame-ancestors 'none'/),
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'x-frame-options': 'DENY',
      })
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers['server'] ?? headers['x-powered-by']).toBeUndefined()
    }
    expect((await http.asNobody('GET', '/api/v1/session')).headers['cache-control']).toBe('no-store')
  })
})

/** Routes out of the tree that fastify prints: each line adds its part to those that it is indented below. */
function registered(lines: readonly string[]): string[] {
  const trail: { depth: number; path: string }[] = []
  const found: string[] = []
  for (const line of lines) {
    const [, indent = '', part = '', methods] = /^([│ ]*[├└]── )(.*?)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    while (trail.length > 0 && trail.at(-1)!.depth >= indent.length) trail.pop()
    const path = `${trail.at(-1)?.path ?? ''}${part}`
    trail.push({ depth: indent.length, path })
    for (const method of methods?.split(', ') ?? []) found.push(`${method} ${path}`)
  }
  return found
}
