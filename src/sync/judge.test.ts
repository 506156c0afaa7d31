import { describe, expect, it } from 'vitest'
import { settingsOf, type UsersInput } from '../../test/support/people.ts'
import { judge, type JudgeInput } from './judge.ts'
import { prepareMapping } from './map/users.ts'

const judged = (users: UsersInput, o: Partial<JudgeInput> = {}) =>
  judge(
    { state: 'l', attributes: {}, inScopeGroup: true, scopeDoubt: undefined, removalsAllowed: true, ...o },
    prepareMapping(settingsOf({ users })),
  )

/** Nobody of these settings is in by any rule: guest, in no group, filtered, disabled. */
const STRICT: UsersInput = {
  guests: 'ignore',
  disabledAccounts: 'ignore',
  filter: { any: [{ all: [{ attribute: 'department', eq: 'Sales' }] }] },
}
const GUEST = { userType: 'Guest', accountEnabled: false, department: 'Finance' }

describe('where a mirror user stands', () => {
  it.each(['a', '?'])('state %s: nothing is concluded, whatever else is known', (state) => {
    expect(judged(STRICT, { state, attributes: GUEST, inScopeGroup: false })).toEqual({
      kind: 'frozen',
      why: 'removal-unproven',
    })
  })

  it('D1: the first rule that holds counts: gone, soft-deleted, guest, group, filter, disabled', () => {
    const facts = { attributes: GUEST, inScopeGroup: false }

    expect(judged(STRICT, { ...facts, state: 'x' })).toEqual({ kind: 'gone' })
    expect(judged(STRICT, { ...facts, state: 's' })).toEqual({ kind: 'soft-deleted' })
    expect(judged(STRICT, facts)).toEqual({ kind: 'out-of-scope', rule: 'users.guests' })
    const member = { ...GUEST, userType: 'Member' }
    expect(judged(STRICT, { ...facts, attributes: member })).toEqual({ kind: 'out-of-scope', rule: 'users.import' })
    expect(judged(STRICT, { attributes: member })).toEqual({ kind: 'out-of-scope', rule: 'users.filter' })
    expect(judged(STRICT, { attributes: { ...member, department: 'sales' } })).toEqual({
      kind: 'out-of-scope',
      rule: 'users.disabledAccounts',
    })
    expect(judged(STRICT, { attributes: { userType: 'Member', department: 'Sales', accountEnabled: true } })).toEqual({
      kind: 'wanted',
    })
  })

  it('guests are imported unless the source ignores them', () => {
    expect(judged({}, { attributes: { userType: 'Guest' } })).toEqual({ kind: 'wanted' })
    expect(judged({ guests: 'ignore' }, { attributes: {} })).toEqual({ kind: 'wanted' })
  })

  it.each([
    ['deactivate', false, { kind: 'disabled' }],
    ['deactivate', true, { kind: 'wanted' }],
    // An account of which Entra has not said that it is disabled is not disabled.
    ['deactivate', null, { kind: 'wanted' }],
    ['import', false, { kind: 'wanted' }],
    ['ignore', false, { kind: 'out-of-scope', rule: 'users.disabledAccounts' }],
    ['ignore', true, { kind: 'wanted' }],
    ['ignore', null, { kind: 'wanted' }],
  ] as const)('disabled accounts %s, accountEnabled %s: %j', (disabledAccounts, accountEnabled, expected) => {
    expect(judged({ disabledAccounts }, { attributes: { accountEnabled } })).toEqual(expected)
  })

  it.each(['scope-group-missing', 'membership-unknown'] as const)(
    'G11: whoever may come through a group that cannot be read is frozen: %s',
    (scopeDoubt) => {
      expect(judged({}, { inScopeGroup: false, scopeDoubt })).toEqual({ kind: 'frozen', why: scopeDoubt })
      expect(judged({}, { inScopeGroup: false, scopeDoubt, removalsAllowed: false })).toEqual({
        kind: 'frozen',
        why: scopeDoubt,
      })
      expect(judged({}, { scopeDoubt })).toEqual({ kind: 'wanted' })
    },
  )

  it.each([{ state: 'x' }, { state: 's' }, { inScopeGroup: false }])(
    'while nothing may be concluded from listings %j is frozen',
    (facts) => {
      expect(judged({}, { ...facts, removalsAllowed: false })).toEqual({ kind: 'frozen', why: 'listing-incomplete' })
    },
  )

  it('a disabled account is a fact of its own, whatever the listings say', () => {
    const attributes = { accountEnabled: false }

    expect(judged({}, { attributes, removalsAllowed: false })).toEqual({ kind: 'disabled' })
    expect(judged({}, { removalsAllowed: false })).toEqual({ kind: 'wanted' })
  })
})
