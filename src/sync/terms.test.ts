import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, people } from '../../test/support/planned.ts'
import type { SourceSettingsInput } from '../contract/sources.ts'
import { TEXT_FIELDS } from '../directory/user.ts'
import { FIELD_COLUMNS } from '../registry/users.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(async () => {
  await emptyRegistry(test.db)
})
afterAll(async () => {
  await test.drop()
})

const [A, B] = [anId(1), anId(2)] as const
const G = anId(91)

type Properties = NonNullable<NonNullable<SourceSettingsInput['users']>['properties']>
type Apply = 'always' | 'whenCreated' | 'whenEmpty'

/** Every one-valued target but the user name, each from an attribute of its own. */
const ONE_VALUED: Readonly<Record<string, string>> = {
  fullName: 'givenName',
  email: 'mail',
  phone: 'mobilePhone',
  language: 'preferredLanguage',
  department: 'department',
  costCenter: 'employeeOrgData.costCenter',
  office: 'officeLocation',
  jobTitle: 'jobTitle',
  company: 'companyName',
  manager: 'city',
  storage: 'state',
  notes: 'country',
  personalNumber: 'employeeId',
}
const mapped = (apply: Apply | undefined): Properties => {
  const entry = (from: string) => (apply === undefined ? from : { from, apply })
  const targets = Object.entries(ONE_VALUED).map(([target, from]) => [target, entry(from)])
  return { ...Object.fromEntries(targets), own: { badge: entry('employeeType') } } as Properties
}
const attributes = (value: string | null) =>
  Object.fromEntries([...Object.values(ONE_VALUED), 'employeeType'].map((name) => [name, value]))

/** All one-valued fields of the only user; those that are empty are left out. */
async function fieldsOf(objectId: string): Promise<Record<string, string>> {
  const columns = TEXT_FIELDS.map((field) => `'${field}', ${FIELD_COLUMNS[field]}`).join(', ')
  const found = await test.db.query<{ fields: Record<string, string> }>(
    `select jsonb_strip_nulls(jsonb_build_object(${columns}, 'personalNumber', personal_number) || own) as fields
     from users where object_id = $1`,
    [objectId],
  )
  return found.rows[0]!.fields
}
const all = (value: string) => Object.fromEntries([...Object.keys(ONE_VALUED), 'badge'].map((name) => [name, value]))

async function byHand(objectId: string, value: string | null): Promise<void> {
  const columns = [...Object.values(FIELD_COLUMNS), 'personal_number', 'personal_number_key', 'canonical_number']
  await test.db.query(
    `update users set ${columns.map((c) => `${c} = $2`).join(', ')}, own = jsonb_strip_nulls(jsonb_build_object('badge', $2::text)),
       version = version + 1 where object_id = $1`,
    [objectId, value],
  )
}

describe('when a one-valued target takes what is mapped', () => {
  it.each([['always' as const], [undefined]])(
    '%s: at every run, also over what was edited and to empty',
    async (apply) => {
      const source = await aHandSource(test.db, { users: { properties: mapped(apply) } })
      await source.user(A, { userPrincipalName: 'a@x', ...attributes('one') })
      await source.run()
      expect(await fieldsOf(A)).toEqual(all('one'))
      await source.user(A, attributes('two'))
      await source.run()
      expect(await fieldsOf(A)).toEqual(all('two'))
      await byHand(A, 'hand')
      await source.run({ everybody: true })
      expect(await fieldsOf(A)).toEqual(all('two'))
      await source.user(A, attributes(null))
      await source.run()
      expect(await fieldsOf(A)).toEqual({})
    },
  )

  it('whenCreated: once, with the record; then it is the registry’s own', async () => {
    const source = await aHandSource(test.db, { users: { properties: mapped('whenCreated') } })
    await source.user(A, { userPrincipalName: 'a@x', ...attributes('one') })
    await source.user(B, { userPrincipalName: 'b@x', ...attributes(null) })
    await source.run()
    expect(await fieldsOf(A)).toEqual(all('one'))
    for (const id of [A, B]) await source.user(id, attributes(id === A ? 'two' : 'late'))
    expect((await source.run()).isEmpty).toBe(true)
    expect(await fieldsOf(A)).toEqual(all('one'))
    expect(await fieldsOf(B)).toEqual({})
    await byHand(A, 'hand')
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
    // Neither does he get it when he comes back, for he is not created then.
    await source.user(A, {}, 's')
    await source.run()
    await source.user(A, attributes('three'), 'l')
    await source.run()
    expect(await fieldsOf(A)).toEqual(all('hand'))
  })

  it('whenEmpty: whenever there is nothing, and never over anything', async () => {
    const source = await aHandSource(test.db, { users: { properties: mapped('whenEmpty') } })
    await source.user(A, { userPrincipalName: 'a@x', ...attributes(null) })
    await source.run()
    expect(await fieldsOf(A)).toEqual({})
    await source.user(A, attributes('one'))
    await source.run()
    expect(await fieldsOf(A)).toEqual(all('one'))
    for (const value of ['two', null]) {
      await source.user(A, attributes(value))
      expect((await source.run()).isEmpty).toBe(true)
    }
    expect(await fieldsOf(A)).toEqual(all('one'))
    await byHand(A, 'hand')
    await source.user(A, attributes('three'))
    expect((await source.run()).isEmpty).toBe(true)
    await byHand(A, null)
    await source.run({ everybody: true })
    expect(await fieldsOf(A)).toEqual(all('three'))
  })

  it('the user name: by default it follows; whenCreated and whenEmpty keep the one he was created with', async () => {
    const source = await aHandSource(test.db)
    const rename = async (name: string, apply: Apply) => {
      await source.set({ users: { properties: { userName: { from: 'userPrincipalName', apply } } } })
      await source.user(A, { userPrincipalName: name })
      await source.run()
      return (await people(test.db))[A]!.name
    }
    await source.user(A, { userPrincipalName: 'one@x' })
    await source.run()
    await source.user(A, { userPrincipalName: 'two@x' })
    await source.run()
    expect((await people(test.db))[A]).toMatchObject({ name: 'two@x', aliases: ['one@x'] })
    expect(await rename('three@x', 'whenCreated')).toBe('two@x')
    expect(await rename('four@x', 'whenEmpty')).toBe('two@x')
    expect(await rename('five@x', 'always')).toBe('five@x')
  })

  it('an adopted local user is not created: he keeps what is given only then, and gets what he lacks', async () => {
    await test.db.query(
      `with made as (insert into users (user_name, department) values ('a@x', 'Hand') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'a@x', 'a@x', 'o', true from made`,
    )
    const source = await aHandSource(test.db, {
      users: {
        properties: {
          department: { from: 'department', apply: 'whenEmpty' },
          office: { from: 'officeLocation', apply: 'whenEmpty' },
          jobTitle: { from: 'jobTitle', apply: 'whenCreated' },
        },
      },
    })
    await source.user(A, { userPrincipalName: 'a@x', department: 'Entra', officeLocation: '7', jobTitle: 'Cook' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, created: 0 })
    expect(await fieldsOf(A)).toEqual({ department: 'Hand', office: '7' })
  })

  it('D10: a value that cannot be kept is no issue where it would not be taken anyway', async () => {
    const source = await aHandSource(test.db, {
      users: { properties: { office: { from: 'officeLocation', apply: 'whenCreated' } } },
    })
    await source.user(A, { userPrincipalName: 'a@x', officeLocation: 'fine' })
    await source.run()
    await source.user(A, { officeLocation: 'x'.repeat(10_001) })
    await source.run()
    expect((await test.db.query('select code from issues')).rows).toEqual([])
  })
})

describe('a PIN from an attribute', () => {
  const pins = async () =>
    (
      await test.db.query<{ pin: string }>(
        `select convert_from(lookup, 'UTF8') || ' ' || origin::text as pin from credentials where kind = 'pin' order by 1`,
      )
    ).rows.map((row) => row.pin)
  const settings = (apply?: Apply) => ({
    users: { properties: { pin: apply === undefined ? 'employeeId' : { from: 'employeeId', apply } } },
  })

  it('by default follows the attribute', async () => {
    const source = await aHandSource(test.db, settings())
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '480213' })
    await source.run()
    await source.user(A, { employeeId: '731905' })
    await source.run()
    expect(await pins()).toEqual(['pin/731905 s'])
    await source.user(A, { employeeId: null })
    await source.run()
    expect(await pins()).toEqual([])
  })

  it('whenCreated: is given once and stays when the attribute changes', async () => {
    const source = await aHandSource(test.db, settings('whenCreated'))
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '480213' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: null })
    await source.run()
    await source.user(A, { employeeId: '731905' })
    await source.user(B, { employeeId: '731906' })
    expect((await source.run()).isEmpty).toBe(true)
    expect(await pins()).toEqual(['pin/480213 o'])
  })

  describe('that became the registry’s own, where it is always given from now on', () => {
    const C = anId(3)
    const holders = async () => {
      const found = await test.db.query<{ who: string }>(
        `select u.user_name || ' ' || convert_from(c.lookup, 'UTF8') || ' ' || c.origin::text as who
         from credentials c join users u on u.id = c.user_id where c.kind = 'pin' and c.held order by 1`,
      )
      return found.rows.map((row) => row.who)
    }
    /** Ann and Bo have a PIN of their own, and Cy one that is given. */
    async function given() {
      const source = await aHandSource(test.db, settings('whenCreated'))
      await source.user(A, { userPrincipalName: 'a@x', employeeId: '480213' })
      await source.user(B, { userPrincipalName: 'b@x', employeeId: '731905' })
      await source.user(C, { userPrincipalName: 'c@x', employeeId: null })
      await source.run()
      await source.set(settings())
      await source.user(C, { employeeId: '650471' })
      await source.run()
      expect(await holders()).toEqual(['a@x pin/480213 o', 'b@x pin/731905 o', 'c@x pin/650471 s'])
      return source
    }

    it('gives way to another one: a person has one PIN', async () => {
      const source = await given()
      await source.user(A, { employeeId: '918273' })

      const plan = await source.run()

      expect(plan).toMatchObject({ credentials: { added: 1, removed: 1 } })
      expect(await holders()).toEqual(['a@x pin/918273 s', 'b@x pin/731905 o', 'c@x pin/650471 s'])
      expect((await source.run({ everybody: true })).isEmpty).toBe(true)
    })

    it('is swapped in one run', async () => {
      const source = await given()
      await source.user(A, { employeeId: '731905' })
      await source.user(B, { employeeId: '480213' })

      await source.run()

      expect(await holders()).toEqual(['a@x pin/731905 s', 'b@x pin/480213 s', 'c@x pin/650471 s'])
      expect((await source.run({ everybody: true })).isEmpty).toBe(true)
    })

    it('D6: stays with him, and with whoever wants his, when the other one belongs to somebody else', async () => {
      const source = await given()
      await source.user(A, { employeeId: '731905' })
      await source.user(B, { employeeId: '650471' })

      await source.run()

      expect(await holders()).toEqual(['a@x pin/480213 o', 'b@x pin/731905 o', 'c@x pin/650471 s'])
      const issues = await test.db.query('select code, object_id from issues order by object_id')
      expect(issues.rows).toEqual([
        { code: 'pin-conflict', object_id: A },
        { code: 'pin-conflict', object_id: B },
      ])
      expect((await source.run({ everybody: true })).isEmpty).toBe(true)
    })

    it('stays where the attribute is empty: an administrator may have given it', async () => {
      const source = await given()
      await source.user(A, { employeeId: null })

      expect((await source.run()).isEmpty).toBe(true)
    })
  })

  it('whenEmpty: is given to whoever has none', async () => {
    const source = await aHandSource(test.db, settings('whenEmpty'))
    await source.user(A, { userPrincipalName: 'a@x', employeeId: null })
    await source.run()
    await source.user(A, { employeeId: '480213' })
    await source.run()
    await source.user(A, { employeeId: '731905' })
    expect((await source.run()).isEmpty).toBe(true)
    expect(await pins()).toEqual(['pin/480213 o'])
  })

  it('D12: shorter than six characters is refused as an issue, and the one he had stays', async () => {
    const source = await aHandSource(test.db, settings())
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '480213' })
    await source.run()
    await source.user(A, { employeeId: '12345' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '99' })
    await source.run()
    expect(await pins()).toEqual(['pin/480213 s'])
    const issues = await test.db.query<{ code: string; message: string }>('select code, message from issues')
    expect(issues.rows.map((row) => row.code)).toEqual(['value-rejected', 'value-rejected'])
    expect(issues.rows.map((row) => row.message).join()).not.toMatch(/12345|99/)
  })
})

/** The three several-valued targets: how each is read, and how an administrator adds one by hand. */
const SEVERAL = [
  {
    target: 'aliases' as const,
    read: `select value, origin::text as origin from user_names where kind = 'a' order by 1`,
    add: (value: string) =>
      `insert into user_names (user_id, kind, value, key, origin, held) select id, 'a', '${value}', '${value}', 'o', true from users`,
  },
  {
    target: 'cards' as const,
    read: `select replace(convert_from(lookup, 'UTF8'), 'card/', '') as value, origin::text as origin from credentials order by 1`,
    add: (value: string) =>
      `insert into credentials (user_id, kind, lookup, origin, held) select id, 'card', convert_to('card/${value}', 'UTF8'), 'o', true from users`,
  },
  {
    target: 'alternateEmails' as const,
    read: `select e as value, case when e = any(given_emails) then 's' else 'o' end as origin from users, unnest(alternate_emails) e order by 1`,
    add: (value: string) => `update users set alternate_emails = alternate_emails || '${value}'::text`,
  },
]

describe.each(SEVERAL)('$target', ({ target, read, add }) => {
  const values = async () =>
    (await test.db.query<{ value: string; origin: string }>(read)).rows.map((row) => `${row.value} ${row.origin}`)
  const settings = (...entries: readonly unknown[]) => ({
    users: { properties: { [target]: entries } as Properties },
  })
  const byHandToo = (value: string) => test.db.query(add(value))
  const aSource = async (...entries: readonly unknown[]) => {
    const source = await aHandSource(test.db, settings(...entries))
    await source.user(A, { userPrincipalName: 'a@x', otherMails: ['one', 'two'], proxyAddresses: ['p'] })
    await source.run()
    return source
  }

  it('by default replaces what the source gave, and never what was added by hand', async () => {
    const source = await aSource('otherMails')
    expect(await values()).toEqual(['one s', 'two s'])
    await byHandToo('hand')
    await source.user(A, { otherMails: ['two', 'three'] })
    await source.run()
    expect(await values()).toEqual(['hand o', 'three s', 'two s'])
    await source.user(A, { otherMails: [] })
    await source.run()
    expect(await values()).toEqual(['hand o'])
    // Given and withdrawn again, it is still the one that was there before.
    for (const otherMails of [['hand'], []]) {
      await source.user(A, { otherMails })
      await source.run()
    }
    expect(await values()).toEqual(['hand o'])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('not mapped any more keeps what was given, as the registry’s own', async () => {
    const source = await aSource('otherMails')
    await source.set({})
    await source.run()
    await source.set(settings('proxyAddresses'))
    await source.run()
    expect(await values()).toEqual(['one o', 'p s', 'two o'])
  })

  it('append: is never withdrawn', async () => {
    const source = await aSource({ from: 'otherMails', mode: 'append' })
    expect(await values()).toEqual(['one o', 'two o'])
    await source.user(A, { otherMails: ['three'] })
    await source.run()
    await source.user(A, { otherMails: [] })
    expect((await source.run()).isEmpty).toBe(true)
    expect(await values()).toEqual(['one o', 'three o', 'two o'])
  })

  it('append and replace in one list go by the entry that gives the value', async () => {
    const source = await aSource({ from: 'otherMails', mode: 'append' }, 'proxyAddresses')
    expect(await values()).toEqual(['one o', 'p s', 'two o'])
    await source.user(A, { otherMails: [], proxyAddresses: [] })
    await source.run()
    expect(await values()).toEqual(['one o', 'two o'])
    // Given by both, it is kept.
    await source.user(A, { otherMails: ['both'], proxyAddresses: ['both'] })
    await source.run()
    await source.user(A, { otherMails: [], proxyAddresses: [] })
    await source.run()
    expect(await values()).toEqual(['both o', 'one o', 'two o'])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('from append to replace removes nothing that was appended', async () => {
    const source = await aSource({ from: 'otherMails', mode: 'append' })
    await source.set(settings('otherMails'))
    await source.user(A, { otherMails: ['three'] })
    await source.run()
    expect(await values()).toEqual(['one o', 'three s', 'two o'])
    await source.user(A, { otherMails: [] })
    await source.run()
    expect(await values()).toEqual(['one o', 'two o'])
  })

  it('from replace to append keeps from then on what is given', async () => {
    const source = await aSource('otherMails')
    await source.set(settings({ from: 'otherMails', mode: 'append' }))
    await source.run()
    await source.user(A, { otherMails: ['three'] })
    await source.run()
    expect(await values()).toEqual(['one o', 'three o', 'two o'])
  })

  it('from replace to append beside an entry that replaces keeps what the appending one gives', async () => {
    const source = await aSource('otherMails', 'proxyAddresses')
    await source.set(settings({ from: 'otherMails', mode: 'append' }, 'proxyAddresses'))
    await source.run()
    expect(await values()).toEqual(['one o', 'p s', 'two o'])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
    await source.user(A, { otherMails: [], proxyAddresses: [] })
    await source.run()
    expect(await values()).toEqual(['one o', 'two o'])
  })

  it('whenCreated: an entry gives once, beside one that always does', async () => {
    const source = await aSource({ from: 'otherMails', apply: 'whenCreated' }, 'proxyAddresses')
    await source.user(A, { otherMails: ['three'], proxyAddresses: ['q'] })
    await source.run()
    expect(await values()).toEqual(['one o', 'q s', 'two o'])
  })

  it('whenEmpty: an entry gives where there would be nothing, and that stays', async () => {
    const source = await aSource({ from: 'otherMails', apply: 'whenEmpty' }, 'proxyAddresses')
    expect(await values()).toEqual(['p s'])
    await source.user(A, { proxyAddresses: [] })
    await source.run()
    expect(await values()).toEqual(['one o', 'two o'])
    await source.user(A, { otherMails: ['three'], proxyAddresses: ['q'] })
    await source.run()
    expect(await values()).toEqual(['one o', 'q s', 'two o'])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })
})

it('whatever is the registry’s own stays so, through any change of the settings and of the attributes', async () => {
  const value = fc.constantFrom('one', 'two', 'three', 'four')
  const entry = (from: string) =>
    fc.record({
      from: fc.constant(from),
      apply: fc.constantFrom<Apply>('always', 'always', 'whenCreated', 'whenEmpty'),
      mode: fc.constantFrom('replace' as const, 'append' as const),
    })
  const step = fc.record({
    entries: fc.tuple(fc.option(entry('otherMails')), fc.option(entry('proxyAddresses'))),
    otherMails: fc.uniqueArray(value, { maxLength: 2 }),
    proxyAddresses: fc.uniqueArray(value, { maxLength: 2 }),
    state: fc.constantFrom('l', 'l', 'l', 's'),
    hand: fc.option(fc.constantFrom('hand1', 'hand2')),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 6 }), async (steps) => {
      await emptyRegistry(test.db)
      const source = await aHandSource(test.db, { safeguard: 'off' })
      const added = new Set<string>()
      for (const { entries, state, hand, ...attributes } of steps) {
        const given = entries.filter((e) => e !== null)
        const properties = { aliases: given, cards: given, alternateEmails: given }
        await source.set({ safeguard: 'off', users: { properties } })
        await source.user(A, { userPrincipalName: 'a@x', ...attributes }, state)
        const before = new Map<string, string[]>()
        for (const { target, read } of SEVERAL) before.set(target, await own(read))
        await source.run()
        for (const { target, read } of SEVERAL) {
          expect(await own(read), target).toEqual(expect.arrayContaining(before.get(target)!))
          const wanted = new Set<string>([attributes.otherMails, attributes.proxyAddresses].flat())
          const all = await allOf(read)
          // And what is not, goes: nothing stays that neither the registry owns nor Entra says.
          if (state === 'l')
            for (const [name, origin] of all)
              expect(origin === 'o' || wanted.has(name!), `${target} ${name}`).toBe(true)
        }
        expect((await source.run({ everybody: true })).isEmpty).toBe(true)
        if (hand === null || added.has(hand) || (await test.db.query('select from users')).rowCount === 0) continue
        added.add(hand)
        for (const { add } of SEVERAL) await test.db.query(add(hand))
      }
    }),
    { numRuns: 8, seed: 20261123 },
  )
  async function allOf(read: string) {
    const found = await test.db.query<{ value: string; origin: string }>(read)
    return found.rows.map((row) => [row.value, row.origin])
  }
  async function own(read: string) {
    return (await allOf(read)).filter(([, origin]) => origin === 'o').map(([name]) => name!)
  }
})

it('memberships that were made by hand are never ended by a source', async () => {
  const source = await aHandSource(test.db)
  await source.user(A, { userPrincipalName: 'a@x' })
  await source.group(G, { displayName: 'G' })
  await source.member(G, A)
  await source.run()
  await test.db.query(
    `insert into memberships (group_id, user_id, source_id, run_id) select g.id, u.id, 0, 0 from groups g, users u`,
  )
  await source.noMember(G, A)
  expect((await source.run()).memberships.removed).toBe(0)
  expect((await people(test.db))[A]!.groups).toEqual(['G'])
  await source.run({ everybody: true })
  expect((await test.db.query('select source_id from memberships')).rows).toEqual([{ source_id: 0 }])
})
