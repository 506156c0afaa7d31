import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { dumpSchema } from '../../test/support/schema.ts'
import { withTransaction } from '../database/transaction.ts'
import { publishMembers } from './publish.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const SOURCE = 1

async function stage(pairs: readonly (readonly [number, number, 'u' | 'g'])[]): Promise<void> {
  await test.db.query('truncate mirror_members, mirror_nesting, mirror_staged_members')
  await test.db.query(
    `insert into mirror_staged_members select $1, * from unnest($2::int[], $3::int[], $4::text[]::"char"[])`,
    [SOURCE, pairs.map((p) => p[0]), pairs.map((p) => p[1]), pairs.map((p) => p[2])],
  )
}

async function published(): Promise<readonly string[]> {
  const rows = await test.db.query<{ pair: string }>(
    `select 'u' || group_key || '>' || member_key as pair from mirror_members
     union all select 'g' || group_key || '>' || member_key from mirror_nesting order by 1`,
  )
  return rows.rows.map((row) => row.pair)
}

const publish = (rebuildFrom: number) => withTransaction(test.db, (tx) => publishMembers(tx, SOURCE, { rebuildFrom }))

describe('publishing the memberships of a first load', () => {
  it('into an empty table leaves its schema as it was', async () => {
    const before = await dumpSchema(test.db)
    await stage([
      [1, 10, 'u'],
      [2, 10, 'u'],
      [1, 2, 'g'],
      [2, 1, 'g'],
    ])

    await publish(2)

    expect(await published()).toEqual(['g1>2', 'g2>1', 'u1>10', 'u2>10'])
    expect(await dumpSchema(test.db)).toEqual(before)
  })

  it('takes pairs that were read twice once', async () => {
    for (const rebuildFrom of [1, 100]) {
      await stage([
        [1, 10, 'u'],
        [1, 10, 'u'],
        [1, 11, 'u'],
      ])

      await publish(rebuildFrom)

      expect(await published()).toEqual(['u1>10', 'u1>11'])
    }
  })

  it('beside the memberships of another source keeps those', async () => {
    await stage([[1, 10, 'u']])
    await test.db.query('insert into mirror_members values (7, 70)')

    await publish(1)

    expect(await published()).toEqual(['u1>10', 'u7>70'])
  })

  it('does not wait for somebody who is reading for long', async () => {
    await stage([[1, 10, 'u']])
    const reader = await test.db.pool.connect()
    await reader.query('begin')
    await reader.query('select * from mirror_members')

    await publish(1)

    await reader.query('commit')
    reader.release()
    expect(await published()).toEqual(['u1>10'])
  })
})
