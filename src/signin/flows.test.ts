// Sign-ins that are under way, seen by people who come while somebody begins very many.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import { keepFlow, removeOldFlows, takeFlow } from './flows.ts'
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
  kept.clear()
  await test.db.query('truncate signin_flows, signin_flows_used')
})

/** By state: what the browser was given to keep. */
const kept = new Map<string, string | undefined>()
const begin = async (state: string, address: string) => {
  later += 1
  const begun = { kind: 'begun', url: 'https://login.example', state, nonce: 'n', verifier: 'v' } as const
  const flow = { connectionId, redirectUri: 'r', returnTo: '/', begun, browser: 'browser', address, replaces: 4711 }
  kept.set(state, await keepFlow(parts, flow))
}
const take = (state: string, sealed = kept.get(state)) => takeFlow(parts, { state, browser: 'browser', sealed })
const comesBack = async (state: string) => (await take(state)).kind === 'taken'

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

it('whoever begins very many takes nobody’s way back, not even at the same address, and others go on beginning there', async () => {
  await begin('before', '192.0.2.1')
  await flood(700, '192.0.2.1')
  await begin('after', '192.0.2.1')
  await begin('elsewhere', '198.51.100.7')

  expect(kept.get('before')).toBeUndefined()
  expect(await take('before')).toMatchObject({ kind: 'taken', flow: { sessionId: null, replaces: 4711 } })
  expect(await comesBack('after')).toBe(true)
  expect(kept.get('elsewhere')).toBeUndefined()
  expect(await comesBack('elsewhere')).toBe(true)
  expect(await count()).toBe(700)
})

it('what a browser keeps is sealed, opens for its own state alone, and is used once within ten minutes', async () => {
  await flood(500, '192.0.2.1')
  await begin('mine', '192.0.2.1')
  await begin('other', '192.0.2.1')
  await begin('late', '192.0.2.1')
  const sealed = kept.get('mine')!

  expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('verifier')
  expect((await take('other', sealed)).kind).toBe('unknown')
  expect((await take('mine', `${sealed.slice(0, -4)}AAAA`)).kind).toBe('unknown')
  expect((await take('mine', 'rubbish')).kind).toBe('unknown')
  expect((await takeFlow(parts, { state: 'mine', browser: 'browser', sealed: undefined })).kind).toBe('unknown')
  const both = await Promise.all([take('mine'), take('mine')])
  expect(both.map(({ kind }) => kind).toSorted()).toEqual(['taken', 'unknown'])
  expect(both.find(({ kind }) => kind === 'taken')).toMatchObject({
    flow: {
      connectionId,
      redirectUri: 'r',
      returnTo: '/',
      state: 'mine',
      nonce: 'n',
      verifier: 'v',
      sessionId: null,
      replaces: 4711,
    },
  })
  later += 600_001
  expect((await take('late')).kind).toBe('unknown')
  await removeOldFlows(test.db, parts.clock.now())
  expect((await test.db.query('select 1 from signin_flows_used')).rowCount).toBe(0)
  expect((await take('mine')).kind).toBe('unknown')
})

it('who has many networks of IPv6 is one site', async () => {
  await begin('victim', '2001:db8:2::1')
  for (let net = 0; net < 20; net += 1) await flood(100, `2001:db8:1:${net.toString(16)}::1`)
  await begin('attacker', '2001:db8:1:ff::1')

  expect(await count()).toBe(2_001)
  expect(kept.get('attacker')).toBeDefined()
  expect(await comesBack('victim')).toBe(true)
})

it('when there are too many over all, nothing more is kept here, and everybody comes back', async () => {
  await begin('victim', '198.51.100.7')
  for (let site = 0; site < 26; site += 1) await flood(1_999, `2001:db8:${(site + 1).toString(16)}::1`)
  const full = await count()

  await begin('late', '203.0.113.9')

  expect(await count()).toBe(full)
  expect(await comesBack('victim')).toBe(true)
  expect(await comesBack('late')).toBe(true)
})
