import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource, truthOf } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import type { Vault } from '../vault/keys.ts'

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

describe('a first load', () => {
  it('makes the mirror equal to the tenant', async () => {
    await using source = await aPulledSource(at, { users: 120, groups: 15, memberships: 600 })

    const result = await source.pull()

    expect(result).toMatchObject({ mode: 'full', resync: undefined, usersRead: 120, groupsRead: 15, issues: [] })
    expect(result).toMatchObject({ removals: 'allowed', noUsersWhereSome: false })
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })
})
