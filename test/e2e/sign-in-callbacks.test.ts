// What comes back with a browser and did not leave with it: callbacks that are replayed, exchanged, cut or made up; and whatever a
// person, a connection or a tenant became while somebody was away. Nobody gets a session by one, and the audit tells why.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type AttackedServer, attackedServer, SETTINGS } from '../support/attacked-server.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { claiming } from '../support/forge.ts'
import { FORGED_TOKENS } from '../support/forged-tokens.ts'
import { SOUND_TOKENS } from '../support/sound-tokens.ts'

let later = 0
/** Between two tests as much passes as equal refusals are counted together. */
let passed = 0
const clock = {
  ...systemClock,
  now: () => new Date(systemClock.now().getTime() + later),
  monotonicMs: () => systemClock.monotonicMs() + passed,
}
let test: TestDatabase
let target: AttackedServer
beforeAll(async () => {
  test = await createTestDatabase()
  target = await attackedServer(test.db, clock)
})
afterAll(async () => {
  await target.stop()
  await test.drop()
})
beforeEach(async () => {
  later = 0
  passed += 60_000
  target.world.emulator.faults.clear()
  // Emptying tables of some rows by `truncate` costs twenty times as much, four hundred times over.
  await test.db.query(
    `delete from sessions; delete from signin_flows; delete from role_mappings;
     update users set active = true, deactivated_by = null, deactivated_reason = null where not active;
     update connections set sign_in_with_microsoft = true where not sign_in_with_microsoft`,
  )
})

const sessions = async () => (await test.db.query('select 1 from sessions')).rowCount
const refusedAs = (reason: string) => ({ kind: 'refused', reason, audited: reason })

/** The callback with parameters set, added or taken away (null). */
function changed(back: URL, changes: Readonly<Record<string, string | null>>): URL {
  const url = new URL(back)
  for (const [name, value] of Object.entries(changes))
    if (value === null) url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  return url
}

function added(back: URL, ...more: readonly (readonly [string, string])[]): URL {
  const url = new URL(back)
  for (const [name, value] of more) url.searchParams.append(name, value)
  return url
}

describe('a forged token, through the server', () => {
  it('is one of at least 150 kinds, each by a name of its own; of sound ones there are 40', () => {
    expect(FORGED_TOKENS.length).toBeGreaterThanOrEqual(150)
    expect(new Set(FORGED_TOKENS.map(([name]) => name)).size).toBe(FORGED_TOKENS.length)
    expect(SOUND_TOKENS.length).toBeGreaterThanOrEqual(40)
  })

  it.each(FORGED_TOKENS)('%s: %s, no session, audited', async (_name, reason, forge) => {
    expect(await target.attempt(forge)).toEqual(refusedAs(reason))
    expect(await sessions()).toBe(0)
  })
})

describe('an answer that is too large', () => {
  it('is not read to its end: the token service is taken to be out of order', async () => {
    expect(await target.attempt(claiming({ padding: 'x'.repeat(3_000_000) }))).toEqual(
      refusedAs('provider-unavailable'),
    )
  })
})

describe('a sound token, through the server', () => {
  it.each(SOUND_TOKENS)('%s begins one session of the person', async (_name, make) => {
    expect(await target.attempt(make)).toMatchObject({ kind: 'signed-in', location: '/' })
    const { rows } = await test.db.query('select user_id, role from sessions')
    expect(rows).toEqual([{ user_id: target.people[0].userId, role: null }])
  })
})

describe('a callback of another shape', () => {
  const JWT = 'eyJhbGciOiJub25lIn0.e30.'
  it.each<[string, string, (back: URL) => URL]>([
    ['without a code', 'callback-malformed', (back) => changed(back, { code: null })],
    ['with an empty code', 'callback-malformed', (back) => changed(back, { code: '' })],
    ['with two codes', 'callback-malformed', (back) => added(back, ['code', 'another'])],
    ['with the code twice', 'callback-malformed', (back) => added(back, ['code', back.searchParams.get('code') ?? ''])],
    ['with code and error', 'declined', (back) => added(back, ['error', 'access_denied'])],
    ['with two errors', 'callback-malformed', (back) => added(back, ['error', 'a'], ['error', 'b'])],
    [
      'with two descriptions',
      'callback-malformed',
      (back) => added(back, ['error_description', 'a'], ['error_description', 'b']),
    ],
    ['with a token beside the code', 'callback-malformed', (back) => added(back, ['id_token', JWT])],
    [
      'with a token in place of the code',
      'callback-malformed',
      (back) => added(changed(back, { code: null }), ['id_token', JWT]),
    ],
    ['with an access token', 'callback-malformed', (back) => added(back, ['access_token', JWT])],
    ['with a packed answer', 'callback-malformed', (back) => added(back, ['response', JWT])],
    [
      'of another issuer',
      'callback-issuer',
      (back) => added(back, ['iss', 'https://login.microsoftonline.com/common/v2.0']),
    ],
    [
      'of another tenant',
      'callback-issuer',
      (back) => added(back, ['iss', `${back.origin}/99999999-0000-4000-8000-000000000009/v2.0`]),
    ],
    ['of no issuer', 'callback-issuer', (back) => added(back, ['iss', ''])],
    ['of two issuers', 'callback-malformed', (back) => added(back, ['iss', 'a'], ['iss', 'b'])],
    ['with a code that was made up', 'code-refused', (back) => changed(back, { code: '1.Amadeup' })],
    [
      'with a code and something behind it',
      'code-refused',
      (back) => changed(back, { code: `${back.searchParams.get('code')}x` }),
    ],
    [
      'with a code in another case',
      'code-refused',
      (back) => changed(back, { code: String(back.searchParams.get('code')).toLowerCase() }),
    ],
    [
      'with an error that is markup',
      'application-refused',
      (back) => changed(back, { code: null, error: '<script>alert(1)</script>' }),
    ],
    [
      'with an error of Microsoft’s own',
      'provider-unavailable',
      (back) => changed(back, { code: null, error: 'server_error' }),
    ],
  ])('%s ends as %s', async (_what, reason, change) => {
    const { flow, back } = await target.depart()

    expect(await target.arrive(change(back), flow)).toEqual(refusedAs(reason))
    // It is used up: the good one that comes after it finds nothing.
    expect(await target.arrive(back, flow)).toMatchObject({ kind: 'refused', reason: 'flow-unknown' })
    expect(await sessions()).toBe(0)
  })

  it.each<[string, string, (back: URL) => URL]>([
    ['without a state', 'callback-malformed', (back) => changed(back, { state: null })],
    ['with an empty state', 'callback-malformed', (back) => changed(back, { state: '' })],
    ['with two states', 'callback-malformed', (back) => added(back, ['state', 'another'])],
    [
      'with the state twice',
      'callback-malformed',
      (back) => added(back, ['state', back.searchParams.get('state') ?? '']),
    ],
    [
      'with a state as a list',
      'callback-malformed',
      (back) => added(changed(back, { state: null }), ['state[]', back.searchParams.get('state') ?? '']),
    ],
    ['with another state', 'flow-unknown', (back) => changed(back, { state: 'x'.repeat(43) })],
    [
      'with a state and something behind it',
      'flow-unknown',
      (back) => changed(back, { state: `${back.searchParams.get('state')}x` }),
    ],
    ['with a state that is SQL', 'flow-unknown', (back) => changed(back, { state: "' or true --" })],
    ['with a state that has a NUL', 'flow-unknown', (back) => changed(back, { state: '\0' })],
    ['with a state of four kilobytes', 'flow-unknown', (back) => changed(back, { state: 'x'.repeat(4096) })],
    ['with nothing', 'callback-malformed', (back) => new URL(back.pathname, back)],
  ])('%s ends as %s, and the true one still works', async (_what, reason, change) => {
    const { flow, back } = await target.depart()

    expect(await target.arrive(change(back), flow)).toMatchObject({ kind: 'refused', reason })
    expect(await sessions()).toBe(0)
    expect(await target.arrive(back, flow)).toMatchObject({ kind: 'signed-in' })
  })
})

describe('a callback in the wrong place', () => {
  it('is not taken twice', async () => {
    const { flow, back } = await target.depart()
    await target.arrive(back, flow)

    expect(await target.arrive(back, flow)).toMatchObject({ kind: 'refused', reason: 'flow-unknown' })
    expect(await sessions()).toBe(1)
  })

  it('is not taken twice at the same time', async () => {
    const { flow, back } = await target.depart()

    await Promise.all(Array.from({ length: 5 }, async () => target.arrive(back, flow)))

    expect(await sessions()).toBe(1)
  })

  it.each<[string, (flow: string, others: string) => string | undefined]>([
    ['without the cookie', () => undefined],
    ['with an empty cookie', () => ''],
    ['with the cookie of another browser', (_flow, others) => others],
    ['with half of the cookie', (flow) => flow.slice(0, 20)],
    ['with the cookie in another case', (flow) => flow.toLowerCase()],
    ['with the secure cookie’s name on plain http', (flow) => `; __Host-muster-flow=${flow}`],
  ])('%s is of another browser, and used up', async (_what, cookie) => {
    const [mine, others] = [await target.depart(), await target.depart()]

    expect(await target.arrive(mine.back, cookie(mine.flow, others.flow))).toMatchObject({
      kind: 'refused',
      reason: 'flow-other-browser',
    })
    expect(await target.arrive(mine.back, mine.flow)).toMatchObject({ kind: 'refused', reason: 'flow-unknown' })
    expect(await target.arrive(others.back, others.flow)).toMatchObject({ kind: 'signed-in' })
  })

  it('exchanged between two browsers signs in neither', async () => {
    const [first, second] = target.people
    const [ann, ben] = [await target.depart(first), await target.depart(second)]

    expect(await target.arrive(ann.back, ben.flow)).toMatchObject({ reason: 'flow-other-browser' })
    expect(await target.arrive(ben.back, ann.flow)).toMatchObject({ reason: 'flow-other-browser' })
    expect(await sessions()).toBe(0)
  })

  it.each([
    ['of another person, injected', 1],
    ['of the same person, from another sign-in', 0],
  ] as const)('a code %s is refused: it belongs to another verifier', async (_what, whose) => {
    const [attacker, victim] = [await target.depart(target.people[whose]), await target.depart(target.people[0])]
    const injected = changed(victim.back, { code: attacker.back.searchParams.get('code') })

    expect(await target.arrive(injected, victim.flow)).toEqual(refusedAs('code-refused'))
    expect(await sessions()).toBe(0)
  })

  it('after ten minutes it is over', async () => {
    const { flow, back } = await target.depart()
    later = 10 * 60_000 + 1_000

    expect(await target.arrive(back, flow)).toMatchObject({ kind: 'refused', reason: 'flow-unknown' })
  })

  it('by another method it is nothing', async () => {
    const { flow, back } = await target.depart()
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD'] as const) {
      const answer = await target.http.server.inject({
        method,
        url: `${back.pathname}${back.search}`,
        headers: { host: 'localhost', cookie: `muster-flow=${flow}` },
      })
      expect([404, 405, 415], method).toContain(answer.statusCode)
    }
    expect(await target.arrive(back, flow)).toMatchObject({ kind: 'signed-in' })
  })
})

describe('what became meanwhile', () => {
  it.each<[string, string, () => Promise<unknown>]>([
    [
      'the person was deactivated',
      'person-inactive',
      () =>
        test.db.query(
          `update users set active = false, deactivated_by = 'source', deactivated_reason = 'gone' where id = $1`,
          [target.people[0].userId],
        ),
    ],
    [
      'the connection does not sign in any more',
      'connection-not-for-sign-in',
      () => test.db.query('update connections set sign_in_with_microsoft = false'),
    ],
    [
      'the source is no authentication server any more',
      'source-not-for-sign-in',
      () => target.world.configure({ safeguard: 'off' }),
    ],
  ])('%s: %s', async (_what, reason, change) => {
    const { flow, back } = await target.depart()
    try {
      await change()
      expect(await target.arrive(back, flow)).toEqual(refusedAs(reason))
      expect(await sessions()).toBe(0)
    } finally {
      await target.world.configure(SETTINGS)
    }
  })

  it.each([
    ['a fault', { kind: 'status', status: 503 } as const],
    ['too many requests', { kind: 'throttled', retryAfter: 1 } as const],
    ['the page of a proxy', { kind: 'html' } as const],
    ['a redirect', { kind: 'redirect', location: 'https://evil.example/token' } as const],
    ['half an answer', { kind: 'truncated', framing: 'content-length' } as const],
    ['JSON that is none', { kind: 'malformed-json' } as const],
    ['nothing', { kind: 'reset', at: 'headers' } as const],
  ])('the token service answers %s: nobody signs in, and it is told as its fault', async (_what, fault) => {
    const { flow, back } = await target.depart()
    target.world.emulator.faults.add({ ...fault, path: /\/oauth2\/v2\.0\/token$/ })

    expect(await target.arrive(back, flow)).toEqual(refusedAs('provider-unavailable'))
    expect(await sessions()).toBe(0)
  })
})

describe('a person who is not the one', () => {
  const stranger = 'bbbbbbbb-0000-4000-8000-00000000000b'
  it.each<[string, Record<string, unknown>]>([
    ['whose object id nobody has', { oid: stranger }],
    ['whose object id is all zeros', { oid: '00000000-0000-0000-0000-000000000000' }],
    ['with the user name of somebody here', { oid: stranger, preferred_username: 'THEIRS', upn: 'THEIRS' }],
    ['with the mail of somebody here', { oid: stranger, email: 'THEIRS', email_verified: true, xms_edov: true }],
    [
      'with the name of an administrator',
      { oid: stranger, name: 'administrator', preferred_username: 'administrator' },
    ],
    ['with an administrator’s role in the token', { oid: stranger, roles: ['Administrator', 'administrator'] }],
    ['with the subject of somebody here', { oid: stranger, sub: 'pairwise' }],
  ])('%s is unknown', async (_what, claims) => {
    const theirs = target.people[0].userName
    const made = Object.fromEntries(Object.entries(claims).map(([k, v]) => [k, v === 'THEIRS' ? theirs : v]))

    expect(await target.attempt(claiming(made))).toEqual(refusedAs('unknown-person'))
    expect(await sessions()).toBe(0)
  })

  it('of another tenant with the same object id is unknown', async () => {
    const { userId } = target.people[0]
    const own = await test.db.query<{ tenant_id: string }>('select tenant_id from users where id = $1', [userId])
    await test.db.query(`update users set tenant_id = '99999999-0000-4000-8000-000000000009' where id = $1`, [userId])
    try {
      expect(await target.attempt(claiming({}))).toEqual(refusedAs('unknown-person'))
    } finally {
      await test.db.query('update users set tenant_id = $2 where id = $1', [userId, own.rows[0]!.tenant_id])
    }
  })
})

describe('a role that nobody gave', () => {
  const mapped = '0a0a0a0a-0000-4000-8000-000000000001'
  it.each<[string, Record<string, unknown>]>([
    ['role names of ours', { roles: ['administrator', 'operator'] }],
    ['the mapped value in another case', { roles: ['muster.administrator'] }],
    ['the mapped value with spaces', { roles: [' Muster.Administrator '] }],
    ['the mapped value within another one', { roles: ['Muster.Administrator2', 'x,Muster.Administrator'] }],
    ['a role claim of another name', { role: ['Muster.Administrator'], wids: [mapped], scp: undefined }],
    ['the mapped group by name', { groups: ['Administrators'] }],
    ['the mapped group as a role', { roles: [mapped] }],
    ['the mapped role as a group', { groups: ['Muster.Administrator'] }],
    [
      'too many groups, with the address of somebody who would give them',
      { _claim_names: { groups: 's' }, _claim_sources: { s: { endpoint: 'https://evil.example', access_token: 'x' } } },
    ],
    ['the mapped group beside the mark of too many', { groups: [mapped], hasgroups: true }],
  ])('%s gives none', async (_what, claims) => {
    await test.db.query(
      `insert into role_mappings (connection_id, kind, value, role, created_at)
       values ($1, 'appRole', 'Muster.Administrator', 'administrator', now()), ($1, 'group', $2, 'administrator', now())`,
      [target.connectionId, mapped],
    )

    expect(await target.attempt(claiming(claims))).toMatchObject({ kind: 'signed-in' })
    expect((await test.db.query('select role from sessions')).rows).toEqual([{ role: null }])
    expect(target.world.emulator.strayRequests).toEqual([])
  })
})

describe('where he wants to go afterwards', () => {
  it.each([
    'https://evil.example/',
    '//evil.example/',
    '///evil.example/',
    '/\\evil.example/',
    '\\\\evil.example/',
    '\\/evil.example/',
    '/\t/evil.example/',
    '/\n/evil.example/',
    '\t//evil.example/',
    ' //evil.example/',
    'http:evil.example',
    'https:/evil.example',
    'HTTPS://EVIL.EXAMPLE',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'blob:https://evil.example/x',
    'evil.example',
    '@evil.example',
    '.evil.example',
    ':80@evil.example',
    '/%2f%2fevil.example/..',
    '/%5cevil.example',
    '/..//evil.example',
    '/./\\evil.example',
    '/%0d%0aLocation:%20https://evil.example',
    '/\r\nSet-Cookie: muster-session=x',
    '/\u2044/evil.example',
    '/／evil.example',
    '/#@evil.example/',
    '/signin/microsoft?code=x&state=y',
    '/api/v1/session',
    '/x/../api/v1/session',
    '/%2e%2e//evil.example',
    '/users?next=//evil.example',
    '/<script>alert(1)</script>',
  ])('%j leads to a page of ours', async (returnTo) => {
    const { flow, back } = await target.depart(target.people[0], { returnTo })

    const ended = await target.arrive(back, flow)

    expect(ended).toMatchObject({ kind: 'signed-in' })
    const location = ended.kind === 'signed-in' ? ended.location : ''
    const url = new URL(location, 'http://localhost')
    expect([url.origin, url.username, url.port]).toEqual(['http://localhost', '', ''])
    expect(location).toMatch(/^\/(?![/\\])/)
    expect(url.pathname).not.toMatch(/^\/(api|signin)\b|^\/\//)
    expect(location).not.toMatch(/[\r\n<>]/)
  })
})

// Last: the server of the other tests has looked for unknown keys just now, and does so once in five minutes.
describe('a key that was rolled while somebody was away', () => {
  it('O3: the key was rolled, in the ordinary way and in an emergency, and he is let in', async () => {
    const { tokens } = target.world.emulator
    await target.withFreshServer(async (server) => {
      expect(await server.attempt(claiming({}))).toMatchObject({ kind: 'signed-in' })
      const { flow, back } = await server.depart()
      tokens.rotateKey()
      expect(await server.arrive(back, flow)).toMatchObject({ kind: 'signed-in' })
    })
    await target.withFreshServer(async (server) => {
      expect(await server.attempt(claiming({}))).toMatchObject({ kind: 'signed-in' })
      const { flow, back } = await server.depart()
      tokens.rollKeys()
      expect(await server.arrive(back, flow)).toMatchObject({ kind: 'signed-in' })
    })
  })
})
