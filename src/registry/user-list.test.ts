// The list of users: complete, in order, each once, and from indexes alone whatever is asked.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { listening, placeGroup, placeUser } from '../../test/support/registry.ts'
import { testSealing } from '../../test/support/world.ts'
import type { Database } from '../database/connect.ts'
import { canonical } from '../directory/canonical.ts'
import { listUsers, type UserPlace, type UserQuery } from './user-list.ts'

const options = { vault: testSealing }

async function allPages(db: Database, query: Omit<UserQuery, 'after' | 'limit'>, limit = 3) {
  const users = []
  let after: UserPlace | undefined
  for (let page = 0; page < 1_000; page += 1) {
    const found = await listUsers(db, { ...query, after, limit }, options)
    users.push(...found.users)
    if (found.next === undefined) return users
    expect(found.users).toHaveLength(limit)
    after = found.next
  }
  throw new Error('the list does not end')
}

const names = (users: readonly { userName: string }[]) => users.map((user) => user.userName)

describe('a small registry', () => {
  let test: TestDatabase
  let sourceId: number
  let groupId: number
  const objectId = randomUUID()
  const tenantId = randomUUID()

  beforeAll(async () => {
    test = await createTestDatabase()
    const { db } = test
    const connection = await db.query<{ id: number }>(
      `insert into connections (name, tenant_id, client_id, cloud) values ('c', $1, $1, 'global') returning id`,
      [tenantId],
    )
    const source = await db.query<{ id: number }>(
      `insert into sources (name, connection_id, enabled, priority, settings) values ('staff', $1, true, 100, '{}') returning id`,
      [connection.rows[0]!.id],
    )
    sourceId = source.rows[0]!.id
    const ann = await placeUser(db, {
      userName: 'Ann@contoso.com',
      fullName: 'Ann van der Berg',
      email: 'ann.b@contoso.com',
      aliases: ['Berg', 'annie'],
      personalNumber: 'P-100',
      tenantId,
      objectId,
      sourceId,
    })
    await placeUser(db, { userName: 'Émile', fullName: "Émile O'Brien-Ångström", personalNumber: 'P-101' })
    await placeUser(db, { userName: 'zoë', fullName: 'Zoë Ann', email: 'ANNA@x.example' })
    await placeUser(db, { userName: 'long', fullName: 'Łukasz Straße Sørensen von Kasia Wiśniewska' })
    await db.query('update users set alternate_emails = $1 where user_name = $2', [
      ['one@x.example', 'smtp:Second.Address@x.example', 'three@x.example', 'four@x.example', 'fünfte@x.example'],
      'long',
    ])
    await placeUser(db, { userName: 'annika', fullName: '50% _off_ \\ "quoted"', active: false })
    for (let n = 0; n < 12; n += 1) await placeUser(db, { userName: `user${n}`, fullName: `User ${n}` })
    for (let n = 0; n < 5; n += 1)
      await placeUser(db, { userName: `Gone${n}`, active: false, tenantId, objectId: randomUUID(), sourceId })
    groupId = await placeGroup(db, 'Staff')
    await db.query(
      'insert into memberships (group_id, user_id, source_id, run_id) select $1, id, 0, 0 from users where user_name like $2',
      [groupId, 'user1%'],
    )
    const credential =
      'insert into credentials (user_id, kind, sealed, lookup, origin, held) values ($1, $2, $3, $4, $5, true)'
    await db.query(credential, [
      ann,
      'card',
      testSealing.seal('04AB', 'card'),
      testSealing.lookup('card', canonical('04AB')),
      's',
    ])
    await db.query(credential, [ann, 'pin', null, testSealing.lookup('pin', '482913'), 's'])
  })
  afterAll(() => test.drop())

  it('is listed by user name in pages, each user once, whatever the size of a page', async () => {
    const rows = await test.db.query<{ user_name: string; active: boolean }>('select user_name, active from users')
    const expected = (which: (row: { active: boolean }) => boolean) =>
      rows.rows
        .filter(which)
        .map((row) => row.user_name)
        .sort((a, b) => Buffer.compare(Buffer.from(canonical(a)), Buffer.from(canonical(b))))

    for (const limit of [1, 4, 500]) {
      expect(names(await allPages(test.db, { status: 'active' }, limit))).toEqual(expected((row) => row.active))
      expect(names(await allPages(test.db, { status: 'deactivated' }, limit))).toEqual(expected((row) => !row.active))
      expect(names(await allPages(test.db, { status: 'all' }, limit))).toEqual(expected(() => true))
    }
    expect(expected(() => true)).toHaveLength(22)
  })

  it('is filtered by source, group, and by what no source owns', async () => {
    expect(names(await allPages(test.db, { status: 'all', source: 'staff' }))).toEqual([
      'Ann@contoso.com',
      'Gone0',
      'Gone1',
      'Gone2',
      'Gone3',
      'Gone4',
    ])
    expect(names(await allPages(test.db, { status: 'active', group: groupId }))).toEqual(['user1', 'user10', 'user11'])
    expect(names(await allPages(test.db, { status: 'deactivated', isLocal: true }))).toEqual(['annika'])
    expect(await allPages(test.db, { status: 'all', source: 'nobody' })).toEqual([])
  })

  it.each([
    ['04ab', [['Ann@contoso.com', 'card']]],
    [objectId.toUpperCase(), [['Ann@contoso.com', 'objectId']]],
    [
      'ANN',
      [
        ['Ann@contoso.com', 'userName'],
        ['zoë', 'fullName'],
      ],
    ],
    ['anna@', [['zoë', 'email']]],
    ['second.addr', [['long', 'email']]],
    ['funfte@x.example', [['long', 'email']]],
    ['annie', [['Ann@contoso.com', 'alias']]],
    [
      'p-10',
      [
        ['Ann@contoso.com', 'personalNumber'],
        ['Émile', 'personalNumber'],
      ],
    ],
    ['van der', [['Ann@contoso.com', 'fullName']]],
    ['der ', [['Ann@contoso.com', 'fullName']]],
    ['ÉMILE', [['Émile', 'userName']]],
    ['brien-å', [['Émile', 'fullName']]],
    ['o’br', [['Émile', 'fullName']]],
    ['brien-angstrom', [['Émile', 'fullName']]],
    ['emile', [['Émile', 'fullName']]],
    ['zoe', [['zoë', 'fullName']]],
    ['berg', [['Ann@contoso.com', 'alias']]],
    ['sorensen', [['long', 'fullName']]],
    ['strasse', [['long', 'fullName']]],
    ['kasia wi', [['long', 'fullName']]],
    ["émile o'b", [['Émile', 'fullName']]],
    ['482913', []],
    ['4AB', []],
    ['%', []],
    ['_', []],
    ["'; drop table users; --", []],
  ])('finds by %s whom it should, and says by what', async (search, expected) => {
    const found = await allPages(test.db, { status: 'active', search }, 1)

    expect(found.map((user) => [user.userName, user.foundBy])).toEqual(expected)
  })

  it('finds deactivated people where they are asked for', async () => {
    expect(names(await allPages(test.db, { status: 'deactivated', search: 'ann' }))).toEqual(['annika'])
    expect(names(await allPages(test.db, { status: 'all', search: 'ann' }, 1))).toEqual([
      'Ann@contoso.com',
      'annika',
      'zoë',
    ])
    expect(names(await allPages(test.db, { status: 'all', search: '50% _' }))).toEqual(['annika'])
  })

  it('a blank search lists everybody, and a NUL finds nobody rather than failing', async () => {
    expect(await allPages(test.db, { status: 'active', search: ' ' })).toHaveLength(16)
    expect(await allPages(test.db, { status: 'active', search: 'user\u00001' })).toEqual([])
  })
})

describe('200,000 people', () => {
  let test: TestDatabase

  beforeAll(async () => {
    test = await createTestDatabase()
    const { db } = test
    await db.query(`insert into connections (name, tenant_id, client_id, cloud)
      values ('c', '11111111-1111-1111-1111-111111111111', '11111111-1111-1111-1111-111111111111', 'global')`)
    await db.query(`insert into sources (name, connection_id, enabled, priority, settings)
      select name, 1, true, 100, '{}' from unnest(array['staff', 'students']) name`)
    await db.query(`insert into users (tenant_id, object_id, source_id, active, deactivated_by, deactivated_at, user_name, full_name, email, canonical_number)
      select '11111111-1111-1111-1111-111111111111', gen_random_uuid(), case when n % 1000 = 0 then null when n % 10 = 0 then 1 else 2 end, n % 20 <> 0,
        case when n % 20 = 0 then 'source' end, case when n % 20 = 0 then now() end, f || '.' || l || n || '@contoso.com', initcap(f) || ' ' || initcap(l) || ' ' || n || case when n % 500 = 0 then ' of Contoso Headquarters Prague' else '' end,
        f || '.' || l || n || '@contoso.com', 'p' || n
      from (select n, (array['ann','bob','cem','dora','eve','finn','gus','hana','ivo','jan'])[1 + n % 10] as f,
        (array['lee','berg','smith','novak','rossi','meyer','silva'])[1 + n / 10 % 7] as l from generate_series(1, 200000) n) g`)
    await db.query(`update users set alternate_emails = array['other.' || id || '@contoso.com'] where id % 10 = 0`)
    await db.query(`insert into user_names select id, 'n', user_name, lower(user_name), 's', active from users`)
    await db.query(
      `insert into user_names select id, 'a', 'al' || id, 'al' || id, 'o', active from users where id % 2 = 0`,
    )
    await db.query(`insert into credentials (user_id, kind, sealed, lookup, origin, held)
      select id, 'card', '', sha256(convert_to('card' || id, 'UTF8')), 's', active from users where id % 2 = 0`)
    await db.query(`insert into groups (id, name) values (5, 'Big'), (6, 'Small')`)
    await db.query(
      `insert into memberships select 5, id, 0, 0 from users where id % 2 = 0 union all select 6, id, 0, 0 from users where id % 5000 = 0`,
    )
    await db.query('analyze')
  }, 120_000)
  afterAll(() => test.drop())

  const queries: Omit<UserQuery, 'limit'>[] = [
    { status: 'active' },
    { status: 'deactivated' },
    { status: 'all' },
    { status: 'active', after: { way: 0, key: 'm', id: 5 } },
    { status: 'all', source: 'staff' },
    { status: 'active', isLocal: true },
    { status: 'all', group: 5 },
    { status: 'all', group: 6 },
    { status: 'active', search: 'a' },
    { status: 'active', search: 'meyer 1' },
    { status: 'all', search: 'al1999' },
    { status: 'all', search: 'p19' },
    { status: 'active', search: 'müller' },
    { status: 'all', search: 'of contoso' },
    { status: 'deactivated', search: '1999' },
    { status: 'active', search: 'nobody is called this' },
    { status: 'all', search: 'dora.novak' },
    { status: 'all', search: 'other.1999' },
    { status: 'active', search: 'ann', after: { way: 4, key: 'ann m', id: 5 } },
    { status: 'all', search: '22222222-2222-2222-2222-222222222222' },
    { status: 'active', search: 'h', group: 6 },
  ]

  it.each(queries.map((query) => [JSON.stringify(query), query] as const))(
    'a page of %s is read from indexes',
    async (_name, query) => {
      const { db, asked } = listening(test.db)

      await listUsers(db, { ...query, limit: 50 }, options)

      for (const { sql, params } of asked) {
        const plan = await test.db.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, params)
        const lines = plan.rows.map((row) => row['QUERY PLAN'])
        expect(
          lines.filter((line) => /Seq Scan on (users|user_names|credentials|memberships)/.test(line)),
          lines.join('\n'),
        ).toEqual([])
      }
    },
  )
})
