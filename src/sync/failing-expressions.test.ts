// What an expression that fails for one person does to a plan.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, people } from '../../test/support/planned.ts'
import type { SourceSettingsInput } from '../contract/sources.ts'

type PropertiesInput = NonNullable<NonNullable<SourceSettingsInput['users']>['properties']>

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
