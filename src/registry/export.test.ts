import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { EXPORT_KEYS, type ExportKind } from '../contract/exports.ts'
import type { Database } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { writeExport } from './export-stream.ts'
import { CARD_CONTEXT, exportGroups, exportMemberships, exportUsers } from './export.ts'

const TENANT = '11111111-2222-3333-4444-555555555555'
const oid = (n: number) => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`

let test: TestDatabase
let vault: Vault

beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
  const { db } = test
  await db.query(`insert into connections (name, tenant_id, client_id, cloud) values ('contoso', $1, $1, 'global')`, [
    TENANT,
  ])
  await db.query(
    `insert into sources (name, connection_id, enabled, priority, settings)
     select 'staff', id, true, 100, '{"users":{"options":{"useAsAuthenticationServer":true}}}' from connections`,
  )
  await db.query(
    `insert into groups (id, tenant_id, object_id, source_id, name, under, hidden) values
       (1, $1, $2, (select id from sources), 'A|B', 'Entra ID', false),
       (2, $1, $3, (select id from sources), 'Hidden', '', true),
       (3, null, null, null, 'Local', '', false)`,
    [TENANT, oid(101), oid(102)],
  )
  await db.query(
    `insert into users (id, tenant_id, object_id, source_id, active, deactivated_by, user_name, full_name, email, storage) values
       (10, $1, $2, (select id from sources), true, null, 'ada@x', 'Ada', 'ada@x', 'store'),
       (11, $1, $3, (select id from sources), false, 'source', 'bob@x', null, null, null),
       (12, null, null, null, true, null, 'local', null, null, null)`,
    [TENANT, oid(10), oid(11)],
  )
  await db.query(
    `insert into user_names (user_id, kind, value, key, origin, held) values
       (10, 'n', 'ada@x', 'ada@x', 's', true), (10, 'a', 'zed', 'zed', 's', true), (10, 'a', 'Al', 'al', 'o', true)`,
  )
  for (const [user, card] of [
    [10, '00FF'],
    [10, '1234'],
    [11, '99'],
  ] as const) {
    await db.query(
      `insert into credentials (user_id, kind, sealed, lookup, origin, held) values ($1, 'card', $2, $3, 's', $4)`,
      [user, vault.seal(card, CARD_CONTEXT), vault.lookup('card', card), user === 10],
    )
  }
  await db.query(`insert into credentials (user_id, kind, lookup, origin, held) values (10, 'pin', $1, 's', true)`, [
    vault.lookup('pin', '135246'),
  ])
  await db.query(
    `insert into memberships (group_id, user_id, source_id, run_id) values
       (1, 10, 1, 1), (1, 10, 0, 0), (2, 10, 1, 1), (3, 10, 0, 0), (1, 11, 1, 1), (3, 12, 0, 0)`,
  )
})
afterAll(() => test.drop())

async function all<T>(make: (tx: Parameters<typeof exportGroups>[0]) => AsyncIterable<readonly T[]>): Promise<T[]> {
  return withTransaction(test.db, async (tx) => {
    const rows: T[] = []
    for await (const batch of make(tx)) rows.push(...batch)
    return rows
  })
}

describe('export', () => {
  it('lists users with names, cards opened, group paths and their source, and never a PIN', async () => {
    const users = await all((tx) => exportUsers(tx, { vault }))

    expect(users).toEqual([
      {
        id: '10',
        userName: 'ada@x',
        fullName: 'Ada',
        email: 'ada@x',
        phone: null,
        language: null,
        department: null,
        personalNumber: null,
        aliases: ['Al', 'zed'],
        cards: ['00FF', '1234'],
        groups: ['Entra ID|A\\|B', 'Local'],
        active: true,
        source: 'staff',
        tenantId: TENANT,
        objectId: oid(10),
        storage: 'store',
        authenticationServer: 'contoso',
      },
      expect.objectContaining({ id: '11', active: false, cards: ['99'], groups: ['Entra ID|A\\|B'] }),
      expect.objectContaining({ id: '12', source: null, objectId: null, authenticationServer: null }),
    ])
    expect(JSON.stringify(users)).not.toContain('135246')
  })

  it('lists active users only where the layout cannot tell', async () => {
    const users = await all((tx) => exportUsers(tx, { vault, activeOnly: true }))

    expect(users.map((u) => u.id)).toEqual(['10', '12'])
  })

  it('lists groups that are not hidden, by path', async () => {
    expect(await all(exportGroups)).toEqual([
      { id: '1', name: 'A|B', path: 'Entra ID|A\\|B', source: 'staff', objectId: oid(101) },
      { id: '3', name: 'Local', path: 'Local', source: null, objectId: null },
    ])
  })

  it('lists each membership of an active user once, hidden groups left out', async () => {
    expect(await all(exportMemberships)).toEqual([
      { groupId: '1', groupObjectId: oid(101), userId: '10', userObjectId: oid(10) },
      { groupId: '3', groupObjectId: null, userId: '10', userObjectId: oid(10) },
      { groupId: '3', groupObjectId: null, userId: '12', userObjectId: null },
    ])
  })
})

describe('writeExport', () => {
  it.each(['users', 'groups', 'memberships'] as const)('JSON of %s is one array, also of nothing', async (kind) => {
    const empty = await createTestDatabase()
    const [full, none] = await Promise.all([written(test.db, kind), written(empty.db, kind)])
    await empty.drop()

    expect(JSON.parse(none)).toEqual([])
    const rows: unknown = JSON.parse(full)
    expect(rows).toHaveLength(kind === 'groups' ? 2 : 3)
    expect(Array.isArray(rows) ? Object.keys(rows[0]) : []).toEqual(EXPORT_KEYS[kind])
  })
})

async function written(db: Database, kind: ExportKind): Promise<string> {
  const destination = new PassThrough()
  const content = text(destination)
  const { signal } = new AbortController()
  await writeExport(db, { kind, format: 'json', dialect: 'muster' }, { vault, destination, signal })
  destination.end()
  return content
}
