import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { PlanLine } from '../app.ts'
import { writePlan } from './plan-table.ts'

/** The rows of the table of one item, without their lines. */
async function rowOf(item: Partial<PlanLine>): Promise<string | undefined> {
  const stdout = new PassThrough()
  const line: PlanLine = {
    object: 'group',
    action: 'move',
    name: 'Sales',
    objectId: null,
    old: null,
    new: null,
    rule: 'groups.under',
    reason: 'setting',
    ...item,
  }
  await writePlan({ stdout, stderr: new PassThrough() }, [line])
  return String(stdout.read()).split('\n')[3]?.replace(/\s+/g, ' ')
}

describe('a plan as a table', () => {
  it('shows where a group is moved to and where it was', async () => {
    expect(await rowOf({ old: { under: 'Contoso' }, new: { under: 'Entra ID' } })).toContain(
      'under: Contoso → Entra ID',
    )
    expect(await rowOf({ old: { under: 'Contoso' }, new: { under: '' } })).toContain('under: Contoso → (none)')
    expect(await rowOf({ old: { under: '' }, new: { under: 'Contoso' } })).toContain('under: Contoso')
  })

  it('says where a new group is once', async () => {
    const created = await rowOf({
      action: 'create',
      rule: 'groups.import',
      new: { path: 'Contoso|Sales', name: 'Sales', under: 'Contoso' },
    })

    expect(created).toContain('path: Contoso|Sales, name: Sales')
    expect(created).not.toContain('under:')
  })
})
