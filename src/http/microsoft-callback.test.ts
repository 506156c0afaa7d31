// Coming back from Microsoft in great numbers: how many ask its token service at once, and what the audit keeps.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { ProvidedTenant } from '../../test/support/oidc-provider.ts'
import { aServer, type TestServer } from '../../test/support/server.ts'
import { beginAt, letSignIn } from '../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { CALLBACKS_AT_ONCE } from './at-once.ts'
import { MADE_UP_CALLBACK_LIMIT } from './flood.ts'
import { createServer } from './server.ts'

const SETTINGS = { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } } as const
let test: TestDatabase
let world: SyncWorld
let provider: ProvidedTenant
let plain: TestServer
let http: TestServer
/** Questions to the token service that are under way, each with what lets it go on. */
let asking: (() => void)[] = []
let isHeld = false
/** Of forty at once the last one may take its time. */
const UNHURRIED = { timeout: 30_000 }
let passed = 0
/** No time passes, so that nothing comes back while requests are sent. */
let isStill = false
const started = systemClock.monotonicMs()
const clock = { ...systemClock, monotonicMs: () => (isStill ? started : systemClock.monotonicMs()) + passed }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 3, groups: 1, memberships: 2, settings: SETTINGS, clock })
  await world.sync()
  ;({ provider } = await letSignIn(world))
  await test.db.query('update setup set done_at = now()')
  plain = await aServer(world.engine)
  const { oidc } = plain.parts.microsoft
  const sender: typeof oidc.sender = {
    ...oidc.sender,
    async send(request) {
      if (isHeld) await new Promise<void>((resolve) => asking.push(resolve))
      return oidc.sender.send(request)
    },
  }
  const parts = { ...plain.parts, microsoft: { ...plain.parts.microsoft, oidc: { ...oidc, sender } } }
  http = { ...plain, server: await createServer(parts, { trustedProxies: [] }) }
})
afterAll(async () => {
  await http.server.close()
  await plain.stop()
  await provider.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  passed += 120_000
  isHeld = false
  isStill = false
  asking = []
  await test.db.query('delete from signin_flows')
})

interface Way {
  readonly url: string
  readonly cookie: string
}

/** Ways back with a code that nobody gave out: anybody can bring one. */
async function waysBack(count: number): Promise<readonly Way[]> {
  const ways: Way[] = []
  for (let nth = 0; nth < count; nth += 1) {
    const { url, flow } = await beginAt(plain)
    const state = new URL(url).searchParams.get('state') ?? ''
    ways.push({ url: `/signin/microsoft?code=made-up-${nth}&state=${state}`, cookie: `muster-flow=${flow}` })
  }
  return ways
}

const comeBack = async ({ url, cookie }: Way, remoteAddress: string) =>
  String((await http.server.inject({ url, headers: { host: 'localhost', cookie }, remoteAddress })).headers.location)
const refusals = async () =>
  (
    await test.db.query<{ address: string; details: string }>(
      `select actor_address as address, details from audit where action = 'session.start.refused' order by id`,
    )
  ).rows.map(({ address, details }) => ({ address, ...(JSON.parse(details) as Record<string, unknown>) }))

describe('coming back from Microsoft', () => {
  it('asks its token service for so many of one network at once and no more; others get in, and the rest once there is room', async () => {
    const { ofOne } = CALLBACKS_AT_ONCE
    const ways = await waysBack(ofOne + 2)
    isHeld = true
    const held = ways.slice(0, ofOne).map((way) => comeBack(way, '192.0.2.1'))
    await expect.poll(() => asking.length, UNHURRIED).toBe(ofOne)
    const beyond = await comeBack(ways[ofOne]!, '192.0.2.1')
    const elsewhere = comeBack(ways[ofOne + 1]!, '198.51.100.1')
    await expect.poll(() => asking.length, UNHURRIED).toBe(ofOne + 1)
    isHeld = false
    for (const goOn of asking) goOn()
    const ends = await Promise.all([...held, elsewhere])

    expect(beyond).toBe('/sign-in#error=too-many-at-once')
    expect(new Set(ends)).toEqual(new Set(['/sign-in#error=code-refused']))
    // His sign-in was not used up.
    expect(await comeBack(ways[ofOne]!, '192.0.2.1')).toBe('/sign-in#error=code-refused')
  })

  it('leaves places to others, however many networks of one site of IPv6 somebody has', async () => {
    const { ofOne, ofGroup } = CALLBACKS_AT_ONCE
    const ways = await waysBack(ofGroup + 3)
    isHeld = true
    const held = ways.slice(0, ofGroup).map((way, nth) => comeBack(way, `2001:db8:1:${Math.floor(nth / ofOne)}::1`))
    await expect.poll(() => asking.length, UNHURRIED).toBe(ofGroup)
    const beyond = await comeBack(ways[ofGroup]!, '2001:db8:1:ffff::1')
    const elsewhere = [comeBack(ways[ofGroup + 1]!, '2001:db8:2::1'), comeBack(ways[ofGroup + 2]!, '198.51.100.1')]
    await expect.poll(() => asking.length, UNHURRIED).toBe(ofGroup + 2)
    isHeld = false
    for (const goOn of asking) goOn()
    const ends = await Promise.all([...held, ...elsewhere])

    expect(beyond).toBe('/sign-in#error=too-many-at-once')
    expect(new Set(ends)).toEqual(new Set(['/sign-in#error=code-refused']))
  })

  it('is nobody’s whose way is made up: a flood of those is told apart and audited, and who went there comes back', async () => {
    await test.db.query('truncate audit')
    await test.db.query(`update audit_head set last_id = 0, digest = ''`)
    const ways = await waysBack(2)
    const [own, other] = [ways[0]!, ways[1]!]
    const stolen = { url: own.url, cookie: other.cookie }
    const madeUp = { url: '/signin/microsoft?code=x&state=never', cookie: own.cookie }
    isStill = true
    const met = new Map<string, number>()
    for (let sent = 0; sent < MADE_UP_CALLBACK_LIMIT.burst + 10; sent += 1) {
      const end = await comeBack(madeUp, '2001:db8:3::1')
      met.set(end, (met.get(end) ?? 0) + 1)
    }

    expect(Object.fromEntries(met)).toEqual({
      '/sign-in#error=flow-unknown': MADE_UP_CALLBACK_LIMIT.burst,
      '/sign-in#error=too-many-at-once': 10,
    })
    // The way of somebody else is not used up by it.
    expect(await comeBack(stolen, '2001:db8:3::1')).toBe('/sign-in#error=too-many-at-once')
    expect(await comeBack(own, '2001:db8:3::1')).toBe('/sign-in#error=code-refused')
    expect(await comeBack(madeUp, '2001:db8:3:1::1')).toBe('/sign-in#error=flow-unknown')
    expect((await refusals()).filter(({ address }) => address === '2001:db8:3::1')).toMatchObject([
      { reason: 'flow-unknown' },
      { reason: 'too-many-at-once' },
      { reason: 'code-refused' },
    ])
  })

  it('in a flood of refusals leaves one entry of equal ones, and one a minute with how many there were', async () => {
    await test.db.query('truncate audit')
    await test.db.query(`update audit_head set last_id = 0, digest = ''`)
    const ways = await waysBack(41)
    for (const way of ways.slice(0, 40)) await comeBack(way, '192.0.2.1')
    const first = await refusals()
    passed += 60_000
    await comeBack(ways[40]!, '192.0.2.1')

    expect(first).toMatchObject([
      { address: '192.0.2.1', reason: 'code-refused', by: 'microsoft', endpoint: 'microsoftCallback' },
    ])
    expect((await refusals()).slice(1)).toMatchObject([{ reason: 'code-refused', alsoSinceTheLast: 39 }])
  })
})
