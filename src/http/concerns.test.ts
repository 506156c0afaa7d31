// What the overview says should be looked at.
import { describe, expect, it } from 'vitest'
import type { SourceLine } from '../contract/api/sources.ts'
import { concernsOf, type Facts } from './concerns.ts'

const now = new Date('2026-11-23T12:00:00Z')
const HEALTHY: SourceLine['health'] = {
  state: 'healthy',
  since: null,
  failures: 0,
  code: null,
  reason: null,
  remedy: null,
  nextTryAt: null,
  lastSuccessAt: '2026-11-23T11:45:00Z',
}
const aSource = (changed: Partial<SourceLine> = {}): SourceLine => ({
  name: 'staff',
  connection: 'contoso',
  enabled: true,
  priority: 100,
  people: 3,
  health: HEALTHY,
  running: null,
  lastRun: null,
  waiting: null,
  next: { at: '2026-11-23T12:15:00Z', mode: 'delta' },
  awaitsFirstRun: false,
  ...changed,
})
const told = (facts: Partial<Facts>) =>
  concernsOf({
    now,
    untrustedProxy: undefined,
    silentProxy: undefined,
    isCopy: false,
    silenceHours: 24,
    sources: [],
    waiting: [],
    expiring: [],
    undelivered: [],
    guessing: [],
    codesTried: [],
    terminalEnds: [],
    orphans: [],
    refused: [],
    issues: 0,
    ...facts,
  }).map(({ level, code, message }) => `${level} ${code}: ${message}`)

describe('concerns', () => {
  it('there are none while all is well', () => {
    expect(told({ sources: [aSource()] })).toEqual([])
  })

  it('a source of which nothing was run though its schedule asked is told until a run has succeeded', () => {
    const refused = (at: string) => [{ raisedAt: new Date(at), source: 'staff', reason: 'It never came to its end.' }]

    expect(told({ sources: [aSource()], refused: refused('2026-11-23T11:50:00Z') })).toEqual([
      'error run-refused: No run came of what was asked for of staff: It never came to its end.',
    ])
    expect(told({ sources: [aSource()], refused: refused('2026-11-23T11:40:00Z') })).toEqual([])
    expect(told({ sources: [aSource({ name: 'guests' })], refused: refused('2026-11-23T11:50:00Z') })).toEqual([])
  })

  it('a failing source is told with its reason, errors before warnings', () => {
    const degraded = aSource({ name: 'a', health: { ...HEALTHY, state: 'degraded', reason: 'Graph did not answer.' } })
    const quarantined = aSource({
      name: 'b',
      health: { ...HEALTHY, state: 'quarantined', reason: 'The secret ended.' },
    })

    expect(told({ sources: [degraded, quarantined] })).toEqual([
      'error source-quarantined: b is quarantined: The secret ended.',
      'warning source-degraded: a is degraded: Graph did not answer.',
    ])
  })

  it('a disabled source is noted, and nothing else is said of it', () => {
    const source = aSource({ enabled: false, health: { ...HEALTHY, state: 'quarantined', reason: 'x' } })

    expect(told({ sources: [source] })).toEqual([
      'info disabled: staff is disabled: its people stay as they are, whatever changes in Entra',
    ])
  })

  it('a source that was never synchronized is not in step with anything', () => {
    const source = aSource({ next: null, awaitsFirstRun: true, health: { ...HEALTHY, lastSuccessAt: null } })

    expect(told({ sources: [source] })).toEqual(['warning never-run: staff was never synchronized'])
    const failing = { ...source, health: { ...source.health, state: 'degraded' as const, reason: 'No answer.' } }
    expect(told({ sources: [failing] })).toEqual(['warning source-degraded: staff is degraded: No answer.'])
  })

  it('open issues are noted, after what is worse', () => {
    const source = aSource({ health: { ...HEALTHY, lastSuccessAt: '2026-11-20T11:00:00Z' } })

    expect(told({ issues: 1 })).toEqual(['info issues: 1 issue is open'])
    expect(told({ issues: 20, sources: [source] })).toEqual([
      'warning no-success: staff has not brought the registry up to date for 3 days',
      'info issues: 20 issues are open',
    ])
  })

  it.each([
    ['2026-11-22T12:00:01Z', []],
    ['2026-11-22T11:59:00Z', ['warning no-success: staff has not brought the registry up to date for 24 hours']],
    ['2026-11-20T11:00:00Z', ['warning no-success: staff has not brought the registry up to date for 3 days']],
  ])('no success since %s', (lastSuccessAt, expected) => {
    expect(told({ sources: [aSource({ health: { ...HEALTHY, lastSuccessAt } })] })).toEqual(expected)
  })

  it('a source that is run by hand only may be silent, but is not in step', () => {
    const byHand = (lastSuccessAt: string) => aSource({ next: null, health: { ...HEALTHY, lastSuccessAt } })

    expect(told({ sources: [byHand('2026-11-23T09:00:00Z')] })).toEqual([])
    expect(told({ sources: [byHand('2026-09-23T12:00:00Z')] })).toEqual([
      'info no-success: staff has not brought the registry up to date for 61 days',
    ])
  })

  it.each([
    [60, 'warning credential-expiring: The certificate of contoso ends in 60 days'],
    [7, 'error credential-expiring: The certificate of contoso ends in 7 days'],
    [1, 'error credential-expiring: The certificate of contoso ends in 1 day'],
    [-1, 'error credential-expired: The certificate of contoso has ended'],
  ])('a credential with %i days left', (days, expected) => {
    const expiring = [{ connection: 'contoso', kind: 'certificate', expiresAt: now.toISOString(), days }]

    expect(told({ expiring })).toEqual([expected])
  })

  it.each([
    ['2026-12-22T12:00:00Z', 'warning terminal-expiring: The token of the terminal Door ends in 29 days'],
    ['2026-11-30T12:00:00Z', 'error terminal-expiring: The token of the terminal Door ends in 7 days'],
    ['2026-11-23T12:00:01Z', 'error terminal-expiring: The token of the terminal Door ends within a day'],
    [
      '2026-11-23T12:00:00Z',
      'error terminal-expired: The token of the terminal Door has ended: it identifies nobody any more',
    ],
  ])('the token of a terminal that ends at %s', (expiresAt, expected) => {
    expect(told({ terminalEnds: [{ name: 'Door', expiresAt: new Date(expiresAt) }] })).toEqual([expected])
  })

  it('tokens of many terminals are two concerns: those that have ended, and those that end', () => {
    const terminalEnds = [20, 22, 24, 30].map((day) => ({ name: `T${day}`, expiresAt: new Date(`2026-11-${day}`) }))

    expect(told({ terminalEnds })).toEqual([
      'error terminal-expired: The tokens of 2 terminals have ended, that of T22 last: they identify nobody any more',
      'error terminal-expiring: The tokens of 2 terminals end soon, that of T24 first, within a day',
    ])
  })

  it('alerts that nobody took are told', () => {
    const undelivered = [{ sink: 'mail', count: 2, problem: 'refused', nextTryAt: null }]

    expect(told({ undelivered })).toEqual([
      'warning alerts-undelivered: 2 alerts could not be delivered by mail: refused',
    ])
  })
})
