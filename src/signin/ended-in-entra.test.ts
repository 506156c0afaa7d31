// Whoever is disabled or deleted in Entra is nobody's session, token or sign-in, though the options of his source keep him active here.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aServer, sessionHeaders, type TestServer } from '../../test/support/server.ts'
import { personSession } from '../../test/support/sign-in.ts'
import { aSyncWorld, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { disable, enable, remove, restore } from '../emulator/operations.ts'
import { judgePerson } from '../registry/sign-in-rule.ts'
import { keepRole } from './makers.ts'
import { createToken } from './tokens.ts'
import { removeSoon, requireStillAllowed } from './upkeep.ts'

type Users = NonNullable<Settings['users']>
const settingsOf = (users: Users = {}, options: Users['options'] = {}): Settings => ({
  safeguard: 'off',
  users: { ...users, options: { useAsAuthenticationServer: true, ...options } },
})

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let connectionId: number
let tenantId: string
let person: { readonly id: number; readonly object_id: string; readonly user_name: string }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 8, settings: settingsOf() })
  const { rows } = await test.db.query<{ id: number; tenant_id: string }>(
    'update connections set sign_in_with_microsoft = true returning id, tenant_id',
  )
  connectionId = rows[0]!.id
  tenantId = rows[0]!.tenant_id
  await world.sync()
  http = await aServer(world.engine)
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  await test.db.query('truncate sessions, api_tokens, person_roles cascade')
  await test.db.query('update sources set enabled = true')
  await world.configure(settingsOf())
  await world.sync()
  const { rows } = await test.db.query<typeof person>('select id, object_id, user_name from users where active limit 1')
  person = rows[0]!
})

/** What he has while he may: ways to ask by his session and by a token of his, with a role from Entra. */
async function whatHeHas() {
  const role = 'administrator' as const
  const now = world.engine.clock.now()
  const session = await personSession(world.engine, { userId: person.id, connectionId, role })
  await keepRole(test.db, { userId: person.id, connectionId, role, now })
  const maker = { kind: 'person', id: person.id, name: person.user_name } as const
  const { token } = await createToken(test.db, { name: 'machine', scopes: ['read'], maker, now, expiresAt: null })
  const headers = { session: sessionHeaders(session), token: { authorization: `Bearer ${token}` } }
  const ask = async (by: 'session' | 'token') =>
    (await http.asNobody('GET', '/api/v1/users', undefined, headers[by])).statusCode
  const signIn = () =>
    judgePerson(test.db, { tenantId, objectId: person.object_id, connectionId } as Parameters<typeof judgePerson>[1])
  const runsWork = () => requireStillAllowed(test.db, { actor: maker, role: 'operator', scope: 'runs', now })
  return { ask, signIn, runsWork }
}

const isActive = async () =>
  (await test.db.query<{ active: boolean }>('select active from users where id = $1', [person.id])).rows[0]!.active

describe('I20: somebody who stays active here', () => {
  const disabled = [disable, enable] as const
  const deleted = [remove, restore] as const
  it.each([
    ['disabled, where disabled accounts are imported', settingsOf({ disabledAccounts: 'import' }), disabled],
    [
      'disabled, where they are ignored after days of grace',
      settingsOf({ disabledAccounts: 'ignore' }, { graceDays: 7 }),
      disabled,
    ],
    ['deleted, with days of grace', settingsOf({}, { graceDays: 7 }), deleted],
    ['deleted, where nobody who is missing is deactivated', settingsOf({}, { deactivateMissingUsers: false }), deleted],
  ])(
    '%s: session, token and sign-in end with the run that sees it, until he is back',
    async (_what, settings, [end, back]) => {
      await world.configure(settings)
      await world.sync()
      const { ask, signIn, runsWork } = await whatHeHas()
      expect([await ask('session'), await ask('token')]).toEqual([200, 200])
      expect(await signIn()).toMatchObject({ kind: 'allowed' })
      await runsWork()

      end(world.tenant, person.object_id)
      await world.sync()

      expect(await isActive()).toBe(true)
      expect([await ask('session'), await ask('token')]).toEqual([401, 401])
      expect(await signIn()).toEqual({ kind: 'refused', reason: 'account-ended', userId: person.id })
      await expect(runsWork()).rejects.toMatchObject({ code: 'not-allowed' })
      await removeSoon(test.db, world.engine.clock.now())
      expect((await test.db.query('select from sessions')).rowCount).toBe(0)

      back(world.tenant, person.object_id)
      await world.sync()

      expect(await ask('token')).toBe(200)
      expect(await signIn()).toMatchObject({ kind: 'allowed' })
    },
  )
})

describe('somebody who had ended, and was enabled in Entra while his source was disabled', () => {
  const setSource = (enabled: boolean) => test.db.query('update sources set enabled = $1', [enabled])

  it('stays out, is told that no run finds that out, and is in again with the first one of the source enabled', async () => {
    await world.configure(settingsOf({ disabledAccounts: 'import' }))
    await world.sync()
    const { ask, signIn, runsWork } = await whatHeHas()
    disable(world.tenant, person.object_id)
    await world.sync()
    expect(await signIn()).toMatchObject({ reason: 'account-ended' })

    await setSource(false)
    enable(world.tenant, person.object_id)

    await expect(world.sync()).rejects.toThrow('disabled')
    expect(await signIn()).toEqual({ kind: 'refused', reason: 'account-ended-source-disabled', userId: person.id })
    expect([await ask('session'), await ask('token')]).toEqual([401, 401])
    await expect(runsWork()).rejects.toMatchObject({ code: 'not-allowed' })

    await setSource(true)
    expect(await signIn()).toMatchObject({ reason: 'account-ended' })
    await world.sync()
    expect(await signIn()).toMatchObject({ kind: 'allowed' })
    expect(await ask('token')).toBe(200)
  })

  it('nobody else of a disabled source is put out', async () => {
    const { ask, signIn } = await whatHeHas()
    await setSource(false)
    expect(await signIn()).toMatchObject({ kind: 'allowed' })
    expect([await ask('session'), await ask('token')]).toEqual([200, 200])
  })
})

describe('what is not known of somebody', () => {
  it.each([
    ['his row is not there yet', 'delete from mirror_objects where object_id = $1'],
    [
      'he was met as a member alone',
      `update mirror_objects set kind = '?', state = '?', attributes = null where object_id = $1`,
    ],
    ['his removal is not proven', `update mirror_objects set state = 'a' where object_id = $1`],
    [
      'accountEnabled was not told',
      `update mirror_objects set attributes = attributes - 'accountEnabled' where object_id = $1`,
    ],
    [
      'accountEnabled came as null',
      `update mirror_objects set attributes = attributes || '{"accountEnabled": null}' where object_id = $1`,
    ],
  ])('puts him out nowhere: %s', async (_what, change) => {
    const { ask, signIn, runsWork } = await whatHeHas()
    const { rows: before } = await test.db.query('select * from mirror_objects where object_id = $1', [
      person.object_id,
    ])

    await test.db.query(change, [person.object_id])

    expect([await ask('session'), await ask('token')]).toEqual([200, 200])
    expect(await signIn()).toMatchObject({ kind: 'allowed' })
    await runsWork()
    await removeSoon(test.db, world.engine.clock.now())
    expect(await ask('session')).toBe(200)
    await test.db.query('delete from mirror_objects where object_id = $1', [person.object_id])
    await test.db.query(
      `insert into mirror_objects select r.* from jsonb_populate_record(null::mirror_objects, $1::jsonb) r`,
      [JSON.stringify(before[0])],
    )
  })
})
