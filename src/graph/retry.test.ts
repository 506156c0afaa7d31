import { describe, expect, it } from 'vitest'
import {
  clientOptions,
  graphError,
  json,
  rejectionOf,
  scriptedFetch,
  tokenAnswer,
  usersPage,
} from '../../test/support/graph.ts'
import { virtualClock } from '../../test/support/virtual-clock.ts'
import type { UserEntry } from '../directory/change.ts'
import { GraphClient, type GraphClientOptions } from './client.ts'

const graphUrl = 'https://graph.example.org'
const { signal } = new AbortController()

function setUp(
  graph: Parameters<typeof scriptedFetch>[0],
  options: Parameters<typeof scriptedFetch>[1] & { client?: Partial<GraphClientOptions> } = {},
) {
  const clock = virtualClock()
  const fetch = scriptedFetch(graph, options)
  const limits = { requestTimeoutMs: 1e9, ...options.client?.limits }
  const client = new GraphClient(clientOptions({ graphUrl, clock, fetch, ...options.client, limits }))
  return { clock, fetch, client }
}

async function readUsers(client: GraphClient, on: AbortSignal = signal): Promise<readonly UserEntry[]> {
  const first = await client.listUsers({ select: ['displayName'], signal: on }).next()
  return first.done === true ? [] : first.value.entries
}

const failureOf = (promise: Promise<unknown>) => rejectionOf(promise, Error)

const page = () => json(usersPage([1]))

describe('requests', () => {
  it('carry what Microsoft asks for, and nothing of us in the URL', async () => {
    const { client, fetch } = setUp(page)

    await readUsers(client)

    const [request] = fetch.requests
    expect(request?.url).toBe(`${graphUrl}/v1.0/users?$select=id,displayName&$top=999`)
    expect(request?.redirect).toBe('manual')
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      authorization: 'Bearer token-1',
      accept: 'application/json',
      'user-agent': 'muster/test',
      'x-ms-throttle-priority': 'Low',
      'client-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  it('have an id of their own for every try', async () => {
    const { client, fetch } = setUp((_, n) => (n < 3 ? graphError(500, 'x') : page()))

    await readUsers(client)

    expect(new Set(fetch.requests.map((r) => r.headers.get('client-request-id'))).size).toBe(3)
  })
})

describe('retries', () => {
  it.each([500, 502, 503, 504, 507, 429])('T3: %s is tried again, six times at most', async (status) => {
    const { client, fetch } = setUp((_, n) => (n < 6 ? graphError(status, 'UnknownError') : page()))

    expect(await readUsers(client)).toHaveLength(1)

    expect(fetch.requests).toHaveLength(6)
    expect(client.usage).toMatchObject({ requests: 6, retries: 5, throttled: status === 429 ? 5 : 0 })
  })

  it.each([
    [500, 'bad-upstream'],
    [429, 'throttled'],
  ])('T3: after six answers %s the request fails, resumable', async (status, code) => {
    const { client, fetch } = setUp(() => graphError(status, 'UnknownError', { 'request-id': 'r-1' }))

    const failure = await failureOf(readUsers(client))

    expect(failure).toMatchObject({
      code,
      status,
      graphCode: 'UnknownError',
      requestId: 'r-1',
      path: '/users',
      retry: 'later',
    })
    expect(fetch.requests).toHaveLength(6)
  })

  it.each([
    [403, 'Authorization_RequestDenied', 'forbidden'],
    [404, 'Request_ResourceNotFound', 'not-found'],
    [400, 'Request_Malformed', 'bad-request'],
    [501, 'NotImplemented', 'bad-request'],
    [410, 'resyncRequired', 'gone'],
  ])('T3: %s %s is a verdict and not tried again', async (status, graphCode, code) => {
    const { client, fetch } = setUp(() => graphError(status, graphCode, { 'request-id': 'r-2' }))

    const failure = await failureOf(readUsers(client))

    expect(failure).toMatchObject({ code, status, graphCode, requestId: 'r-2', retry: 'never' })
    expect(fetch.requests).toHaveLength(1)
  })

  it("R3: an error carries neither token nor what Graph's message says of people", async () => {
    const { client } = setUp(() => graphError(403, 'Authorization_RequestDenied'))

    const failure = await failureOf(readUsers(client))

    expect(`${JSON.stringify(failure)} ${failure.stack}`).not.toMatch(/token-1|Ann|secret/)
  })

  it.each([
    [
      'HTML with 200',
      () => new Response('<html>Sign in to the network</html>', { headers: { 'content-type': 'text/html' } }),
    ],
    ['HTML as JSON', () => new Response('<html></html>', { headers: { 'content-type': 'application/json' } })],
    [
      'JSON as text/html',
      () => new Response(JSON.stringify(usersPage([1])), { headers: { 'content-type': 'text/html' } }),
    ],
    ['JSON without a type', () => new Response(new TextEncoder().encode(JSON.stringify(usersPage([1]))))],
    ['half a document', () => new Response('{"value":[', { headers: { 'content-type': 'application/json' } })],
    ['nothing', () => new Response('', { headers: { 'content-type': 'application/json' } })],
    ['204', () => new Response(null, { status: 204, headers: { 'content-type': 'application/json' } })],
    ['no value', () => json({})],
    ['an object without id', () => json({ value: [{ displayName: 'x' }] })],
    [
      'a byte order mark',
      () => new Response('\uFEFF{"value":[]}', { headers: { 'content-type': 'application/json' } }),
    ],
    [
      'UTF-16',
      () => new Response(Buffer.from('{"value":[]}', 'utf16le'), { headers: { 'content-type': 'application/json' } }),
    ],
    [
      '404 of a proxy',
      () => new Response('<html>not here</html>', { status: 404, headers: { 'content-type': 'text/html' } }),
    ],
    ['403 of a proxy', () => new Response('denied', { status: 403 })],
  ])('T10: %s is not Graph: tried again, then told as bad upstream, never taken for an answer', async (_, answer) => {
    const { client, fetch } = setUp((__, n) => (n === 1 ? answer() : page()))
    expect(await readUsers(client)).toHaveLength(1)
    expect(fetch.requests).toHaveLength(2)

    const never = setUp(() => answer())
    const failure = await failureOf(readUsers(never.client))
    expect(failure).toMatchObject({ name: 'GraphError', code: 'bad-upstream', retry: 'later' })
    expect(never.fetch.requests).toHaveLength(6)
  })

  it('T6: a lost connection is tried again', async () => {
    const { client, fetch } = setUp((_, n) => {
      if (n < 3) throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNRESET' }) })
      return page()
    })

    expect(await readUsers(client)).toHaveLength(1)
    expect(fetch.requests).toHaveLength(3)
  })
})

describe('pauses', () => {
  it.each([
    ['7', 7_000],
    ['2.128', 2_128],
    ['0', 1_000],
    ['-3', 1_000],
    ['Mon, 02 Nov 2026 08:00:40 GMT', 40_000],
    ['900', 900_000],
  ])('T1: with Retry-After %s nothing is sent before %s ms have passed', async (value, expected) => {
    const times: number[] = []
    const { client, clock } = setUp((_, n) => {
      times.push(clock.monotonicMs())
      return n === 1 ? graphError(429, 'TooManyRequests', { 'retry-after': value }) : page()
    })

    await readUsers(client)

    expect(times).toEqual([0, expected])
  })

  it('T1: the pause of one request holds all requests of the tenant', async () => {
    const times: number[] = []
    const { client, clock } = setUp((request, n) => {
      times.push(clock.monotonicMs())
      if (n === 1) return graphError(429, 'TooManyRequests', { 'retry-after': '10' })
      return request.url.includes('$count') ? new Response('3', { headers: { 'content-type': 'text/plain' } }) : page()
    })
    const first = readUsers(client)
    await clock.sleep(1)

    await Promise.all([first, readUsers(client), client.countUsers(signal), readUsers(client)])

    expect(times[0]).toBe(0)
    expect(times).toHaveLength(5)
    expect(Math.min(...times.slice(1))).toBe(10_000)
  })

  it.each(['86400', 'Tue, 03 Nov 2026 08:00:00 GMT'])(
    'T2: a pause over 15 minutes (%s) ends the run with the time to come back',
    async (value) => {
      const { client, fetch, clock } = setUp(() => graphError(429, 'TooManyRequests', { 'retry-after': value }))

      const failure = await failureOf(readUsers(client))

      expect(failure).toMatchObject({ code: 'throttled-too-long', retry: 'later', retryAfterMs: 86_400_000 })
      expect(fetch.requests).toHaveLength(1)
      expect(clock.monotonicMs()).toBe(0)
    },
  )

  it.each([undefined, 'abc'])('T1: without a usable Retry-After (%s) the waits grow', async (value) => {
    const times: number[] = []
    const headers: Record<string, string> = value === undefined ? {} : { 'retry-after': value }
    const { client, clock } = setUp((_, n) => {
      times.push(clock.monotonicMs())
      return n < 6 ? graphError(429, 'TooManyRequests', headers) : page()
    })

    await readUsers(client)

    const waits = times.slice(1).map((t, i) => t - (times[i] ?? 0))
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(250 * 2 ** i)
      expect(wait).toBeLessThanOrEqual(500 * 2 ** i)
    }
  })

  it('a run without one successful answer for 60 s fails, pauses that Graph asked for not counted', async () => {
    const paused = setUp((_, n) => (n < 5 ? graphError(503, 'x', { 'retry-after': '600' }) : page()))
    expect(await readUsers(paused.client)).toHaveLength(1)
    expect(paused.clock.monotonicMs()).toBe(2_400_000)

    const limits = { backoffMs: 40_000, maxBackoffMs: 40_000 }
    const silent = setUp(() => graphError(500, 'x'), { client: { limits, random: () => 0.999 } })
    const failure = await failureOf(readUsers(silent.client))
    expect(failure).toMatchObject({ code: 'no-answer', retry: 'later' })
    expect(silent.fetch.requests).toHaveLength(3)
  })

  it('a cancelled run does not sit out its pause', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by hand')
    const { client, clock } = setUp(() => graphError(429, 'TooManyRequests', { 'retry-after': '800' }))
    const reading = readUsers(client, controller.signal)
    const failed = failureOf(reading)
    await clock.sleep(1)

    controller.abort(reason)

    expect(await failed).toBe(reason)
    expect(clock.monotonicMs()).toBeLessThan(800_000)
  })
})

describe('expired tokens', () => {
  it('T4: after a 401 the same request goes again with a new token', async () => {
    const { client, fetch, clock } = setUp((request) =>
      request.headers.get('authorization') === 'Bearer token-1'
        ? graphError(401, 'InvalidAuthenticationToken')
        : page(),
    )

    expect(await readUsers(client)).toHaveLength(1)

    expect(fetch.requests.map((r) => r.url)).toEqual([fetch.requests[0]?.url, fetch.requests[0]?.url])
    expect(fetch.tokenRequests).toHaveLength(2)
    expect(clock.monotonicMs()).toBe(0)
  })

  it('T4: many requests that meet the same dead token fetch one new token together', async () => {
    const { client, fetch } = setUp((request) =>
      request.headers.get('authorization') === 'Bearer token-1'
        ? graphError(401, 'InvalidAuthenticationToken')
        : page(),
    )

    await Promise.all(Array.from({ length: 8 }, () => readUsers(client)))

    expect(fetch.tokenRequests).toHaveLength(2)
    expect(fetch.requests).toHaveLength(16)
  })

  it('T4: five 401 in a row for one request fail the run as not authorized, fewer do not', async () => {
    const four = setUp((_, n) => (n <= 4 ? graphError(401, 'InvalidAuthenticationToken') : page()))
    expect(await readUsers(four.client)).toHaveLength(1)

    const five = setUp(() => graphError(401, 'InvalidAuthenticationToken', { 'request-id': 'r-3' }))
    const failure = await failureOf(readUsers(five.client))
    expect(failure).toMatchObject({ code: 'auth-failed', status: 401, requestId: 'r-3', retry: 'never' })
    expect(five.fetch.requests).toHaveLength(5)
    expect(five.fetch.tokenRequests).toHaveLength(5)
  })

  it('T5: a claims challenge is answered with a new token, which was asked for without claims', async () => {
    const challenge =
      'Bearer realm="", authorization_uri="https://login.example.org/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    const { client, fetch } = setUp((_, n) =>
      n === 1 ? graphError(401, 'InvalidAuthenticationToken', { 'www-authenticate': challenge }) : page(),
    )

    expect(await readUsers(client)).toHaveLength(1)

    const bodies = await Promise.all(fetch.tokenRequests.map((r) => r.text()))
    expect(bodies).toHaveLength(2)
    for (const body of bodies) expect(body).not.toContain('claims')
  })

  it('T4: the token is fetched after the pause, just before the request is sent', async () => {
    const tokenTimes: number[] = []
    const { client, clock } = setUp((_, n) => (n === 1 ? graphError(429, 'x', { 'retry-after': '300' }) : page()), {
      token: (_, n) => {
        tokenTimes.push(clock.monotonicMs())
        return tokenAnswer(`token-${n}`, 120)
      },
    })

    await readUsers(client)

    expect(tokenTimes).toEqual([0, 300_000])
  })
})

describe('usage', () => {
  it('counts bytes and the units that Graph reports, or those documented', async () => {
    const answers = [json(usersPage([1]), { headers: { 'x-ms-resource-unit': '4' } }), page()]
    const sizes = await Promise.all(answers.map(async (a) => (await a.clone().arrayBuffer()).byteLength))
    const { client } = setUp((_, n) => answers[n - 1]?.clone() ?? page())

    await readUsers(client)
    await readUsers(client)

    expect(client.usage).toEqual({
      requests: 2,
      retries: 0,
      throttled: 0,
      bytes: sizes[0]! + sizes[1]!,
      resourceUnits: 5,
    })
  })

  it('a user is counted through the index with its header, byte order mark or not', async () => {
    const { client, fetch } = setUp(
      (_, n) => new Response(n === 1 ? '893' : '\uFEFF894', { headers: { 'content-type': 'text/plain' } }),
    )

    expect(await client.countUsers(signal)).toBe(893)
    expect(await client.countUsers(signal)).toBe(894)

    expect(fetch.requests[0]?.headers.get('consistencylevel')).toBe('eventual')
  })
})
