// Why somebody is as he is, against what a person would have found out by hand.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { explanation, type Explanation } from '../contract/explanation.ts'
import { ISSUE_CODES } from '../contract/runs.ts'
import { canonical } from '../directory/canonical.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { disable, enable, hire, purge, remove, rename, update } from '../emulator/operations.ts'
import { approveRun } from './approve.ts'
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
const scopeOf = (told: Explanation) => {
  const { verdict, rule, sentence } = told.sources[0]!.scope
  return { verdict, rule, sentence }
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

describe('where he stands (each row of the order of judgement)', () => {
  it('wanted', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    const told = await why('ann@contoso.com')
    expect(scopeOf(told)).toMatchObject({ verdict: 'wanted', rule: null, sentence: expect.stringMatching(/^In scope/) })
    expect(told).toMatchObject({ objectId: ann.id, tenantId: w.hosted.tenantId })
    expect(told.registry).toMatchObject({ userName: 'ann@contoso.com', active: true, owner: w.source })
    expect(told.sources[0]).toMatchObject({ entra: 'there', claims: true, owns: true })
    expect(told.sources[0]!.next).toEqual({ items: [], held: [], sentence: 'The next run changes nothing.' })
  })

  it('gone', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    remove(w.tenant, ann.id)
    purge(w.tenant, ann.id)
    await w.sync()
    const told = await why(ann.id)
    expect(scopeOf(told)).toMatchObject({ verdict: 'gone', sentence: expect.stringContaining('for good') })
    expect(told.registry).toMatchObject({
      active: false,
      sentence: expect.stringContaining('Deactivated by his source'),
    })
    expect(told.history[0]).toMatchObject({ action: 'deactivate', reason: 'gone' })
  })

  it('soft-deleted', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    remove(w.tenant, ann.id)
    await w.sync()
    expect(scopeOf(await why(ann.id))).toMatchObject({
      verdict: 'soft-deleted',
      sentence: expect.stringContaining('recycle bin'),
    })
  })

  it.each([
    ['users.guests', { users: { guests: 'ignore' as const } }, { userType: 'Guest' }],
    [
      'users.filter',
      { users: { filter: { any: [{ all: [{ attribute: 'department', eq: 'Sales' }] }] } } },
      { department: 'IT' },
    ],
    ['users.disabledAccounts', { users: { disabledAccounts: 'ignore' as const } }, { accountEnabled: false }],
  ])('out of scope by %s', async (rule, settings, attributes) => {
    await world(settings)
    const ann = person('ann', attributes)
    await w.sync()
    const told = await why(ann.id)
    expect(scopeOf(told)).toMatchObject({ verdict: 'out-of-scope', rule, sentence: expect.stringContaining(rule) })
    expect(told.registry).toBeNull()
    expect(told.sources[0]!.pairing.result).toBe('none')
  })

  it('out of scope by users.import, and in scope through nested groups, with the chain', async () => {
    await world()
    const ann = person('ann')
    const bob = person('bob')
    const all = createGroup(w.tenant, { displayName: 'All staff' })
    const dept = createGroup(w.tenant, { displayName: 'Sales' })
    addMember(w.tenant, all.id, dept.id)
    addMember(w.tenant, dept.id, ann.id)
    await w.configure({ safeguard: 'off', users: { import: { groups: [all.id] } } })
    await w.sync()
    const told = await why(ann.id)
    expect(told.sources[0]!.scope).toMatchObject({ verdict: 'wanted', chain: ['Sales', 'All staff'] })
    expect(told.sources[0]!.scope.sentence).toContain('Sales → All staff')
    expect(scopeOf(await why(bob.id))).toMatchObject({ verdict: 'out-of-scope', rule: 'users.import' })
  })

  it('disabled', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    disable(w.tenant, ann.id)
    await w.sync()
    const told = await why(ann.id)
    expect(scopeOf(told)).toMatchObject({ verdict: 'disabled', rule: 'users.disabledAccounts' })
    expect(told.sources[0]!.entra).toBe('disabled')
  })

  it('nobody of that name: what was looked for, and what to give', async () => {
    await world()
    await expect(why('nobody')).rejects.toThrow(/There is no user "nobody"; neither the registry nor/)
  })
})

describe('each kind of issue', () => {
  const issueCodes = async (user: string) => (await why(user)).sources[0]!.issues.map((i) => i.code)
  const tested = new Set<string>()
  let ran = 0
  const covers = (...codes: readonly (typeof ISSUE_CODES)[number][]) => {
    ran += 1
    codes.forEach((code) => tested.add(code))
  }
  it('user-name-empty, value-rejected, expression-failed', async () => {
    covers('user-name-empty', 'value-rejected', 'expression-failed')
    await world({
      users: {
        properties: {
          userName: 'employeeId',
          cards: [{ from: 'faxNumber', transform: 'hex2dec' }],
          office: { expression: 'CNum([companyName])' },
        },
      },
    })
    const ann = person('ann')
    const bob = person('bob', { employeeId: '2', faxNumber: 'xyz', companyName: 'a,b' })
    await w.sync()
    expect(await issueCodes(ann.id)).toEqual(['user-name-empty'])
    expect((await issueCodes(bob.id)).toSorted()).toEqual(['expression-failed', 'value-rejected'])
  })

  it('user-name-conflict, alias-conflict, card-conflict, pin-conflict, personal-number-conflict', async () => {
    covers('user-name-conflict', 'alias-conflict', 'card-conflict', 'pin-conflict', 'personal-number-conflict')
    await world({
      users: {
        properties: {
          userName: 'department',
          aliases: ['city'],
          cards: ['faxNumber'],
          pin: 'postalCode',
          personalNumber: 'employeeId',
        },
      },
    })
    const same = { city: 'both', faxNumber: '77', postalCode: '918273', employeeId: '5' }
    const both = [person('first', { department: 'one', ...same }), person('second', { department: 'two', ...same })]
    await w.sync()
    const third = person('third', { department: 'one' })
    await w.sync()
    // Created at the same moment: the lower object id has the values.
    const [winner, loser] = both.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    expect((await issueCodes(loser!.id)).toSorted()).toEqual([
      'alias-conflict',
      'card-conflict',
      'personal-number-conflict',
      'pin-conflict',
    ])
    expect((await why(loser!.id)).sources[0]!.issues[0]!.message).toContain(winner!.id)
    expect(await issueCodes(third.id)).toEqual(['user-name-conflict'])
    expect(JSON.stringify(await why(winner!.id))).not.toContain('918273')
  })

  it('scope-group-missing and membership-unknown', async () => {
    covers('scope-group-missing', 'membership-unknown')
    await world()
    const ann = person('ann')
    const gone = createGroup(w.tenant, { displayName: 'Gone' })
    const hidden = createGroup(w.tenant, {
      displayName: 'Hidden',
      visibility: 'HiddenMembership',
      groupTypes: ['Unified'],
    })
    addMember(w.tenant, gone.id, ann.id)
    addMember(w.tenant, hidden.id, ann.id)
    await w.configure({ safeguard: 'off', users: { import: { groups: [gone.id] } } })
    await w.sync()
    remove(w.tenant, gone.id)
    await w.sync()
    const told = await why(ann.id)
    expect(told.sources[0]!.scope.verdict).toBe('frozen')
    expect(told.sources[0]!.scope.sentence).toContain('does not exist in Entra any more')
    expect(told.sources[0]!.issues.map((i) => i.code)).toContain('scope-group-missing')
    await w.configure({ safeguard: 'off', users: { import: { groups: [hidden.id] } } })
    await w.sync()
    const unknown = await why(ann.id)
    expect(unknown.sources[0]!.scope.sentence).toContain('does not show the members')
    expect(unknown.sources[0]!.issues.map((i) => i.code)).toContain('membership-unknown')
  })

  it('owned-by-source, listing-incomplete, listing-contradicted and pairing-refused', async () => {
    covers('owned-by-source', 'listing-incomplete', 'listing-contradicted', 'pairing-refused')
    await world()
    const ann = person('ann')
    await w.sync()
    // Of the run as a whole: told with everybody of the source.
    for (const code of ['listing-incomplete', 'listing-contradicted'] as const) {
      await test.db.query(
        `insert into issues (source_id, run_id, code, message) select id, null, $1, 'of the run' from sources`,
        [code],
      )
    }
    expect(await issueCodes(ann.id)).toEqual(['listing-incomplete', 'listing-contradicted'])
    const second = await test.db.query<{ name: string }>(
      `insert into sources (name, connection_id, enabled, priority, settings)
       select 'second', connection_id, true, 200, settings from sources returning name`,
    )
    expect(second.rows).toEqual([{ name: 'second' }])
    await w.sync({ source: 'second' })
    const told = await why(ann.id)
    expect(told.sources.map((s) => [s.source === w.source, s.owns, s.claims])).toEqual([
      [true, true, true],
      [false, false, true],
    ])
    expect(told.sources[1]!.pairing.result).toBe('owned-by-source')
    expect(told.sources[1]!.issues.map((i) => i.code)).toEqual(['owned-by-source'])
  })

  it('each of the fourteen is explained above', () => {
    // This block may be run in part: then only what was run is looked at.
    expect([...tested].sort()).toEqual(ran === 4 ? [...ISSUE_CODES].sort() : [...tested].sort())
  })
})

describe('his groups', () => {
  it('direct, through a nested chain, and by hand', async () => {
    await world({ groups: { membership: 'transitive' } })
    const ann = person('ann')
    const company = createGroup(w.tenant, { displayName: 'Company' })
    const dept = createGroup(w.tenant, { displayName: 'Dept' })
    const team = createGroup(w.tenant, { displayName: 'Team' })
    addMember(w.tenant, company.id, dept.id)
    addMember(w.tenant, dept.id, team.id)
    addMember(w.tenant, team.id, company.id)
    addMember(w.tenant, team.id, ann.id)
    await w.sync()
    await test.db.query(
      `with g as (insert into groups (name) values ('Choir') returning id)
       insert into memberships (group_id, user_id, source_id, run_id) select g.id, u.id, 0, 0 from g, users u where u.object_id = $1`,
      [ann.id],
    )
    const told = await why(ann.id)
    const groups = Object.fromEntries(told.registry!.groups.map((g) => [g.path, g]))
    expect(groups['Team']!.givenBy).toEqual([{ source: w.source, how: 'direct', chain: ['Team'] }])
    expect(groups['Company']!.givenBy).toEqual([
      { source: w.source, how: 'nested', chain: ['Team', 'Dept', 'Company'] },
    ])
    expect(groups['Company']!.sentence).toContain('Team, which is in Dept, which is in Company')
    expect(groups['Choir']!.givenBy).toEqual([{ source: null, how: 'by hand', chain: [] }])
  })

  it('from attributes, and which is the default', async () => {
    await world({ groups: { fromAttributes: [{ template: '%department%', makeDefault: true }] } })
    const ann = person('ann', { department: 'Sales' })
    await w.sync()
    const told = await why(ann.id)
    expect(told.registry!.groups).toMatchObject([{ path: 'Sales', isDefault: true, givenBy: [{ how: 'attributes' }] }])
  })

  it.each([
    ['groups.import', () => ({ import: false })],
    ['groups.ignore', (id: string) => ({ ignore: [id] })],
    ['groups.ignoreContaining', () => ({ ignoreContaining: ['TEMP'] })],
    ['groups.types', () => ({ types: ['microsoft365' as const] })],
  ])('ignored by %s', async (rule, settings) => {
    await world()
    const ann = person('ann')
    const temp = createGroup(w.tenant, { displayName: 'Temp workers', securityEnabled: true, mailEnabled: false })
    addMember(w.tenant, temp.id, ann.id)
    await w.sync()
    await w.configure({ safeguard: 'off', groups: settings(temp.id) })
    const told = await why(ann.id)
    expect(told.sources[0]!.ignoredGroups).toMatchObject([
      { objectId: temp.id, name: 'Temp workers', rule, sentence: expect.stringContaining(rule) },
    ])
  })
})

describe('what he has, what waits, and what comes', () => {
  it('each field with where it came from, by its apply', async () => {
    await world({
      users: {
        properties: {
          department: { from: 'department', apply: 'always' },
          office: { from: 'officeLocation', apply: 'whenCreated' },
          notes: { template: 'Works in %city%', apply: 'whenEmpty' },
        },
      },
    })
    const ann = person('ann', { department: 'Sales', officeLocation: 'B1', city: 'Bern' })
    await w.sync()
    const told = await why(ann.id)
    const field = (name: string) => told.registry!.fields.find((f) => f.field === name)
    expect(field('department')).toMatchObject({ value: 'Sales', owner: 'source', from: 'department' })
    expect(field('office')).toMatchObject({ value: 'B1', owner: 'registry', from: 'officeLocation' })
    expect(field('notes')).toMatchObject({ value: 'Works in Bern', owner: 'registry', from: 'Works in %city%' })
    expect(field('storage')).toMatchObject({ value: null, owner: 'registry', from: null })
  })

  it('a parked card, and who has it now', async () => {
    await world({ users: { properties: { cards: ['faxNumber'] } } })
    const ann = person('ann', { faxNumber: '1234567890' })
    await w.sync()
    disable(w.tenant, ann.id)
    await w.sync()
    const bob = person('bob', { faxNumber: '1234567890' })
    await w.sync()
    const parked = (await why(ann.id)).registry!.values.find((v) => v.kind === 'card')
    expect(parked).toMatchObject({ value: '••••7890', isHeld: false, origin: 'source' })
    expect(parked!.sentence).toContain('"bob@contoso.com" has it now')
    enable(w.tenant, ann.id)
    await w.sync()
    const still = (await why(ann.id)).registry!.values.filter((v) => v.kind === 'card')
    expect(still.every((v) => !v.isHeld)).toBe(true)
    expect((await why(bob.id)).registry!.values.find((v) => v.kind === 'card')).toMatchObject({ isHeld: true })
  })

  it('D9: a user name that could be mistaken for another', async () => {
    await world()
    const ann = person('\u0430nn')
    await w.sync()
    const [name] = (await why(ann.id)).registry!.values
    expect(name!.sentence).toContain('It mixes Latin and Cyrillic letters in one word')
  })

  it('an old name that was kept', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    rename(w.tenant, ann.id, 'ann.b@contoso.com')
    await w.sync()
    expect((await why('ann@contoso.com')).registry!.values).toMatchObject([
      { kind: 'userName', value: 'ann.b@contoso.com' },
      { kind: 'alias', value: 'ann@contoso.com', origin: 'kept', isHeld: true },
    ])
  })

  it('an item of a held plan, with what holds it, and who approved it afterwards', async () => {
    await world()
    const ann = person('ann')
    const others = Array.from({ length: 20 }, (_, i) => person(`p${i}`))
    await w.sync()
    await w.configure({})
    for (const leaver of [ann, ...others.slice(0, 6)]) remove(w.tenant, leaver.id)
    const held = await w.sync()
    const told = await why(ann.id)
    expect(told.sources[0]!.waiting).toMatchObject({
      run: held.run,
      reasons: [{ rule: 'removals.users', count: 7, limit: 5 }],
      items: [{ action: 'deactivate', reason: 'soft-deleted' }],
    })
    expect(told.registry!.active).toBe(true)
    await approveRun(w.engine, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'they left',
      actor: { kind: 'command line', name: 'olga' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    })
    const after = await why(ann.id)
    expect(after.sources[0]!.waiting).toBeNull()
    expect(after.history[0]).toMatchObject({ action: 'deactivate', decidedBy: 'olga', decidedReason: 'they left' })
  })

  it('what the next run would do, from settings that were just saved', async () => {
    await world()
    const ann = person('ann', { department: 'Sales' })
    await w.sync()
    await w.configure({
      safeguard: 'off',
      users: { properties: { department: null }, options: { lowercaseUserNames: true } },
    })
    update(w.tenant, ann.id, {})
    const told = await why(ann.id)
    expect(told.sources[0]!.next.items).toEqual([])
    expect(told.history.map((h) => h.action)).toEqual(['create'])
  })

  it('changes nothing and asks nothing of Microsoft', async () => {
    await world()
    const ann = person('ann')
    await w.sync()
    const runs = await test.db.query('select count(*) as count from runs')
    const asked = w.emulator.requests.length
    await why(ann.id)
    expect((await test.db.query('select count(*) as count from runs')).rows).toEqual(runs.rows)
    expect(w.emulator.requests.length).toBe(asked)
  })

  it('a local user, and one of a removed source', async () => {
    await world()
    await local('guest-printer')
    await w.sync()
    const told = await why('guest-printer')
    expect(told).toMatchObject({ objectId: null, sources: [] })
    expect(told.registry!.sentence).toContain('A local user')
  })
})
