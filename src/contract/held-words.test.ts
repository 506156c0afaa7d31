// Reasons in words: each rule of the safeguard has a sentence of its own.
import { describe, expect, it } from 'vitest'
import { heldInWords } from './held-words.ts'

describe('why a plan is held, in words', () => {
  it('names what is removed, how many, and how many may be', () => {
    expect(heldInWords([{ rule: 'removals.users', count: 1200, limit: 500 }])).toEqual([
      'Users deactivated or deleted: 1,200; a day may have 500 without approval.',
    ])
  })

  it.each([
    ['removals.groups', 'Groups deleted'],
    ['memberships', 'Memberships removed'],
    ['credentials', 'Cards and PINs removed'],
    ['rewrites.card', 'Existing cards rewritten'],
    ['rewrites.userName', 'Existing user names rewritten'],
    ['cleared.own.badge', 'The attribute own.badge'],
    ['cleared-everywhere.mail', 'The attribute mail would be empty for everybody'],
    ['groups-emptied', 'A large group'],
    ['no-users', 'returned no users'],
    ['connection-changed', 'another tenant'],
    ['upgraded', 'an upgrade'],
    ['adoptions', 'One user who is in the registry already'],
    ['reverted', 'taken back by hand'],
    ['plan-outdated', 'not true any more'],
  ])('%s', (rule, words) => {
    const [sentence] = heldInWords([{ rule, count: 1, limit: 0 }])

    expect(sentence).toContain(words)
    expect(sentence).toMatch(/^[A-Z].*\.$/)
  })
})
