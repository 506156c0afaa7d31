// How somebody is paired, as it is explained, against what a person would have found out by hand: each result of pairing.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { explanation, type Explanation } from '../contract/explanation.ts'
import { REMEDIES } from '../contract/remedies.ts'
import { canonical } from '../directory/canonical.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { hire, remove, rename } from '../emulator/operations.ts'
import { explainUser } from './explain.ts'

let test: TestDatabase
let w: SyncWorld
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
})
beforeEach(async () => {
  await test.db.query(
    'truncate connections, sources, mirror_objects, mirror_members, mirror_nesting, groups, users, user_names, credentials, memberships, claims, runs, plan_items, plan_memberships, issues, absences, group_claims cascade',
  )
})
afterEach(async () => {
  await w.stop()
})

async function world(settings: Settings = {}): Promise<void> {
  w = await aSyncWorld(test.db, { settings: { safeguard: 'off', ...settings } })
  person('keeper')
}
const person = (name: string, more: Record<string, unknown> = {}): DirectoryObject =>
  hire(w.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name, ...more })
const why = async (user: string): Promise<Explanation> => {
  const told = await explainUser(w.engine, { user, signal: new AbortController().signal })
  expect(explanation.parse(told)).toEqual(told)
  return told
}
/** A registry user made by hand. */
async function local(name: string, columns: Record<string, unknown> = {}): Promise<number> {
  const keys = Object.keys(columns)
  const row = await test.db.query<{ id: number }>(
    `insert into users (user_name${keys.map((k) => `, ${k}`).join('')}) values ($1${keys.map((_, i) => `, $${i + 2}`).join('')}) returning id`,
    [name, ...Object.values(columns)],
  )
  const { id } = row.rows[0]!
  await test.db.query(
    `insert into user_names (user_id, kind, value, key, origin, held) select $1, 'n', $2, $3, 'o', active from users where id = $1`,
    [id, name, canonical(name)],
  )
  return id
}

describe('how he is paired', () => {
  const pairing = async (user: string) => (await why(user)).sources[0]!.pairing

  it('linked, and since which run', async () => {
    await world()
    const ann = person('ann')
    const first = await w.sync()
    rename(w.tenant, ann.id, 'ann.b@contoso.com')
    await w.sync()
    expect(await pairing('ann.b@contoso.com')).toMatchObject({
      result: 'linked',
      sentence: expect.stringContaining(`since run ${first.run} (create, new-in-entra)`),
    })
  })

  it('to be created', async () => {
    await world()
    const ann = person('ann')
    await w.sync({ kind: 'plan' })
    const told = await why(ann.id)
    expect(told.sources[0]!.pairing.result).toBe('create')
    expect(told.sources[0]!.next.items.map((i) => i.action)).toEqual(['create'])
  })

  it('to be adopted, which holds the plan', async () => {
    await world()
    const ann = person('ann')
    await local('ann@contoso.com')
    await w.sync()
    const told = await why(ann.id)
    expect(told.sources[0]!.pairing).toMatchObject({ result: 'adopt', sentence: expect.stringContaining('paired-by') })
    expect(told.sources[0]!.waiting).toMatchObject({ reasons: [{ rule: 'adoptions', count: 1, limit: 0 }] })
    expect(told.sources[0]!.waiting!.items.map((i) => i.action)).toEqual(['adopt'])
  })

  it.each([
    ['protected', { protected: true }, 'an administrator or protected'],
    ['an administrator', { administrator: true }, 'an administrator or protected'],
  ])('refused, because the record is %s', async (_what, columns, sentence) => {
    await world()
    const ann = person('ann')
    await local('ann@contoso.com', columns)
    await w.sync()
    const told = await why(ann.id)
    expect(told.sources[0]!.pairing.result).toBe('pairing-refused')
    expect(told.sources[0]!.issues).toMatchObject([
      { code: 'pairing-refused', message: expect.stringContaining(sentence), remedy: REMEDIES['pairing-refused'] },
    ])
    expect(told.registry).toBeNull()
  })

  it('refused, because two records have the key', async () => {
    await world({ users: { properties: { personalNumber: 'employeeId' }, options: { pairBy: 'personalNumber' } } })
    const ann = person('ann', { employeeId: '7' })
    const number = { personal_number: '7', canonical_number: '7' }
    await local('one', { ...number, personal_number_key: '7' })
    await local('two', { ...number, active: false, deactivated_by: 'administrator' })
    await w.sync()
    const told = await why(ann.id)
    expect(told.sources[0]!.pairing.result).toBe('pairing-refused')
    expect(told.sources[0]!.issues[0]!.message).toContain('two registry users have this personal number')
  })

  it('to be adopted by personal number', async () => {
    await world({ users: { properties: { personalNumber: 'employeeId' }, options: { pairBy: 'personalNumber' } } })
    const ann = person('ann', { employeeId: '7' })
    await local('printer-card-7', { personal_number: '7', personal_number_key: '7', canonical_number: '7' })
    await w.sync()
    expect(await pairing(ann.id)).toMatchObject({
      result: 'adopt',
      sentence: expect.stringContaining('paired-by-personal-number'),
    })
  })

  it('to be adopted by another record than the one that is linked, which loses his object id', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    await local('ann.b@contoso.com')
    await w.configure({ users: { options: { pairByObjectId: false } } })
    rename(w.tenant, ann.id, 'ann.b@contoso.com')
    await w.sync()
    const told = await why(ann.id)
    expect(told.sources[0]!.next.items.map((i) => `${i.action} ${i.name}`)).toEqual([
      'deactivate ann@contoso.com',
      'adopt ann.b@contoso.com',
    ])
    expect(told.sources[0]!.pairing).toMatchObject({
      result: 'adopt',
      sentence: expect.stringContaining('paired-by-user-name'),
    })
  })

  it('of a removed source: to be linked again', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    await test.db.query('update users set source_id = null')
    await test.db.query('delete from claims')
    expect(await pairing(ann.id)).toMatchObject({ result: 'adopt', sentence: expect.stringContaining('linked-again') })
  })

  it('to be taken over from a source that comes after this one', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    await test.db.query(
      `insert into sources (name, connection_id, enabled, priority, settings)
       select 'first', connection_id, true, 10, settings from sources`,
    )
    await w.sync({ source: 'first', kind: 'plan' })
    const told = await why(ann.id)
    expect(told.sources.map((s) => [s.source === 'first', s.pairing.result])).toEqual([
      [true, 'take over'],
      [false, 'linked'],
    ])
    expect(told.sources[0]!.pairing.sentence).toContain('comes-before-owner')
  })

  it('linked to a record that is protected by now: no source changes it', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    await test.db.query('update users set protected = true where object_id = $1', [ann.id])
    remove(w.tenant, ann.id)
    await w.sync()
    expect((await pairing(ann.id)).result).toBe('protected')
    expect((await why(ann.id)).registry).toMatchObject({ active: true })
  })

  it('nobody: the user name is empty, or somebody has it', async () => {
    await world({ users: { properties: { userName: 'employeeId' } } })
    const first = person('first', { employeeId: '7' })
    await w.sync()
    const same = person('same', { employeeId: '7' })
    const none = person('none')
    await w.sync()
    expect((await pairing(same.id)).result).toBe('user-name-conflict')
    expect((await pairing(none.id)).result).toBe('user-name-empty')
    expect((await pairing(first.id)).result).toBe('linked')
  })

  it('an administrator restored him: kept until he was wanted once more', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    remove(w.tenant, ann.id)
    await w.sync()
    await test.db.query(
      'update users set active = true, deactivated_by = null, restored_by_administrator = true where object_id = $1',
      [ann.id],
    )
    await test.db.query('update sources set marked_all = true, marked_all_at = fence')
    expect((await pairing(ann.id)).result).toBe('restored-by-administrator')
  })

  it('not created, because new users are not added', async () => {
    await world({ users: { options: { addNewUsers: false } } })
    const ann = person('ann')
    await w.sync()
    expect(await pairing(ann.id)).toMatchObject({
      result: 'new-users-off',
      sentence: expect.stringContaining('addNewUsers'),
    })
  })

  it('an administrator deactivated him', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    await test.db.query(`update users set active = false, deactivated_by = 'administrator' where object_id = $1`, [
      ann.id,
    ])
    expect((await pairing(ann.id)).result).toBe('deactivated-by-administrator')
  })

  it('missing and kept; and in his days of grace', async () => {
    await world({ users: { options: { deactivateMissingUsers: false } } })
    const ann = person('ann')
    await w.sync()
    remove(w.tenant, ann.id)
    await w.sync()
    expect((await pairing(ann.id)).result).toBe('missing-kept')
    await w.configure({ safeguard: 'off', users: { options: { graceDays: 7 } } })
    await w.sync()
    expect((await pairing(ann.id)).result).toBe('grace-period')
  })
})
