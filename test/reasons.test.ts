// Every reason that a plan can give is told in words on the screens; the codes are read off the source that writes them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { actionInWords, reasonInWords } from '../src/web/texts/reasons.ts'
import { CAUSES } from '../src/sync/plan-cause.ts'
import { PLAN_ACTIONS } from '../src/contract/plan-items.ts'
import { ROOT } from './support/generated.ts'

const WRITERS = /^(plan-.*|match|membership-items)\.ts$/
const CODES = [
  /reason(?::| =) (?:[^'\n]*\? )?'([a-z-]+)'(?: : '([a-z-]+)')?/g,
  /skipped\('([a-z-]+)'/g,
  /(?:REPLACED|DRAWN|GIVEN|WITHDRAWN) = '([a-z-]+)'/g,
  // Of values that somebody else has: the code of the issue.
  /(?:card|pin|aliases|personalNumber): '([a-z-]+-conflict)'/g,
]

describe('the words of a plan', () => {
  it('are there for every reason', () => {
    const folder = join(ROOT, 'src/sync')
    const text = readdirSync(folder)
      .filter((name) => WRITERS.test(name) && !name.endsWith('.test.ts'))
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n')
    const codes = new Set(
      CODES.flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, ...found]) => found)).filter(Boolean),
    )
    for (const cause of Object.values(CAUSES)) codes.add(cause)
    const untold = [...codes].filter((reason) => reasonInWords({ rule: 'no.rule', reason }).startsWith('no.rule'))

    expect(codes.size).toBeGreaterThan(20)
    expect(untold).toEqual([])
  })

  it('name the setting that left somebody out, and the run that is taken back', () => {
    expect(reasonInWords({ rule: 'users.guests', reason: 'out-of-scope' })).toContain('guest')
    expect(reasonInWords({ rule: 'groups.import', reason: 'new-in-entra' })).toBe('New in Entra')
    expect(reasonInWords({ rule: 'revert', reason: 'run-12' })).toBe('Run 12 is taken back')
    expect(reasonInWords({ rule: 'some.rule', reason: 'unheard-of' })).toBe('some.rule: unheard-of')
  })

  it('are there for every action on users, and tell a card from a PIN', () => {
    const onUsers = PLAN_ACTIONS.filter((action) => !['move', 'add', 'remove'].includes(action))

    expect(onUsers.map((action) => actionInWords('user', action)).filter((words) => words.startsWith('user'))).toEqual(
      [],
    )
    expect(actionInWords('credential', 'add', 'pin')).toBe('Add PIN')
    expect(actionInWords('credential', 'remove')).toBe('Remove card or PIN')
  })
})
