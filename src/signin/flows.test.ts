// Sign-ins that are under way, seen by people who come while somebody begins very many.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import { keepFlow, takeFlow } from './flows.ts'
import { networkOf, siteOf } from './network.ts'

let vault: Awaited<ReturnType<typeof createTestVault>>
let test: TestDatabase
let connectionId: number
let parts: Parameters<typeof keepFlow>[0]
/** In milliseconds. */
let later = 0

beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
  parts = { db: test.db, vault, clock: { ...systemClock, now: () => new Date(systemClock.now().getTime() + later) } }
  const { rows } = await test.db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud) values ('contoso', gen_random_uuid(), gen_random_uuid(), 'global') returning id`,
  )
  connectionId = rows[0]!.id
})
afterAll(() => test.drop())
beforeEach(async () => {
  later = 0
  await test.db.query('truncate signin_flows')
})

const begin = async (state: string, address: string) => {
  later += 1
  const begun = { kind: 'begun', url: 'https://login.example', state, nonce: 'n', verifier: 'v' } as const
  await keepFlow(parts, { connectionId, redirectUri: 'r', returnTo: '/', begun, browser: 'browser', address })
}
const comesBack = async (state: string) => (await takeFlow(parts, { state, browser: 'browser' })).kind === 'taken'

/** Very many of one network, as if begun before. */
const flood = (count: number, address: string) =>
  test.db.query(
    `insert into signin_flows (digest, connection_id, browser, nonce, verifier, redirect_uri, return_to, network, site, expires_at)
     select sha256(($1 || n)::bytea), $2, '', '', '', '', '', $3, $4, $5::timestamptz + n * interval '1 ms'
       from generate_series(1, $6::int) n`,
    [
      address,
      connectionId,
      vault.lookup('sign-in flows', networkOf(address)),
      vault.lookup('sign-in flows', `site ${siteOf(address)}`),
      new Date(parts.clock.now().getTime() + 60_000),
      count,
    ],
  )
const count = async () => (await test.db.query('select 1 from signin_flows')).rowCount

it('somebody signs in from the address from which 500 others are under way: the oldest of them is forgotten', async () => {
  await flood(500, '192.0.2.1')

  await begin('mine', '192.0.2.1')

  expect(await count()).toBe(500)
  expect(await comesBack('mine')).toBe(true)
})

it('somebody elsewhere loses nothing by it', async () => {
  await begin('before', '198.51.100.7')
  await flood(700, '192.0.2.1')
  await begin('attacker', '192.0.2.1')
  await begin('after', '198.51.100.7')

  expect(await comesBack('before')).toBe(true)
  expect(await comesBack('after')).toBe(true)
})

it('who has many networks of IPv6 is one site: his oldest are forgotten, whichever network they are of', async () => {
  await begin('victim', '2001:db8:2::1')
  for (let net = 0; net < 21; net += 1) await flood(100, `2001:db8:1:${net.toString(16)}::1`)
  await begin('attacker', '2001:db8:1:ff::1')

  expect(await count()).toBe(2_001)
  expect(await comesBack('victim')).toBe(true)
})

it('when there are too many over all, the site with most of them makes room', async () => {
  await begin('victim', '198.51.100.7')
  for (let site = 0; site < 26; site += 1) await flood(1_999, `2001:db8:${(site + 1).toString(16)}::1`)
  await flood(1_100, '2001:db8:99::1')

  await begin('late', '203.0.113.9')

  expect(await count()).toBeLessThan(26 * 1_999 + 1_100)
  expect(await comesBack('victim')).toBe(true)
  expect(await comesBack('late')).toBe(true)
})
