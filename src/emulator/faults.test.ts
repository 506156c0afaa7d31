import { describe, expect, it } from 'vitest'
import { emulate, readJson } from '../../test/support/emulated.ts'
import type { FaultSpec } from './faultkinds.ts'

const ODD = { kind: 'status', status: 503 } as const

async function statuses(emulated: ReturnType<typeof emulate>, paths: readonly string[]): Promise<number[]> {
  const seen: number[] = []
  for (const path of paths) seen.push((await emulated.call(path)).status)
  return seen
}

describe('on which requests a fault acts (graph.md 19)', () => {
  it('acts on the next n requests and counts them', async () => {
    const emulated = emulate()
    const fault = emulated.emulator.faults.add({ ...ODD, count: 2 })

    expect(emulated.emulator.faults.pending()).toHaveLength(1)
    expect(await statuses(emulated, ['/users', '/groups', '/users'])).toEqual([503, 503, 200])
    expect([fault.fired, emulated.emulator.faults.fired('status')]).toEqual([2, 2])
    expect(emulated.emulator.faults.pending()).toEqual([])
  })

  it('skips the first k: a permission that is lost from the k-th request on', async () => {
    const emulated = emulate()
    emulated.emulator.faults.add({ kind: 'forbidden', path: '/users', after: 2 })

    expect(await statuses(emulated, ['/users', '/groups', '/users', '/users', '/groups', '/users'])).toEqual([
      200, 200, 200, 403, 200, 403,
    ])
  })

  it('goes by path with stars, by pattern over path and query, by method and by tenant', async () => {
    const emulated = emulate()
    const { faults } = emulated.emulator
    const id = emulated.hosted.tenant.at(60).id
    const acts = async (spec: FaultSpec, path: string) => {
      const fault = faults.add(spec)
      await emulated.call(path)
      const { fired } = fault
      fault.remove()
      return fired
    }

    expect(await acts({ ...ODD, path: '/groups/*/members' }, `/groups/${id}/members?$select=id`)).toBe(1)
    expect(await acts({ ...ODD, path: '/groups/*' }, `/groups/${id}/members`)).toBe(0)
    expect(await acts({ ...ODD, path: /select=.*mail/ }, '/users?$select=id,mail')).toBe(1)
    expect(await acts({ ...ODD, path: /select=.*mail/ }, '/users?$select=id')).toBe(0)
    expect(await acts({ ...ODD, method: 'POST' }, '/users')).toBe(0)
    expect(await acts({ ...ODD, tenantId: emulated.hosted.tenantId }, '/users')).toBe(1)
    expect(await acts({ ...ODD, tenantId: '00000000-0000-4000-8000-000000000000' }, '/users')).toBe(0)
  })

  it('acts at a rate that is the same for the same seed', async () => {
    const draw = async (seed: number) => {
      const emulated = emulate()
      emulated.emulator.faults.add({ ...ODD, rate: 0.5, seed })
      return await statuses(
        emulated,
        Array.from({ length: 40 }, () => '/organization'),
      )
    }

    const [first, again, other] = [await draw(1), await draw(1), await draw(2)]

    expect(first).toEqual(again)
    expect(first).not.toEqual(other)
    expect(first.filter((status) => status === 503).length).toBeGreaterThan(10)
    expect(first.filter((status) => status === 503).length).toBeLessThan(30)
  })

  it('(b) acts inside a batch where a path is given, and leaves the batch alone', async () => {
    const { emulator, json } = emulate()
    const fault = emulator.faults.add({ kind: 'throttled', retryAfter: 7, path: '/organization', count: 1 })
    const requests = ['1', '2'].map((id) => ({ id, method: 'GET', url: '/organization' }))

    const { responses } = await json('/$batch', { method: 'POST', body: { requests } })

    expect(responses.map((inner: { status: number }) => inner.status).sort()).toEqual([200, 429])
    expect(responses.find((inner: { status: number }) => inner.status === 429).headers['Retry-After']).toBe('7')
    expect(fault.fired).toBe(1)
  })

  it('lets the first answering fault answer and adds up latencies', async () => {
    const emulated = emulate()
    const { faults } = emulated.emulator
    faults.add({ kind: 'latency', ms: 5 })
    const first = faults.add({ ...ODD })
    const second = faults.add({ kind: 'forbidden' })

    expect(await statuses(emulated, ['/users'])).toEqual([503])
    expect([first.fired, second.fired, faults.fired('latency')]).toEqual([1, 0, 1])
  })

  it('keeps counts after removal and clears', async () => {
    const emulated = emulate()
    emulated.emulator.faults.add({ ...ODD })
    await statuses(emulated, ['/users'])

    emulated.emulator.faults.clear()

    expect(await statuses(emulated, ['/users'])).toEqual([200])
    expect(emulated.emulator.faults.fired('status')).toBe(1)
    expect(emulated.emulator.faults.list()).toEqual([])
  })
})

describe('answers in place of the service', () => {
  it('(a) T2: 429 with whole, decimal, dated, absurd and missing Retry-After', async () => {
    const { emulator, call } = emulate()
    const header = async (spec: Omit<FaultSpec & { kind: 'throttled' }, 'kind'>) => {
      emulator.faults.add({ kind: 'throttled', count: 1, ...spec })
      const response = await call('/users')
      expect(response.status).toBe(429)
      return response.headers.get('retry-after')
    }

    expect(await header({ retryAfter: 3 })).toBe('3')
    expect(await header({ retryAfter: '2.128' })).toBe('2.128')
    expect(await header({ retryAfterDate: 90 })).toBe('Mon, 02 Nov 2026 08:01:30 GMT')
    expect(await header({ retryAfter: '-5' })).toBe('-5')
    expect(await header({ retryAfter: 'abc' })).toBe('abc')
    expect(await header({ retryAfter: 86_400 })).toBe('86400')
    expect(await header({ retryAfter: null })).toBeNull()
    expect(emulator.requests.filter((entry) => entry.status === 429)[0]?.retryAfter).toBe('3')
  })

  it('(d) T3, T10: statuses with Graph errors, HTML pages with 200 and 503, and nothing at all', async () => {
    const { emulator, call } = emulate()
    const { faults } = emulator
    faults.add({ kind: 'status', status: 504, count: 1 })
    faults.add({ kind: 'status', status: 507, body: 'none', count: 1 })
    faults.add({ kind: 'html', count: 1 })
    faults.add({ kind: 'html', status: 503, contentType: 'application/json', count: 1 })

    const answers = []
    for (let i = 0; i < 4; i++) {
      const response = await call('/users')
      answers.push([response.status, response.headers.get('content-type'), (await response.text()).slice(0, 9)])
    }

    expect(answers).toEqual([
      [504, 'application/json', '{"error":'],
      [507, null, ''],
      [200, 'text/html', '<!DOCTYPE'],
      [503, 'application/json', '<!DOCTYPE'],
    ])
  })

  it('(x) T4, T5: 401 once, and claims challenges with one and with two schemes', async () => {
    const { emulator, call } = emulate()
    emulator.faults.add({ kind: 'unauthorized', count: 1 })
    emulator.faults.add({ kind: 'claims-challenge', count: 1 })
    emulator.faults.add({ kind: 'claims-challenge', multi: true, count: 1 })

    const headers = []
    for (let i = 0; i < 3; i++) headers.push((await call('/users')).headers.get('www-authenticate') ?? '')

    expect(headers[0]).not.toContain('claims=')
    expect(headers[1]).toMatch(/^Bearer .*error="insufficient_claims", claims="/)
    expect(headers[2]).toMatch(/^PoP .*, Bearer .*claims="/)
    expect((await call('/users')).status).toBe(200)
  })

  it('(e) G3, (p) G1, (o) G2: dead page tokens and delta tokens, only on requests that carry one', async () => {
    const { emulator, call, json } = emulate()
    const page = await json('/users?$top=10')
    const delta = await json('/users/delta?$select=id&$deltatoken=latest')
    const code = async (spec: FaultSpec, link: string) => {
      const fault = emulator.faults.add({ ...spec, count: 1 })
      expect((await call('/users?$top=10')).status).toBe(200)
      const response = await call(link)
      expect(fault.fired).toBe(1)
      const { error } = await readJson(response)
      return [response.status, error.code, response.headers.get('location')]
    }

    expect(await code({ kind: 'expired-page-token' }, page['@odata.nextLink'])).toEqual([
      400,
      'Directory_ExpiredPageToken',
      null,
    ])
    expect(await code({ kind: 'dead-page-token' }, page['@odata.nextLink'])).toEqual([
      400,
      'DirectoryPageTokenNotFoundException',
      null,
    ])
    expect(await code({ kind: 'delta-expired' }, delta['@odata.deltaLink'])).toEqual([400, 'syncStateNotFound', null])
    expect(
      await code({ kind: 'delta-expired', status: 410, code: 'SyncStateNotFound' }, delta['@odata.deltaLink']),
    ).toEqual([410, 'SyncStateNotFound', null])
    expect(await code({ kind: 'delta-reset' }, delta['@odata.deltaLink'])).toEqual([
      410,
      'resyncRequired',
      `${emulator.graphUrl}/v1.0/users/delta?$deltatoken=`,
    ])
  })

  it('7: refuses large pages as tenants did in 2023, and leaves small ones alone', async () => {
    const { emulator, call } = emulate()
    emulator.faults.add({ kind: 'page-size-refused', max: 120, path: '/users' })

    expect((await call('/users?$top=100')).status).toBe(200)
    const refused = await call('/users?$top=999')
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringContaining('more than 120 users at a time'),
    ])
  })

  it('T13: redirects', async () => {
    const { emulator, hosted } = emulate()
    emulator.faults.add({ kind: 'redirect', status: 307, location: 'https://evil.example/v1.0/users' })

    const response = await emulator.fetch(`${emulator.graphUrl}/v1.0/users`, { redirect: 'manual' })

    expect([response.status, response.headers.get('location')]).toEqual([307, 'https://evil.example/v1.0/users'])
    expect(hosted.tenantId).toBeTruthy()
  })

  it('(y) the token service fails with any AADSTS error, any status and any page', async () => {
    const { emulator, requestToken } = emulate()
    emulator.faults.add({ kind: 'token-error', aadsts: 90033, status: 503, error: 'temporarily_unavailable', count: 1 })
    emulator.faults.add({ kind: 'throttled', retryAfter: 5, path: '/*/oauth2/v2.0/token', count: 1 })

    expect((await requestToken()).body['error_codes']).toEqual([90033])
    expect((await requestToken()).status).toBe(429)
    expect((await requestToken()).status).toBe(200)
  })
})

describe('bodies that are whole and wrong', () => {
  const text = async (spec: FaultSpec, path = '/users?$select=id,displayName,mail&$top=5') => {
    const { emulator, call } = emulate()
    const fault = emulator.faults.add(spec)
    const response = await call(path)
    const body = Buffer.from(await response.arrayBuffer())
    expect([response.status, fault.fired]).toEqual([200, 1])
    return { body, text: body.toString('utf8'), headers: response.headers }
  }

  it('T10: malformed JSON, BOM, UTF-16, NUL and a wrong content type', async () => {
    expect(() => JSON.parse('{"a":1}')).not.toThrow()
    const malformed = await text({ kind: 'malformed-json' })
    expect(() => JSON.parse(malformed.text)).toThrow(SyntaxError)
    expect((await text({ kind: 'encoding', as: 'bom' })).body.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]))
    expect((await text({ kind: 'encoding', as: 'utf-16' })).body.subarray(0, 4)).toEqual(
      Buffer.from([0xff, 0xfe, 0x7b, 0]),
    )
    expect((await text({ kind: 'encoding', as: 'nul' })).text).toContain('\0')
    expect((await text({ kind: 'content-type', value: 'text/plain' })).headers.get('content-type')).toBe('text/plain')
  })

  it('T11: duplicate keys, __proto__, numbers beyond 2^53 and deep nesting, in JSON that parses', async () => {
    const duplicate = await text({ kind: 'odd-json', how: 'duplicate-keys' })
    expect(duplicate.text.match(/"id":/g)?.length).toBe(6)
    const proto = await text({ kind: 'odd-json', how: 'proto' })
    expect(Object.hasOwn(JSON.parse(proto.text).value[0], '__proto__')).toBe(true)
    expect((await text({ kind: 'odd-json', how: 'big-number' })).text).toContain('9007199254740993000001')
    expect(JSON.parse((await text({ kind: 'odd-json', how: 'deep-nesting' })).text).value).toHaveLength(5)
  })

  it('G12: a null-storm keeps ids and status 200', async () => {
    const { value } = JSON.parse((await text({ kind: 'null-storm' })).text)

    expect(value).toHaveLength(5)
    for (const user of value)
      expect(user).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), displayName: null, mail: null })
  })

  it('L16: later pages that lack properties', async () => {
    const { value } = JSON.parse((await text({ kind: 'missing-properties', keep: ['displayName'] })).text)

    for (const user of value) expect(Object.keys(user).sort()).toEqual(['displayName', 'id'])
  })

  it('L1: lists that are empty or short and look sound; T7: a collection without value', async () => {
    const empty = JSON.parse((await text({ kind: 'short-list', keep: 0 })).text)
    expect([empty.value, empty['@odata.nextLink']]).toEqual([[], undefined])
    expect(JSON.parse((await text({ kind: 'short-list', keep: 2 })).text).value).toHaveLength(2)
    expect(JSON.parse((await text({ kind: 'no-value' })).text)).not.toHaveProperty('value')
  })

  it('T12: links that lead elsewhere, next and delta; T14: a link that repeats', async () => {
    const hostile = JSON.parse((await text({ kind: 'hostile-link', link: 'https://evil.example{path}' })).text)
    expect(hostile['@odata.nextLink']).toMatch(/^https:\/\/evil\.example\/v1\.0\/users\?\$skiptoken=/)
    const last = JSON.parse(
      (await text({ kind: 'hostile-link', link: 'https://evil.example' }, '/users?$top=999')).text,
    )
    expect(last['@odata.nextLink']).toBe('https://evil.example')
    const delta = JSON.parse(
      (await text({ kind: 'hostile-link', link: 'https://evil.example' }, '/users/delta?$deltatoken=latest')).text,
    )
    expect([delta['@odata.deltaLink'], delta['@odata.nextLink']]).toEqual(['https://evil.example', undefined])
    const repeated = JSON.parse((await text({ kind: 'repeat-link' }, '/users?$select=id&$top=5')).text)
    expect(repeated['@odata.nextLink']).toMatch(/\/v1\.0\/users\?\$select=id&\$top=5$/)
  })

  it('does not count where it does not apply', async () => {
    const { emulator, call } = emulate()
    const fault = emulator.faults.add({ kind: 'short-list', keep: 0, count: 1 })

    await call('/users/$count', { headers: { ConsistencyLevel: 'eventual' } })

    expect(fault.fired).toBe(0)
    expect(emulator.faults.pending()).toHaveLength(1)
  })
})

describe('semantic faults', () => {
  it('set the tenant behaviour until removed, and count how often it acted', async () => {
    const { emulator, hosted, json } = emulate()
    const fault = emulator.faults.add({ kind: 'behaviour', set: { repeatNextLink: 1 } })

    const page = await json('/users?$top=10')
    const next = await json(page['@odata.nextLink'])
    await json('/users?$top=10')

    expect(next['@odata.nextLink'] === page['@odata.nextLink'] || page['@odata.nextLink'].includes('$top=10')).toBe(
      true,
    )
    expect(fault.fired).toBe(1)
    fault.remove()
    expect(hosted.tenant.behaviour.repeatNextLink).toBe(0)
    expect(emulator.faults.fired('behaviour')).toBe(1)
  })
})
