// The judge of the kill tests: what it calls a lie of a run.
import { describe, expect, it } from 'vitest'
import { judgeWord } from './judge.ts'
import { SCENARIOS } from './scenarios.ts'

const named = (name: string) => ({ scenario: SCENARIOS.find((scenario) => scenario.name === name)! })

describe('the word of a run that lived on', () => {
  it.each([
    ['changes', 'after', { outcome: 'applied', error: null }],
    ['changes', 'before', { outcome: 'failed', error: 'database-unavailable' }],
    ['changes', 'before', { outcome: null, error: 'database-unavailable' }],
    ['held', 'before', { outcome: 'held', error: null }],
    ['preview', 'before', { outcome: 'planned', error: null }],
    ['preview', 'before', { outcome: 'failed', error: 'database-unavailable' }],
  ] as const)('%s: the registry is as %s and it said %j: true', (name, found, said) => {
    expect(() => judgeWord(named(name), found, said)).not.toThrow()
  })

  it.each([
    ['changes', 'before', { outcome: 'applied', error: null }],
    ['changes', 'after', { outcome: 'failed', error: 'database-unavailable' }],
    ['changes', 'before', { outcome: 'held', error: null }],
    ['held', 'before', { outcome: 'applied', error: null }],
    ['preview', 'before', { outcome: 'no-change', error: null }],
  ] as const)('%s: the registry is as %s and it said %j: not true', (name, found, said) => {
    expect(() => judgeWord(named(name), found, said)).toThrow(said.outcome)
  })
})
