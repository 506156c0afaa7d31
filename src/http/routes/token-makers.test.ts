// API tokens do no more than whoever made them may at that moment; terminals go on, and are told of.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { ProvidedTenant } from '../../../test/support/oidc-provider.ts'
import { type Ask, aServer, sessionHeaders, sessionOf, type TestServer } from '../../../test/support/server.ts'
import { type KnownPerson, letSignIn, signInAs } from '../../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import { SCOPES } from '../../contract/api/endpoint.ts'
import { removeEnded, requireStillAllowed } from '../../signin/upkeep.ts'

const SETTINGS = { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } } as const
const DAY_MS = 86_400_000

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let provider: ProvidedTenant
let person: KnownPerson
let later = 0
const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + later) }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 3, groups: 1, memberships: 1, settings: SETTINGS, clock })
  await world.sync()
  const stored = await letSignIn(world, (known) => [
    ...known,
    { ...known[0]!, userName: 'as-administrator', claims: { roles: ['Muster.Administrator'] } },
    { ...known[0]!, userName: 'as-nobody' },
  ])
  provider = stored.provider
  person = stored.people[0]!
  http = await aServer(world.engine)
})
afterAll(async () => {
  await http.stop()
  await provider.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later = 0
  await test.db.query('truncate sessions, person_roles, role_mappings, api_tokens, terminals cascade')
  await reactivate()
  await test.db.query('update administrators set enabled = true')
  const mapping = { connection: world.source, kind: 'appRole', value: 'Muster.Administrator', role: 'administrator' }
  const made = await (await admin())('POST', '/api/v1/role-mappings', mapping)
  if (made.statusCode !== 201) throw new Error(made.body)
})

const asking =
  (own: Record<string, string>): Ask =>
  (method, url, body, headers) =>
    http.asNobody(method, url, body, { ...own, ...headers })
const admin = async () => asking(sessionHeaders(await sessionOf(world.engine, 'administrator')))
/** As who has just proved who he is, which the provider's tokens do not say. */
async function signIn(userName: string): Promise<Ask> {
  const { session } = await signInAs({ http, provider }, userName)
  await test.db.query('update sessions set authenticated_at = $1', [clock.now()])
  return asking(sessionHeaders(session ?? ''))
}

const deactivate = () =>
  test.db.query(`update users set active = false, deactivated_by = 'administrator' where id = $1`, [person.userId])
const reactivate = () =>
  test.db.query('update users set active = true, deactivated_by = null, deactivated_reason = null')

/** Makes a token, and gives a way to use it. */
async function tokenOf(maker: Ask, scopes: readonly string[] = SCOPES) {
  const made = await maker('POST', '/api/v1/tokens', { name: 'machine', scopes, days: null })
  expect(made.statusCode, made.body).toBe(201)
  const { token, id } = made.json()
  const ask = (method: 'GET' | 'POST', url: string, body?: unknown) =>
    http.asNobody(method, url, body, { authorization: `Bearer ${token}` })
  return { id: Number(id), ask, status: async () => (await ask('GET', '/api/v1/administrators')).statusCode }
}

const overview = async () =>
  (await (await admin())('GET', '/api/v1/overview'))
    .json()
    .concerns.map(({ code, message }: { code: string; message: string }) => `${code}: ${message}`)

describe('a token that somebody made whose role comes from Entra', () => {
  it('does nothing once he was deactivated: at once, said so, audited and on the overview', async () => {
    const { id, ask, status } = await tokenOf(await signIn('as-administrator'))
    expect(await status()).toBe(200)

    await deactivate()

    const refused = await ask('GET', '/api/v1/administrators')
    expect(refused.statusCode).toBe(401)
    expect(refused.json()).toMatchObject({ code: 'token-suspended' })
    expect(refused.json().detail).toContain(person.userName)
    const { rows } = await test.db.query(
      `select actor_kind, actor_name, action, details from audit order by id desc limit 1`,
    )
    expect(rows).toEqual([
      {
        actor_kind: 'nobody',
        actor_name: 'machine',
        action: 'access.refused',
        details: expect.stringContaining('token-suspended'),
      },
    ])
    const actor = { kind: 'token', name: 'machine', id } as const
    const asked = { actor, role: 'viewer', scope: 'read', now: clock.now() } as const
    await expect(requireStillAllowed(test.db, asked)).rejects.toMatchObject({ code: 'not-allowed' })
    expect(await overview()).toEqual([
      `token-suspended: The API token machine does nothing any more: ${person.userName}, who made it, may not use this installation now`,
    ])
    expect((await (await admin())('GET', '/api/v1/tokens')).json().items).toMatchObject([{ makerRole: null }])

    await reactivate()

    expect(await status()).toBe(200)
    expect(await overview()).toEqual([])
  })

  it('does nothing once he signed in without the role, and works again once he signed in with it', async () => {
    const { status } = await tokenOf(await signIn('as-administrator'))

    await signIn('as-nobody')
    expect(await status()).toBe(401)

    await signIn('as-administrator')
    expect(await status()).toBe(200)
  })

  it('does nothing once its mapping was removed', async () => {
    const { status } = await tokenOf(await signIn('as-administrator'))
    const session = await admin()
    const { items } = (await session('GET', '/api/v1/role-mappings')).json()

    await session('DELETE', `/api/v1/role-mappings/${items[0].id}`)

    expect(await status()).toBe(401)
  })

  it('outlives his session, but not 30 days without a sign-in', async () => {
    const { status } = await tokenOf(await signIn('as-administrator'))

    later = 29 * DAY_MS
    await removeEnded(test.db, clock.now())
    expect(await status()).toBe(200)

    later = 30 * DAY_MS + 60_000
    expect(await status()).toBe(401)
    await removeEnded(test.db, clock.now())
    expect((await test.db.query('select 1 from person_roles')).rowCount).toBe(0)
  })
})

describe('a token that a local account made', () => {
  it('may no more than the account may now, and nothing once that is disabled or removed', async () => {
    await sessionOf(world.engine, 'administrator')
    const { ask, status } = await tokenOf(
      asking(sessionHeaders(await sessionOf(world.engine, 'administrator', 'bert'))),
    )
    expect(await status()).toBe(200)

    await test.db.query(`update administrators set role = 'viewer' where name = 'bert'`)
    const forbidden = await ask('GET', '/api/v1/administrators')
    expect(forbidden.statusCode).toBe(403)
    expect(forbidden.json().detail).toContain('whoever made this token is viewer now')
    expect((await ask('GET', '/api/v1/users')).statusCode).toBe(200)

    await test.db.query(`update administrators set enabled = false where name = 'bert'`)
    expect((await ask('GET', '/api/v1/users')).statusCode).toBe(401)

    await test.db.query(`update administrators set enabled = true, role = 'administrator' where name = 'bert'`)
    expect(await status()).toBe(200)
    await test.db.query(`delete from administrators where name = 'bert'`)
    expect(await status()).toBe(401)
  })
})

describe('a terminal whose maker may not administer any more', () => {
  it('goes on and is told of, until somebody else gives it a new token', async () => {
    const session = await signIn('as-administrator')
    const settings = { name: 'door', may: ['card'], tells: [], unknownCard: 'refuse', cardTransform: null, days: null }
    const made = await session('POST', '/api/v1/terminals', settings)
    expect(made.statusCode, made.body).toBe(201)
    const { id, token } = made.json()
    const knock = async (withToken: string) =>
      (await http.asNobody('GET', '/api/v1/terminal', undefined, { authorization: `Bearer ${withToken}` })).statusCode

    await deactivate()

    expect(await knock(token)).toBe(200)
    expect(await overview()).toContain(
      `terminal-without-maker: The terminal door was made by ${person.userName}, who may not administer this installation now; it goes on`,
    )

    const renewed = (await (await admin())('POST', `/api/v1/terminals/${id}/token`, { days: null })).json()

    expect(await knock(renewed.token)).toBe(200)
    expect(await overview()).not.toContainEqual(expect.stringContaining('terminal-without-maker'))
  })
})
