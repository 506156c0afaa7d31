import { describe, expect, it } from 'vitest'
import { FAILED, HELD } from '../../test/support/sinks.ts'
import type { AlertFacts } from './alert.ts'
import { presentAlert } from './text.ts'

describe('the text of an alert', () => {
  const all: readonly AlertFacts[] = [
    HELD,
    FAILED,
    { ...FAILED, kind: 'quarantined', failures: 6 },
    { kind: 'silent', source: 'contoso-staff', hours: 26, lastSuccessAt: null },
    {
      kind: 'refused',
      source: 'contoso-staff',
      code: 'given-up',
      reason: 'It never ended.',
      job: 'j',
      askedBy: 'schedule',
    },
    { kind: 'refused', source: 'contoso', code: 'not-allowed', reason: 'No.', job: 'j', askedBy: 'token' },
    { kind: 'role', user: 7, role: 'operator', connection: 'contoso' },
    { kind: 'guessing', terminal: 'contoso-staff', tried: 'card', misses: 36 },
    { kind: 'guessing', terminal: 'contoso', tried: 'secret', misses: 16 },
    { kind: 'guessing', terminal: null, tried: 'card', misses: 2_001 },
    { kind: 'guessing', terminal: null, tried: 'secret', misses: 501 },
    { kind: 'codes', account: 5, wrong: 10 },
    { kind: 'expiring', connection: 'contoso', thumbprint: 'AB12', expiresAt: '2026-11-09T00:00:00.000Z', days: 7 },
    { kind: 'expiring', connection: 'contoso', thumbprint: null, expiresAt: '2026-11-01T00:00:00.000Z', days: -1 },
    { kind: 'terminals', terminals: ['Door'], count: 1, expiresAt: '2026-12-01T08:00:00.000Z', days: 7 },
    { kind: 'terminals', terminals: ['Door', 'Desk'], count: 30, expiresAt: '2026-11-01T08:00:00.000Z', days: -1 },
  ]

  it.each(all.map((facts) => [facts.kind, facts] as const))(
    '%s says what happened, what it means and what to do',
    (_, facts) => {
      const { title, text } = presentAlert(facts)

      expect(title).toMatch(/^(contoso(-staff)?|terminals|a local account): .+[^.]$/)
      expect(title).not.toContain('\n')
      expect(text.split('\n\n').length).toBeGreaterThanOrEqual(3)
      expect(text).toMatch(/What to do: |muster /)
    },
  )

  it('names terminals whose tokens end, the first of many', () => {
    const ends = { kind: 'terminals', terminals: ['Door', 'Desk'], expiresAt: '2026-12-01T08:00:00.000Z' } as const

    expect(presentAlert({ ...ends, count: 2, days: 7 })).toMatchObject({
      title: 'terminals: the tokens of 2 terminals end in 7 days',
      text: expect.stringMatching(/^On 2026-12-01 ends: Door, Desk\.\n/),
    })
    expect(presentAlert({ ...ends, count: 30, days: -1 })).toMatchObject({
      title: 'terminals: the tokens of 30 terminals have ended',
      text: expect.stringMatching(/^Ended on 2026-12-01: Door, Desk and 28 more\.\n/),
    })
  })

  it('names the run and the command that helps', () => {
    expect(presentAlert(FAILED).text).toContain('muster sync contoso-staff')
    expect(presentAlert(FAILED).text).toContain("Microsoft's request id: req-1")
    expect(presentAlert(HELD).text).toContain('users-removed: 1,200, more than 5')
    expect(presentAlert(HELD).text).toContain('until 2026-11-03 08:00 UTC')
  })
})
