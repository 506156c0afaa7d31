// Coming back from Microsoft in great numbers: how many ask its token service at once, and what the audit keeps.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { ProvidedTenant } from '../../test/support/oidc-provider.ts'
import { aServer, type TestServer } from '../../test/support/server.ts'
import { beginAt, letSignIn } from '../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { CALLBACKS_AT_ONCE } from './at-once.ts'
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
let passed = 0
const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passed }

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
    await expect.poll(() => asking.length).toBe(ofOne)
    const beyond = await comeBack(ways[ofOne]!, '192.0.2.1')
    const elsewhere = comeBack(ways[ofOne + 1]!, '198.51.100.1')
    await expect.poll(() => asking.length).toBe(ofOne + 1)
    isHeld = false
    for (const goOn of asking) goOn()
    const ends = await Promise.all([...held, elsewhere])

    expect(beyond).toBe('/sign-in#error=too-many-at-once')
    expect(new Set(ends)).toEqual(new Set(['/sign-in#error=code-refused']))
    // His sign-in was not used up.
    expect(await comeBack(ways[ofOne]!, '192.0.2.1')).toBe('/sign-in#error=code-refused')
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
