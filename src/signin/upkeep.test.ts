// Whoever asked for something is looked at again before it is done; what has ended goes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createToken } from './tokens.ts'
import { removeEnded, requireStillAllowed } from './upkeep.ts'

let test: TestDatabase
let id: number
const now = new Date('2026-11-23T10:00:00Z')

beforeAll(async () => {
  test = await createTestDatabase()
  const made = await test.db.query<{ id: number }>(
    `insert into administrators (name, name_key, role, password, created_at) values ('Ada', 'ada', 'operator', 'none', now()) returning id`,
  )
  id = made.rows[0]!.id
})
afterAll(() => test.drop())

const account = (role: 'operator' | 'helpdesk' = 'operator') =>
  requireStillAllowed(test.db, { actor: { kind: 'account', name: 'Ada', id }, role, scope: 'runs', now })
const change = (sql: string) => test.db.query(`update administrators set ${sql} where id = $1`, [id])

describe('O9: who asked for something', () => {
  it('may have it done while his account may, and not after he lost the role, was disabled or removed', async () => {
    await account()
    await change(`role = 'helpdesk'`)
    await account('helpdesk')
    await expect(account()).rejects.toThrow('Ada asked for this and may not have it done any more')
    await change(`role = 'administrator'`)
    await account()
    await change('enabled = false')
    await expect(account()).rejects.toMatchObject({ code: 'not-allowed' })
    await test.db.query('delete from administrators where id = $1', [id])
    await expect(account()).rejects.toMatchObject({ code: 'not-allowed' })
  })

  it('with a token may while it has the scope, and not after it was revoked or has ended', async () => {
    const expiresAt = new Date('2026-11-24T10:00:00Z')
    const maker = { kind: 'command line', name: 'Ada' } as const
    const { listed } = await createToken(test.db, { name: 'ci', scopes: ['runs'], maker, now, expiresAt })
    const token = (scope: 'runs' | 'people', at = now) =>
      requireStillAllowed(test.db, {
        actor: { kind: 'token', name: 'ci', id: listed.id },
        role: 'operator',
        scope,
        now: at,
      })
    await token('runs')
    await expect(token('people')).rejects.toMatchObject({ code: 'not-allowed' })
    await expect(token('runs', expiresAt)).rejects.toMatchObject({ code: 'not-allowed' })
    await test.db.query('update api_tokens set revoked_at = now()')
    await expect(token('runs')).rejects.toMatchObject({ code: 'not-allowed' })
  })

  it('is a schedule: it was set by somebody who might', async () => {
    const actor = { kind: 'schedule', name: 'schedule' } as const

    await expect(requireStillAllowed(test.db, { actor, role: 'operator', scope: 'runs', now })).resolves.toBeUndefined()
  })
})

describe('what has ended', () => {
  it('goes, and nothing else', async () => {
    await test.db.query(
      `insert into one_time_codes (digest, expires_at) values ('\\x01', $1::timestamptz - interval '1 s'), ('\\x02', $1::timestamptz + interval '1 s')`,
      [now],
    )
    await removeEnded(test.db, now)

    expect((await test.db.query('select 1 from one_time_codes')).rowCount).toBe(1)
  })
})
