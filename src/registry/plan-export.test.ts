// Stored plans given out: every membership, masked cards, cells that no spreadsheet runs.
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId } from '../../test/support/planned.ts'
import { PLAN_ITEM_KEYS, type PlanItemLine } from '../contract/plan-items.ts'
import { countPlanLines, type PlanItemQuery, writePlanItems } from './plan-export.ts'
import { requirePlanUser } from './plan-user.ts'

let test: TestDatabase
let runId: number
const MEMBERS = 30

beforeAll(async () => {
  test = await createTestDatabase()
  const source = await aHandSource(test.db, { users: { properties: { cards: ['employeeId'] } } })
  await source.group(anId(91), { displayName: 'Everybody' })
  for (let n = 1; n <= MEMBERS; n += 1) {
    await source.user(anId(n), {
      userPrincipalName: `u${n}@x`,
      displayName: n === 1 ? '=1+1' : `U${n}`,
      employeeId: `12345678${n}`,
    })
    await source.member(anId(91), anId(n))
  }
  // Only planned: nothing of it is in the registry.
  runId = (await source.plan()).runId
})
afterAll(() => test.drop())

async function written(format: 'csv' | 'json' | 'ndjson', query: Omit<PlanItemQuery, 'runId'> = {}): Promise<string> {
  const destination = new PassThrough()
  const content = text(destination)
  await writePlanItems(test.db, { runId, ...query }, { format, destination, signal: new AbortController().signal })
  destination.end()
  return content
}

const lines = async (query?: Omit<PlanItemQuery, 'runId'>) => JSON.parse(await written('json', query)) as PlanItemLine[]

describe('items of a stored plan', () => {
  it('tells memberships one by one though the plan keeps one item a group', async () => {
    const stored = await test.db.query(`select from plan_items where run_id = $1 and object = 'membership'`, [runId])
    const memberships = (await lines()).filter((line) => line.object === 'membership')

    expect(stored.rowCount).toBe(1)
    expect(memberships).toHaveLength(MEMBERS)
    expect(memberships[0]).toMatchObject({ action: 'add', group: 'Everybody', objectId: anId(1), name: 'u1@x' })
    expect(await countPlanLines(test.db, { runId })).toBe((await lines()).length)
  })

  it('is asked about somebody whom only the plan knows, and refused about nobody', async () => {
    const asked = (user: string | undefined) => requirePlanUser(test.db, { runId, user })

    await expect(asked(undefined)).resolves.toBeUndefined()
    await expect(asked('U7@X')).resolves.toBeUndefined()
    // Of whom the mirror has nothing any more.
    await test.db.query('delete from mirror_objects where object_id = $1', [anId(8)])
    await expect(asked('u8@x')).resolves.toBeUndefined()
    await expect(asked(anId(8))).resolves.toBeUndefined()
    await expect(asked('nobody')).rejects.toThrow(
      `There is no user "nobody"; neither the plan of run ${runId}, nor the registry, nor what was last read from Entra knows him`,
    )
    await expect(asked(anId(99))).rejects.toThrow('There is no user')
  })

  it('D11: masks cards in every format', async () => {
    for (const format of ['csv', 'json', 'ndjson'] as const) {
      const content = await written(format, { action: 'add' })
      expect(content).toContain('••••')
      expect(content).not.toMatch(/sealed|lookup|123456781"/)
    }
  })

  it('CSV has the keys as its header and starts no formula', async () => {
    const rows = (await written('csv', { user: 'u1@x' })).split('\r\n')

    expect(rows[0]).toBe(PLAN_ITEM_KEYS.join(','))
    expect(rows.join('\n')).not.toMatch(/(^|,)"?[=+@-]/m)
  })

  it('filters by action and by user', async () => {
    expect((await lines({ action: 'create' })).map((line) => line.object)).toEqual([
      'group',
      ...Array(MEMBERS).fill('user'),
    ])
    expect((await lines({ user: anId(2).toUpperCase() })).map((line) => `${line.object} ${line.action}`)).toEqual([
      'user create',
      'credential add',
      'membership add',
    ])
    expect(await lines({ user: 'U2@X', action: 'create' })).toHaveLength(1)
    expect(await lines({ user: 'nobody' })).toEqual([])
  })
})
