// What expressions do to mapped people, and to what is asked of Graph.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aHandSource, anId, people } from '../../../test/support/planned.ts'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { sourceSettings, type SourceSettingsInput } from '../../contract/sources.ts'
import type { Attributes } from '../../directory/change.ts'
import { needsOf } from './needs.ts'
import { mapUser, prepareMapping } from './users.ts'

type PropertiesInput = NonNullable<NonNullable<SourceSettingsInput['users']>['properties']>

const settingsOf = (properties: PropertiesInput) => sourceSettings.parse({ connection: 'c', users: { properties } })
const map = (properties: PropertiesInput, attributes: Attributes) =>
  mapUser(attributes, prepareMapping(settingsOf(properties)))

const ANN: Attributes = {
  userPrincipalName: 'ann@contoso.com',
  givenName: 'Ann',
  surname: 'Lee',
  accountEnabled: true,
  otherMails: ['a@x', 'b@x'],
  proxyAddresses: ['SMTP:ann@contoso.com', 'smtp:al@contoso.com'],
  'employeeOrgData.costCenter': 'CC 7',
}

describe('expressions', () => {
  it('give every target its value: one, several, credentials and own fields', () => {
    const wanted = map(
      {
        userName: { expression: 'ToLower(Join(".", [givenName], [surname]))' },
        fullName: { expression: '[surname] & ", " & [givenName]' },
        personalNumber: { expression: 'Right([employeeOrgData.costCenter], 1)' },
        aliases: [{ expression: 'RegexReplace([proxyAddresses], "(?i)^smtp:", "")' }, 'upnPrefix'],
        cards: [{ expression: 'StripSpaces([employeeOrgData.costCenter])', transform: 'lower' }],
        alternateEmails: [{ expression: '[otherMails]' }],
        pin: { expression: 'Left("123456789", Len([givenName]) + 3)' },
        notes: { expression: 'IIF([accountEnabled], "in", "out")' },
        own: { badge: { expression: 'Count([otherMails])' } },
      },
      ANN,
    )

    expect(wanted).toMatchObject({
      userName: 'ann.lee',
      personalNumber: '7',
      aliases: [{ value: 'ann@contoso.com' }, { value: 'al@contoso.com' }, { value: 'ann' }],
      cards: [{ value: 'cc7' }],
      alternateEmails: [{ value: 'a@x' }, { value: 'b@x' }],
      pin: '123456',
      rejected: [],
    })
    expect(wanted.fields.get('fullName')).toBe('Lee, Ann')
    expect(wanted.fields.get('notes')).toBe('in')
    expect(wanted.own.get('badge')).toBe('2')
  })

  it('that come out empty clear the field, and the full name falls back on displayName', () => {
    const wanted = map(
      {
        fullName: { expression: 'Trim([companyName])' },
        notes: { expression: 'Join(",", [city])' },
        cards: [{ expression: '[city]' }],
      },
      { ...ANN, displayName: 'Ann Lee' },
    )

    expect(wanted.fields.get('fullName')).toBe('Ann Lee')
    expect(wanted.fields.get('notes')).toBe(null)
    expect(wanted.cards).toEqual([])
  })

  it('that fail keep the field and say which target and why, without the value', () => {
    const wanted = map(
      {
        notes: { expression: 'CNum([surname])' },
        aliases: [{ expression: 'Left("x", CNum([surname]))' }, 'upnPrefix'],
        own: { badge: { expression: 'Item([otherMails], CNum([city]))' } },
      },
      ANN,
    )

    expect(wanted.rejected).toEqual([
      { target: 'notes', problem: 'CNum: the text is not a number', code: 'expression-failed', apply: 'always' },
      { target: 'own.badge', problem: 'CNum: the text is not a number', code: 'expression-failed', apply: 'always' },
      { target: 'aliases', problem: 'CNum: the text is not a number', code: 'expression-failed', apply: 'always' },
    ])
    expect(wanted.fields.has('notes')).toBe(false)
    expect(wanted.own.has('badge')).toBe(false)
    expect(wanted.aliases).toMatchObject([{ value: 'ann' }])
  })

  it('make exactly the attributes that they name be requested, those of cards and PINs sealed', () => {
    const base = needsOf(settingsOf({}))
    const needs = needsOf(
      settingsOf({
        notes: { expression: 'Join(".", [city], [onPremisesExtensionAttributes.extensionAttribute5], [upnPrefix])' },
        cards: [{ expression: 'Append([employeeId], [id])' }],
        pin: { expression: 'Left([mobilePhone], 4)' },
      }),
    )

    expect(needs.userAttributes.filter((name) => !base.userAttributes.includes(name))).toEqual([
      'city',
      'employeeId',
      'onPremisesExtensionAttributes.extensionAttribute5',
    ])
    expect([...needs.secretAttributes].sort()).toEqual(['employeeId', 'mobilePhone'])
    expect([base.usesId, needs.usesId]).toEqual([false, true])
  })
})

describe('expressions in a plan', () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createTestDatabase()
  })
  afterAll(() => test.drop())
  const [A, B] = [anId(1), anId(2)] as const
  const cardAndMails: PropertiesInput = {
    userName: { expression: 'IIF([city] = "bad", CStr(CNum([city])), [userPrincipalName])' },
    cards: [{ expression: 'CStr(CNum([employeeId]))' }],
    alternateEmails: [{ expression: 'Append([otherMails], CStr(CNum([employeeId])))' }],
    notes: { expression: 'CStr(CNum([employeeId]) + 1)' },
  }

  it('an error for one object is an issue on that object, its fields stay, and everybody else goes on', async () => {
    const source = await aHandSource(test.db, { users: { properties: cardAndMails } })
    const mails = { otherMails: ['m'] }
    await source.user(A, { userPrincipalName: 'ann@x', employeeId: '41', ...mails })
    await source.user(B, { userPrincipalName: 'bo@x', employeeId: '1', ...mails })
    await source.run()
    await source.user(A, { employeeId: 'not-a-number' })
    await source.user(B, { employeeId: '2' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ updated: 1 })
    expect(plan.credentials).toEqual({ added: 1, removed: 1 })
    const after = await people(test.db)
    expect(after[A]?.cards).toEqual(['card/41'])
    expect(after[B]?.cards).toEqual(['card/2'])
    const kept = await test.db.query(`select notes, alternate_emails from users where object_id = $1`, [A])
    expect(kept.rows).toEqual([{ notes: '42', alternate_emails: ['m41'] }])
    const issues = await test.db.query<{ code: string; object_id: string; message: string }>(
      `select code, object_id, message from issues order by message`,
    )
    expect(issues.rows.map((issue) => [issue.code, issue.object_id])).toEqual([
      ['expression-failed', A],
      ['expression-failed', A],
      ['expression-failed', A],
    ])
    expect(issues.rows[1]?.message).toBe(
      'The expression for cards could not be worked out (CNum: the text is not a number); the field stays as it is. Change the expression, or the attributes in Entra.',
    )
    expect(JSON.stringify(issues.rows)).not.toContain('not-a-number')

    await source.user(A, { employeeId: '43' })
    await source.run()

    expect((await people(test.db))[A]?.cards).toEqual(['card/43'])
  })

  it('without a user name a new person is not imported, and a known one keeps his', async () => {
    const source = await aHandSource(test.db, { users: { properties: { userName: cardAndMails.userName! } } })
    const [C, D] = [anId(3), anId(4)] as const
    await source.user(C, { userPrincipalName: 'cy@x' })
    await source.run()
    await source.user(C, { city: 'bad' })
    await source.user(D, { userPrincipalName: 'di@x', city: 'bad' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 0, renamed: 0, deactivated: 0, skipped: 1 })
    expect((await people(test.db))[C]).toMatchObject({ active: true, name: 'cy@x' })
    const issues = await test.db.query<{ object_id: string; message: string }>(
      `select object_id, message from issues where code = 'expression-failed' and object_id in ($1, $2) order by object_id`,
      [C, D],
    )
    expect(issues.rows.map((issue) => issue.message)).toEqual([
      expect.stringContaining('the field stays as it is'),
      expect.stringContaining('the user is not imported'),
    ])
  })
})
