// Options about who is imported and what he gets: for each, what it does and what happens where it is not set.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aHandSource, anId, people } from '../../test/support/planned.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { SourceSettingsInput } from '../contract/sources.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())

type Users = NonNullable<SourceSettingsInput['users']>

const [ANN, BO, CY, DI] = [anId(1), anId(2), anId(3), anId(4)] as const
const [STAFF, NESTED] = [anId(91), anId(92)] as const

const ATTRIBUTES = {
  userPrincipalName: 'Ann@contoso.com',
  displayName: 'Ann Lee',
  mail: 'ann.lee@contoso.com',
  otherMails: ['ann@home'],
  mobilePhone: '123',
  preferredLanguage: 'en',
  department: 'Sales',
  employeeId: '4711',
  city: 'Prague',
  accountEnabled: true,
}

/** One person mapped by `properties`: the row that the registry then has. */
async function rowOf(properties: Users['properties'], attributes: Record<string, unknown> = ATTRIBUTES) {
  const source = await aHandSource(test.db, properties === undefined ? {} : { users: { properties } })
  await source.user(ANN, attributes)
  await source.run()
  const found = await test.db.query<Record<string, unknown>>('select * from users where object_id = $1', [ANN])
  return { ...found.rows[0], ...(await people(test.db))[ANN] }
}

/** Who is active after a run over Ann (a member), Bo (a guest), Cy (disabled) and Di, who is nobody's colleague. */
async function activeWith(users: Users) {
  const source = await aHandSource(test.db, { users })
  await source.user(ANN, { userPrincipalName: 'ann', userType: 'Member', accountEnabled: true, department: 'Sales' })
  await source.user(BO, { userPrincipalName: 'bo', userType: 'Guest', accountEnabled: true, department: 'Sales' })
  await source.user(CY, { userPrincipalName: 'cy', userType: 'Member', accountEnabled: false, department: 'Sales' })
  await source.user(DI, { userPrincipalName: 'di', userType: 'Member', accountEnabled: true, department: null })
  await source.group(STAFF, { displayName: 'Staff' })
  await source.group(NESTED, { displayName: 'Nested' })
  await source.nest(STAFF, NESTED)
  await source.member(STAFF, ANN)
  await source.member(NESTED, BO)
  await source.run()
  return { source, active: await activeNames() }
}

async function activeNames() {
  return Object.values(await people(test.db)).flatMap((person) => (person.active ? [person.name] : []))
}

describe('option users.import', () => {
  it('option users.import: effect: only people from the selected groups, members of nested groups too', async () => {
    expect((await activeWith({ import: { groups: [STAFF] } })).active).toEqual(['ann', 'bo'])
  })

  it('option users.import: default: all', async () => {
    expect((await activeWith({})).active).toEqual(['ann', 'bo', 'di'])
  })
})

describe('option users.guests', () => {
  it('option users.guests: effect: ignored guests are out of scope', async () => {
    expect((await activeWith({ guests: 'ignore' })).active).toEqual(['ann', 'di'])
  })

  it('option users.guests: default: import', async () => {
    expect((await activeWith({})).active).toContain('bo')
  })
})

describe('option users.filter', () => {
  it('option users.filter: effect: who does not meet it is out of scope, and deactivated when he stops meeting it', async () => {
    const filter = { any: [{ all: [{ attribute: 'department', eq: 'sales' }] }] }
    const { source, active } = await activeWith({ filter })

    await source.user(BO, { department: 'Finance' })
    const plan = await source.run()

    expect(active).toEqual(['ann', 'bo'])
    expect(plan.users.deactivated).toBe(1)
    expect(await activeNames()).toEqual(['ann'])
    const item = await test.db.query(
      `select rule, reason from plan_items where run_id = $1 and action = 'deactivate'`,
      [plan.runId],
    )
    expect(item.rows).toEqual([{ rule: 'users.filter', reason: 'out-of-scope' }])
  })

  it('option users.filter: default: none, so that everybody meets it', async () => {
    expect((await activeWith({})).active).toContain('di')
  })

  it('a guest, somebody outside of the groups and somebody disabled are told by the first rule that holds', async () => {
    const nobody = { any: [{ all: [{ attribute: 'department', eq: 'nowhere' }] }] }
    const { source } = await activeWith({
      guests: 'ignore',
      import: { groups: [STAFF] },
      disabledAccounts: 'ignore',
      filter: nobody,
    })
    const plan = await source.run({ everybody: true })

    const rules = await test.db.query<{ object_id: string; rule: string }>(
      `select object_id, rule from plan_items where run_id = $1 and action = 'skip' order by object_id`,
      [plan.runId],
    )
    expect(rules.rows.map((row) => row.rule)).toEqual(['users.filter', 'users.guests', 'users.import', 'users.import'])
  })
})

describe('option users.disabledAccounts', () => {
  it('option users.disabledAccounts: effect: import takes them as everybody else', async () => {
    expect((await activeWith({ disabledAccounts: 'import' })).active).toContain('cy')
  })

  it('option users.disabledAccounts: effect: ignore leaves them out, and deactivates under the rules for missing people', async () => {
    const settings = { disabledAccounts: 'ignore', options: { deactivateMissingUsers: false } } as const
    const { source, active } = await activeWith(settings)
    await source.user(ANN, { accountEnabled: false })

    await source.run()

    expect(active).not.toContain('cy')
    expect(await activeNames()).toContain('ann')
  })

  it('option users.disabledAccounts: default: deactivate, at once and whatever happens to missing people', async () => {
    const { source, active } = await activeWith({ options: { deactivateMissingUsers: false } })
    await source.user(ANN, { accountEnabled: false })

    await source.run()

    expect(active).not.toContain('cy')
    expect(await activeNames()).not.toContain('ann')
  })
})

describe('option users.properties', () => {
  const ones = [
    ['fullName', 'full_name', 'Ann Lee'],
    ['personalNumber', 'personal_number', null],
    ['email', 'email', 'ann.lee@contoso.com'],
    ['phone', 'phone', '123'],
    ['language', 'language', 'en'],
    ['department', 'department', 'Sales'],
    ['costCenter', 'cost_center', null],
    ['office', 'office', null],
    ['jobTitle', 'job_title', null],
    ['company', 'company', null],
    ['manager', 'manager', null],
    ['storage', 'storage', null],
    ['notes', 'notes', null],
  ] as const

  it('each value reaches its column; null and blank attributes clear it; a target that is no longer mapped keeps it', async () => {
    const all = Object.fromEntries(ones.map(([target]) => [target, { template: `%city%-${target}` }]))
    const none = Object.fromEntries(ones.map(([target]) => [target, 'none']))
    const source = await aHandSource(test.db, { users: { properties: all } })
    const values = async () => {
      const found = await test.db.query<Record<string, unknown>>('select * from users where object_id = $1', [ANN])
      return ones.map(([, column]) => found.rows[0]?.[column])
    }
    await source.user(ANN, ATTRIBUTES)
    await source.run()
    const given = await values()
    await source.set({ users: { properties: none } })
    await source.run({ everybody: true })
    const kept = await values()
    await source.set({ users: { properties: all } })
    await source.user(ANN, { city: ' ' })

    await source.run({ everybody: true })

    const expected = ones.map(([target]) => `Prague-${target}`)
    expect(given).toEqual(expected)
    expect(kept).toEqual(expected)
    expect(await values()).toEqual(ones.map(([target]) => (target === 'fullName' ? 'Ann Lee' : null)))
  })

  it.each([
    ['upnPrefix', 'Ann'],
    ['displayName', 'Ann Lee'],
    ['onPremisesSamAccountName', 'alee'],
    ['mail', 'ann.lee@contoso.com'],
  ] as const)('option users.properties.userName: effect: %s', async (from, expected) => {
    expect(await rowOf({ userName: from }, { ...ATTRIBUTES, onPremisesSamAccountName: 'alee' })).toMatchObject({
      name: expected,
    })
  })

  it('option users.properties.userName: default: userPrincipalName', async () => {
    expect(await rowOf(undefined)).toMatchObject({ name: 'Ann@contoso.com' })
  })

  it('option users.properties.aliases: effect: several, the combination of account and domain among them', async () => {
    const account = { onPremisesSamAccountName: 'alee', onPremisesDomainName: 'corp.local' }
    const row = await rowOf(
      {
        aliases: [
          'upnPrefix',
          'onPremisesSamAccountName@onPremisesDomainName',
          { expression: 'Append([otherMails], ".x")' },
        ],
      },
      { ...ATTRIBUTES, ...account },
    )

    expect(row.aliases?.toSorted()).toEqual(['Ann', 'alee@corp.local', 'ann@home.x'])
  })

  it('option users.properties.aliases: default: none', async () => {
    expect(await rowOf(undefined)).toMatchObject({ aliases: [] })
  })

  it('option users.properties.alternateEmails: effect: all values', async () => {
    expect(await rowOf({ alternateEmails: ['otherMails', 'mail'] })).toMatchObject({
      alternate_emails: ['ann@home', 'ann.lee@contoso.com'],
    })
  })

  it('option users.properties.alternateEmails: default: none', async () => {
    expect(await rowOf(undefined)).toMatchObject({ alternate_emails: [] })
  })

  it('option users.properties.cards: effect: several, each through its own transformation', async () => {
    expect(await rowOf({ cards: ['employeeId', { from: 'employeeId', transform: 'dec2hex' }] })).toMatchObject({
      cards: ['card/1267', 'card/4711'],
    })
  })

  it('option users.properties.cards: default: none', async () => {
    expect(await rowOf(undefined)).toMatchObject({ cards: [] })
  })

  it('option users.properties.own: effect: any number of fields, by their names', async () => {
    const row = await rowOf({ own: { badge: 'employeeId', town: { expression: 'Left([city], 3)' } } })

    expect(row).toMatchObject({ own: { badge: '4711', town: 'Pra' } })
  })

  it('option users.properties.own: default: none', async () => {
    expect(await rowOf(undefined)).toMatchObject({ own: {} })
  })
})

describe('option users.options.lowercaseUserNames', () => {
  const nameWith = async (options: Users['options']) => {
    const source = await aHandSource(test.db, options === undefined ? {} : { users: { options } })
    await source.user(ANN, ATTRIBUTES)
    await source.run()
    return (await people(test.db))[ANN]?.name
  }

  it('option users.options.lowercaseUserNames: effect: user names in small letters', async () => {
    expect(await nameWith({ lowercaseUserNames: true })).toBe('ann@contoso.com')
  })

  it('option users.options.lowercaseUserNames: default: off, kept as given', async () => {
    expect(await nameWith(undefined)).toBe('Ann@contoso.com')
  })
})

describe('option users.options.keepOldUserName', () => {
  const aliasesAfterRename = async (options: Users['options']) => {
    const source = await aHandSource(test.db, options === undefined ? {} : { users: { options } })
    await source.user(ANN, ATTRIBUTES)
    await source.run()
    await source.user(ANN, { userPrincipalName: 'ann.new@contoso.com' })
    await source.run()
    return (await people(test.db))[ANN]
  }

  it('option users.options.keepOldUserName: effect: switched off, a rename leaves nothing behind', async () => {
    expect(await aliasesAfterRename({ keepOldUserName: false })).toMatchObject({
      name: 'ann.new@contoso.com',
      aliases: [],
    })
  })

  it('option users.options.keepOldUserName: default: on, the old name becomes an alias', async () => {
    expect(await aliasesAfterRename(undefined)).toMatchObject({
      name: 'ann.new@contoso.com',
      aliases: ['Ann@contoso.com'],
    })
  })
})

describe('option users.options.addNewUsers', () => {
  it('option users.options.addNewUsers: effect: switched off, nobody new is made', async () => {
    expect((await activeWith({ options: { addNewUsers: false } })).active).toEqual([])
  })

  it('option users.options.addNewUsers: effect: who is there already is paired, changed and deactivated all the same', async () => {
    const source = await aHandSource(test.db, { adoptions: 'automatic', users: { options: { addNewUsers: false } } })
    await test.db.query(
      `with made as (insert into users (user_name) values ('ann') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'ann', 'ann', 's', true from made`,
    )
    await source.user(ANN, { userPrincipalName: 'ann', department: 'Sales' })
    await source.user(BO, { userPrincipalName: 'bo' })
    await source.run()
    const adopted = await test.db.query('select object_id, department from users')
    await source.user(ANN, { department: 'IT', accountEnabled: false })
    await source.run()

    expect(adopted.rows).toEqual([{ object_id: ANN, department: 'Sales' }])
    expect(await people(test.db)).toMatchObject({ [ANN]: { active: false } })
    expect(Object.keys(await people(test.db))).toEqual([ANN])
  })

  it('option users.options.addNewUsers: default: on', async () => {
    expect((await activeWith({})).active).toContain('ann')
  })
})

describe('guests', () => {
  it('G20: an invited UPN is cut at its last @ and kept as it is, and without a userType nobody counts as a guest', async () => {
    const invited = {
      ...ATTRIBUTES,
      userPrincipalName: 'eve_other.org#EXT#@contoso.onmicrosoft.com',
      mail: 'eve@other.org',
    }
    const row = await rowOf({ aliases: ['upnPrefix'] }, { ...invited, userType: null })

    expect(row).toMatchObject({
      name: 'eve_other.org#EXT#@contoso.onmicrosoft.com',
      aliases: ['eve_other.org#EXT#'],
      email: 'eve@other.org',
    })
    const source = await aHandSource(test.db, { users: { guests: 'ignore' } })
    await source.user(BO, { ...invited, userPrincipalName: 'bo#EXT#@contoso.com', userType: null })
    await source.user(CY, { ...invited, userPrincipalName: 'cy@contoso.com', userType: 'Guest' })
    await source.run()
    const names = await activeNames()
    expect(names).toContain('bo#EXT#@contoso.com')
    expect(names).not.toContain('cy@contoso.com')
  })
})
