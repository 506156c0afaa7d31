// An explanation as a person reads it on a terminal.
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { ExplainedPerson, ExplainedSource, Explanation } from '../../contract/explanation.ts'
import { writeExplanation } from './explain.ts'

const REFUSED: ExplainedSource = {
  source: 'staff',
  priority: 100,
  enabled: false,
  entra: 'there',
  scope: { verdict: 'wanted', rule: null, chain: [], sentence: 'In scope.' },
  pairing: { result: 'pairing-refused', sentence: 'Not paired.' },
  claims: false,
  owns: false,
  issues: [{ code: 'pairing-refused', message: 'Two have it.', remedy: 'Correct one.', since: '2026-03-01T10:00:00Z' }],
  ignoredGroups: [{ objectId: 'g', name: 'Temp', rule: 'groups.ignore', sentence: 'Not imported.' }],
  next: { items: [], held: [], sentence: 'The next run changes nothing; see the issues.' },
  waiting: null,
}
const LOCAL: ExplainedPerson = {
  objectId: null,
  tenantId: null,
  registry: {
    id: '12',
    userName: 'ann@x',
    active: true,
    owner: null,
    sentence: 'Active. A local user: no source reads him.',
    signIn: {
      connection: null,
      refusal: 'source-not-for-sign-in',
      sentence: 'He cannot: no tenant knows a local user.',
    },
    fields: [{ field: 'department', value: 'Sales', owner: 'registry', from: null, sentence: 'By hand.' }],
    values: [],
    groups: [],
  },
  sources: [],
  history: [],
}
const OF_ENTRA: ExplainedPerson = { objectId: 'a-b-c', tenantId: 't', registry: null, sources: [REFUSED], history: [] }

function written(told: Partial<Explanation>): string {
  const stdout = new PassThrough()
  const all = { asked: 'ann@x', ...LOCAL, others: [], othersTotal: 0, ...told }
  writeExplanation({ stdout, stderr: new PassThrough() }, all)
  return String(stdout.read())
}

describe('an explanation', () => {
  it('of one person says who he is, and nothing of others', () => {
    expect(written({})).toMatch(
      /^ann@x \(local, id:12\)\n\nIn the registry: ann@x\. Active\. A local user: no source reads him\.\nHe cannot: no tenant knows a local user\.\n/,
    )
    expect(written({})).not.toMatch(/else|Also/)
  })

  it('of a name that two have tells both, the one whom Entra has with what his source says', () => {
    const text = written({ others: [OF_ENTRA], othersTotal: 1 })

    expect(text).toContain('Somebody else has, had or would get this name too; told below.\n')
    const [, other] = text.split('\nAlso ann@x: ')
    expect(other!.split('\n')).toEqual([
      'not in the registry (Entra object a-b-c)',
      '',
      'The registry does not have him.',
      '',
      'Source staff (priority 100, disabled) does not claim him.',
      '  In scope.',
      '  Not paired.',
      '  Group "Temp": Not imported.',
      '  Issue since 2026-03-01: pairing-refused: Two have it. Correct one.',
      '  The next run changes nothing; see the issues.',
      '',
      'No run that is kept has changed him.',
      '',
    ])
  })

  it('of more people than are told says how many', () => {
    const text = written({ others: [OF_ENTRA], othersTotal: 5 })

    expect(text).toContain('5 others have, had or would get this name too')
    expect(text).toContain('\n4 more of this name: ask by object id.\n')
  })

  it('of a plan that waits says until when, why, and what it would do', () => {
    const item = { object: 'user', action: 'update', name: 'ann@x', rule: 'users.properties.department' } as const
    const change = { ...item, old: { department: 'Sales' }, new: { department: null }, reason: 'changed-in-entra' }
    const waiting = {
      run: '7',
      approveBy: '2026-03-02T10:00:00Z',
      reasons: [{ rule: 'removals.users', count: 7, limit: 5 }],
      items: [change],
    }

    expect(written({ sources: [{ ...REFUSED, waiting }] })).toContain(
      '  The plan of run 7 waits for approval until 2026-03-02 10:00 (removals.users). It would:\n' +
        '    user update: department Sales → nothing (users.properties.department, changed-in-entra)\n',
    )
  })
})
