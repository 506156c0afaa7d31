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
  it('D9: warns of user names that could be mistaken for others, also of those that it does not show', async () => {
    const stdout = new PassThrough()
    const lines = ['ann@x', '\u0430nn@x', 'b\u200bo@x'].map((userName) => ({
      object: 'user' as const,
      action: 'create' as const,
      name: userName,
      objectId: null,
      old: null,
      new: { userName },
      rule: 'users.options.addNewUsers',
      reason: 'new-in-entra',
    }))

    await writePlan({ stdout, stderr: new PassThrough() }, lines, { atMost: 1 })

    const warnings = String(stdout.read())
      .split('\n')
      .filter((line) => line.startsWith('! '))
    expect(warnings).toEqual([
      '! The user name \u0430nn@x mixes Latin and Cyrillic letters in one word: look whom it could be mistaken for.',
      '! The user name b\u200bo@x has characters that nobody sees: look whom it could be mistaken for.',
    ])
  })

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
