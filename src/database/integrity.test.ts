import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Database } from './connect.ts'
import { withTransaction } from './transaction.ts'

let test: TestDatabase
let db: Database

beforeAll(async () => {
  test = await createTestDatabase()
  db = test.db
})
afterAll(() => test.drop())
beforeEach(async () => {
  await db.query('delete from users')
  await db.query('delete from groups')
  await db.query(`insert into users (id, user_name) values (1, 'anna'), (2, 'boris')`)
  await db.query(`insert into groups (id, name) values (1, 'staff'), (2, 'board')`)
})

const count = async (table: string): Promise<number> => {
  const found = await db.query<{ count: number }>(`select count(*) as count from ${table}`)
  return found.rows[0]!.count
}

describe('references that are kept by statement', () => {
  it.each([
    ['a membership', 'insert into memberships values (1, 1, 0, 0), (1, 99, 0, 0)'],
    ['a membership of a group', 'insert into memberships values (1, 1, 0, 0), (99, 1, 0, 0)'],
    ['a name', `insert into user_names values (1, 'n', 'anna', 'anna', 's', true), (99, 'n', 'x', 'x', 's', true)`],
    ['a card', `insert into credentials (user_id, kind, lookup, origin, held) values (99, 'card', '\\x01', 's', true)`],
    ['a claim', 'insert into claims values (99, 1)'],
    [
      'a session',
      `insert into connections (name, tenant_id, client_id, cloud) values ('c', gen_random_uuid(), gen_random_uuid(), 'global');
       insert into sessions (digest, user_id, connection_id, created_at, last_seen_at, expires_at, address, user_agent)
         select '\\x01', 99, id, now(), now(), now(), '', '' from connections`,
    ],
  ])('%s that refers to nobody is refused with everything beside it', async (_what, sql) => {
    await expect(db.query(sql)).rejects.toMatchObject({ code: '23503' })
    expect(await count('memberships')).toBe(0)
    expect(await count('user_names')).toBe(0)
  })

  it('what belongs to a user goes with him, and nothing of others', async () => {
    await db.query('insert into memberships values (1, 1, 0, 0), (1, 2, 0, 0)')
    await db.query(`insert into user_names values (1, 'n', 'anna', 'anna', 's', true), (2, 'n', 'b', 'b', 's', true)`)
    await db.query(
      `insert into credentials (user_id, kind, lookup, origin, held) values (1, 'card', '\\x01', 's', true), (2, 'card', '\\x02', 's', true)`,
    )
    await db.query('delete from users where id = 1')
    const left = await db.query(
      `select user_id from memberships union all select user_id from user_names union all select user_id from credentials`,
    )
    expect(left.rows).toEqual([{ user_id: 2 }, { user_id: 2 }, { user_id: 2 }])
  })

  it('sessions of a user go with him, and nobody keeps the table of users from being emptied', async () => {
    await db.query(
      `insert into connections (name, tenant_id, client_id, cloud) values ('c', gen_random_uuid(), gen_random_uuid(), 'global')`,
    )
    await db.query(
      `insert into sessions (digest, user_id, connection_id, created_at, last_seen_at, expires_at, address, user_agent)
         select d, u, id, now(), now(), now(), '', '' from connections, (values ('\\x01'::bytea, 1), ('\\x02', 2)) as v (d, u)`,
    )
    await db.query('delete from users where id = 1')
    expect((await db.query('select user_id from sessions')).rows).toEqual([{ user_id: 2 }])
    const keys = await db.query(
      `select conname from pg_constraint where contype = 'f' and confrelid in ('users'::regclass, 'memberships'::regclass)`,
    )
    expect(keys.rows).toEqual([])
  })

  it('memberships go with their group', async () => {
    await db.query('insert into memberships values (1, 1, 0, 0), (2, 1, 0, 0)')
    await db.query('delete from groups where id = 1')
    expect((await db.query('select group_id from memberships')).rows).toEqual([{ group_id: 2 }])
  })

  it('a user who is being given a membership cannot be deleted around it', async () => {
    const written = Promise.withResolvers<void>()
    const mayCommit = Promise.withResolvers<void>()
    const writer = withTransaction(db, async (tx) => {
      await tx.query('insert into memberships values (1, 1, 0, 0)')
      written.resolve()
      await mayCommit.promise
    })
    await written.promise
    const deleted = db.query('delete from users where id = 1')
    const waiting = `select count(*) as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like 'delete from users%'`
    for (;;) {
      const found = await db.query<{ count: number }>(waiting)
      if (found.rows[0]!.count === 1) break
    }
    mayCommit.resolve()
    await Promise.all([writer, deleted])
    expect(await count('memberships')).toBe(0)
  })

  it('rows of a run go with the run', async () => {
    const run = await db.query<{ id: number }>(
      `insert into runs (source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version)
       values ('a', 'sync', 'full', 'manual', 1, 'h', 1, 'x', 1) returning id`,
    )
    const id = run.rows[0]!.id
    await db.query(`insert into plan_memberships values ($1, 'a', 1, 1)`, [id])
    await db.query(
      `insert into plan_items (run_id, seq, object, action, rule, reason) values ($1, 1, 'user', 'create', 'r', 'r')`,
      [id],
    )
    await db.query('delete from runs where id = $1', [id])
    expect([await count('plan_items'), await count('plan_memberships')]).toEqual([0, 0])
  })
})
