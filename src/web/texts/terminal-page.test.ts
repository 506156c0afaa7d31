import { describe, expect, it } from 'vitest'
import { SIGN_IN_REFUSALS } from '../../contract/sign-in-refusals.ts'
import { speak, tellProblem, tellRefusal } from './terminal-page.ts'

const REASONS = ['unknown-card', 'wrong-pin', 'wrong-user-name-or-pin', 'expired', ...SIGN_IN_REFUSALS] as const
/** Of registering a card, of beginning a sign-in, and of a server in trouble. */
const CODES = ['registration-ended', 'card-conflict', 'too-many-cards', 'deactivated', 'provider-unavailable']
const OTHERS = ['terminal-changed', 'unreachable', 'way-not-allowed', 'database-unavailable', 'something-new']
const message = 'What the server says.'

describe('the terminal page', () => {
  it.each(['de', 'fr', 'es'])('tells every refusal and problem in %s', (language) => {
    const { texts } = speak(language)
    const refusals = REASONS.map((reason) => tellRefusal(texts, { reason, message }))
    const problems = [...CODES, ...OTHERS].map((code) => tellProblem(texts, { code, message }))

    for (const text of [...refusals, ...problems]) expect(text).toMatch(/^\p{Lu}.+\.$/u)
    expect([...refusals, ...problems]).not.toContain(message)
  })

  it('says who did not let somebody in, and the code for whoever is asked', () => {
    const { texts } = speak('de')

    expect(tellRefusal(texts, { reason: 'person-inactive', message })).toMatch(/gilt hier nicht.*\(person-inactive\)/)
    expect(tellRefusal(texts, { reason: 'not-assigned', message })).toMatch(/Microsoft hat Sie nicht.*\(not-assigned\)/)
    expect(tellProblem(texts, { code: 'application-refused', message })).toMatch(
      /im Moment nicht.*\(application-refused\)/,
    )
  })

  it('says in English what the server says', () => {
    const { texts } = speak('en')

    expect(tellRefusal(texts, { reason: 'unknown-person', message })).toBe(message)
    expect(tellProblem(texts, { code: 'card-conflict', message })).toBe(message)
  })
})
