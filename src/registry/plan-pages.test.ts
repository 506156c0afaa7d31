// Pages of a plan put together are the plan, whatever their size, also where an item stands for the memberships of a group.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { PlanItemLine } from '../contract/plan-items.ts'
import { withTransaction } from '../database/transaction.ts'
import { eachPlanLine } from './plan-export.ts'
import { listPlanPage, type PlanPageQuery, type PlanPlace } from './plan-pages.ts'

const RUN = 7
let test: TestDatabase

/** Users 11 to 19 are there, 21 to 23 are made by the plan; three groups come to members, one loses some, one has none left to tell. */
beforeAll(async () => {
  test = await createTestDatabase()
  await test.db.query(`
    insert into users (id, user_name, object_id, tenant_id)
      select n, 'ann' || n || '@x', ('00000000-0000-4000-8000-0000000000' || n)::uuid, '00000000-0000-4000-8000-00000000000a' from generate_series(11, 19) n;
    insert into runs (id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version, ended_at)
      overriding system value values (${RUN}, 's', 'sync', 'full', 'manual', 'ended', 'held', 1, 'h', 1, 'p', 1, now());
    insert into plan_items (run_id, seq, object, action, user_id, group_id, object_id, name, old, new, rule, reason, digest, left_out)
    values (${RUN}, 1, 'user', 'create', 21, null, '00000000-0000-4000-8000-000000000021', 'Bob21@x', null, '{"userName":"Bob21@x"}', 'r', 'new', '\\x00', false),
      (${RUN}, 2, 'user', 'create', 22, null, '00000000-0000-4000-8000-000000000022', 'bob22@x', null, '{"userName":"bob22@x"}', 'r', 'new', '\\x00', false),
      (${RUN}, 3, 'user', 'create', 23, null, '00000000-0000-4000-8000-000000000023', 'cem23@x', null, '{"userName":"cem23@x"}', 'r', 'new', '\\x00', false),
      (${RUN}, 4, 'membership', 'add', null, 91, '00000000-0000-4000-8000-000000000091', 'Staff', null, '{"group":"Staff","rows":5}', 'r', 'm', '\\x00', false),
      (${RUN}, 5, 'credential', 'add', 12, null, '00000000-0000-4000-8000-000000000012', 'ann12@x', null, '{"kind":"card","lookup":"ff"}', 'r', 'c', '\\x00', false),
      (${RUN}, 6, 'membership', 'add', null, 92, '00000000-0000-4000-8000-000000000092', 'Ann''s', null, '{"group":"Ann''s","rows":4}', 'r', 'm', '\\x00', false),
      (${RUN}, 7, 'membership', 'remove', null, 93, '00000000-0000-4000-8000-000000000093', 'Sales', '{"group":"Sales","rows":3}', null, 'r', 'm', '\\x00', false),
      (${RUN}, 8, 'membership', 'add', null, 94, '00000000-0000-4000-8000-000000000094', 'Gone', null, '{"group":"Gone","rows":2}', 'r', 'm', '\\x00', false),
      (${RUN}, 9, 'membership', 'remove', null, 95, '00000000-0000-4000-8000-000000000095', 'Left out', '{"group":"Left out","rows":2}', null, 'r', 'm', '\\x00', true),
      (${RUN}, 10, 'membership', 'add', 13, 96, '00000000-0000-4000-8000-000000000013', 'ann13@x', null, '{"group":"Single","user":"ann13@x"}', 'r', 'm', '\\x00', false),
      (${RUN}, 11, 'group', 'skip', null, 97, '00000000-0000-4000-8000-000000000097', 'Zoo', null, null, 'r', 's', '\\x00', false);
    insert into plan_memberships (run_id, op, group_id, user_id) values
      (${RUN}, 'a', 91, 22), (${RUN}, 'a', 91, 11), (${RUN}, 'a', 91, 15), (${RUN}, 'a', 91, 21), (${RUN}, 'a', 91, 13),
      (${RUN}, 'a', 92, 23), (${RUN}, 'a', 92, 12), (${RUN}, 'a', 92, 11), (${RUN}, 'a', 92, 19),
      (${RUN}, 'r', 93, 14), (${RUN}, 'r', 93, 11), (${RUN}, 'r', 93, 13), (${RUN}, 'k', 95, 16), (${RUN}, 'k', 95, 17),
      (8, 'a', 91, 18)`)
})
afterAll(() => test.drop())

type Filters = Pick<PlanPageQuery, 'action' | 'object' | 'search'>

async function byPages(filters: Filters, limit: number): Promise<PlanItemLine[]> {
  const all: PlanItemLine[] = []
  for (let after: PlanPlace | undefined; ; ) {
    const { items, next } = await listPlanPage(test.db, { runId: RUN, ...filters, limit, after })
    expect(items.length).toBeLessThanOrEqual(limit)
    all.push(...items)
    if (next === undefined) return all
    expect(items).not.toEqual([])
    after = next
  }
}

/** As the export has it, in the order of pages. */
async function whole(filters: Filters): Promise<PlanItemLine[]> {
  const lines: PlanItemLine[] = []
  await withTransaction(test.db, async (tx) => {
    for await (const rows of eachPlanLine(tx, { runId: RUN, ...filters })) lines.push(...rows)
  })
  return lines.toSorted((a, b) => a.seq - b.seq || Number(a.userId) - Number(b.userId))
}

describe('pages of a plan', () => {
  it.each([
    ['everything', {}, 20],
    ['memberships', { object: 'membership' }, 15],
    ['what is added', { action: 'add' }, 11],
    ['what is removed', { action: 'remove', object: 'membership' }, 5],
    ['a search for a group', { search: 'sTaFf' }, 5],
    ['a search that finds groups and people', { search: 'ann' }, 14],
    ['a search for somebody whom the plan makes', { search: 'bob2' }, 4],
    ['a search by object id', { search: '00000000-0000-4000-8000-000000000011' }, 3],
    ['a search within one kind', { search: 'cem', object: 'user' }, 1],
    ['a search for nobody', { search: 'nobody' }, 0],
  ] satisfies [string, Filters, number][])('are %s, each line once and in its order', async (_what, filters, count) => {
    const expected = await whole(filters)

    expect(expected).toHaveLength(count)
    for (const limit of [1, 2, 3, 5, 50]) expect(await byPages(filters, limit)).toEqual(expected)
  })

  it('do not read all memberships of a plan for one page', async () => {
    await test.db.query(
      `insert into plan_memberships (run_id, op, group_id, user_id) select ${RUN}, 'a', 94, n from generate_series(1000, 60999) n`,
    )
    await test.db.query('analyze plan_memberships')
    const read = async () => {
      await test.db.query('select pg_stat_force_next_flush()')
      const { rows } = await test.db.query<{ read: number }>(
        `select (idx_tup_read + coalesce((select seq_tup_read from pg_stat_user_tables where relname = 'plan_memberships'), 0))::int as read
           from pg_stat_user_indexes where indexrelname = 'plan_memberships_place'`,
      )
      return rows[0]!.read
    }
    const before = await read()
    const { items } = await listPlanPage(test.db, { runId: RUN, limit: 50, after: { seq: 8, user: 30_000 } })

    expect(items.map(({ userId }) => userId).slice(0, 2)).toEqual(['30001', '30002'])
    expect(items).toHaveLength(50)
    expect((await read()) - before).toBeLessThan(1_000)
  })
})
