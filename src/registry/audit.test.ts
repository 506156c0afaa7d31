// The audit: written with the change or not at all, whole while untouched, telling when not.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, type AuditRecord, recordAudit, verifyAudit } from './audit.ts'

let test: TestDatabase
let vault: Vault
const ann: Actor = { kind: 'account', name: 'ann', id: 1, address: '192.0.2.7' }
const change = (subject: string): AuditRecord => ({
  actor: ann,
  action: 'source.change',
  subject,
  details: { at: 'users.import', old: 'all', new: { groups: ['ä'] } },
})

beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.db.query('delete from audit')
  await test.db.query(`update audit_head set last_id = 0, digest = ''`)
})

const record = (...records: AuditRecord[]) =>
  withTransaction(test.db, (tx) => recordAudit(tx, { vault, clock: systemClock }, ...records))
const verify = () => verifyAudit(test.db, vault)

describe('the audit', () => {
  it('is whole while nobody touches it, also when many write at once', async () => {
    await record(change('source a'), change('source b'))
    await Promise.all(Array.from({ length: 12 }, (_, i) => record(change(`source ${i}`))))

    expect(await verify()).toEqual({ isWhole: true, entries: 14, brokenAt: null })
  })

  it('keeps nothing of a change that is rolled back', async () => {
    const failing = withTransaction(test.db, async (tx) => {
      await recordAudit(tx, { vault, clock: systemClock }, change('source a'))
      throw new Error('the change itself fails')
    })
    await expect(failing).rejects.toThrow('the change itself fails')

    expect(await verify()).toEqual({ isWhole: true, entries: 0, brokenAt: null })
  })

  it.each([
    ['a changed name', `update audit set actor_name = 'bob' where id = 2`, 2],
    ['changed details', `update audit set details = '{}' where id = 3`, 3],
    ['a changed time', `update audit set at = at + interval '1 second' where id = 1`, 1],
    ['an entry that is missing', 'delete from audit where id = 2', 2],
    ['a last entry that is missing', 'delete from audit where id = 3', 3],
    [
      'two entries that changed places',
      'update audit a set action = b.action, subject = b.subject from audit b where a.id + b.id = 4',
      1,
    ],
  ])('tells of %s', async (_what, sql, brokenAt) => {
    await record(change('source a'), change('source b'), change('source c'))
    await test.db.query(sql)

    expect(await verify()).toMatchObject({ isWhole: false, brokenAt })
  })

  it('E16: a change that cannot be audited does not happen', async () => {
    await test.db.query('alter table audit_head rename to audit_away')
    const changing = withTransaction(test.db, async (tx) => {
      await tx.query('create table changed (id int)')
      await recordAudit(tx, { vault, clock: systemClock }, change('source a'))
    })
    await expect(changing).rejects.toThrow('audit_head')
    await test.db.query('alter table audit_away rename to audit_head')

    const { rows } = await test.db.query<{ there: string | null }>(`select to_regclass('changed')::text as there`)
    expect(rows[0]?.there).toBeNull()
  })
})
