// Why Microsoft did not let somebody in, by what its token service says.
import { ResponseBodyError } from 'openid-client'
import { describe, expect, it } from 'vitest'
import { describe as describeRefusal, refusalOf } from './oidc-refusals.ts'

const answered = (error: string, aadsts: number, more: object = {}) =>
  refusalOf(
    new ResponseBodyError('refused', {
      cause: { error, error_description: `AADSTS${aadsts}: of Ann Example.`, error_codes: [aadsts], ...more },
      response: new Response(null, { status: 400 }),
    }),
  )

describe('what a policy of the tenant refuses', () => {
  it.each([
    [53000, 'policy-blocked'],
    [53001, 'policy-blocked'],
    [53002, 'policy-blocked'],
    [53003, 'policy-blocked'],
    [53004, 'policy-blocked'],
    [53009, 'policy-blocked'],
    [50131, 'policy-blocked'],
    [530003, 'policy-blocked'],
    [530035, 'policy-blocked'],
    [50097, 'interaction-required'],
    [50125, 'interaction-required'],
    [50076, 'interaction-required'],
  ])('is not told as a wrong password or code: %s is %s', (aadsts, reason) => {
    expect(answered('invalid_grant', aadsts)).toMatchObject({ kind: 'refused', reason, aadsts, error: 'invalid_grant' })
  })

  it.each([
    [{ suberror: 'basic_action' }, 'interaction-required'],
    [{ suberror: 'additional_action' }, 'interaction-required'],
    [{ suberror: 'message_only' }, 'policy-blocked'],
    [{ suberror: 'protection_policy_required' }, 'policy-blocked'],
    [{ suberror: 'consent_required' }, 'consent-missing'],
    [{ suberror: 'user_password_expired' }, 'password-expired'],
    [{ claims: '{"access_token":{}}' }, 'interaction-required'],
    [{ suberror: 'unheard_of', claims: '{}' }, 'interaction-required'],
  ])('with a number that nobody knows is told by what comes with it: %o', (more, reason) => {
    expect(answered('invalid_grant', 999_999, more)).toMatchObject({ reason })
  })

  it.each([{}, { suberror: 'bad_token' }, { suberror: 'toString' }, { suberror: 7 }])(
    'is nothing of the kind where only the grant is bad: %o',
    (more) => {
      expect(answered('invalid_grant', 999_999, more)).toMatchObject({ reason: 'code-refused' })
    },
  )

  it('is less than a wrong password: what comes with that changes nothing, so that it counts', () => {
    expect(answered('invalid_grant', 50126, { suberror: 'basic_action', claims: '{}' })).toMatchObject({
      reason: 'password-refused',
    })
  })
})

it.each([
  [50196, 'invalid_request'],
  [90033, 'invalid_request'],
  [50033, 'invalid_grant'],
  [50087, 'invalid_request'],
  [90099, 'unauthorized_client'],
  [90033, 'temporarily_unavailable'],
])('what passes by itself is no refusal of the application: %s with %s', (aadsts, error) => {
  expect(answered(error, aadsts)).toMatchObject({ reason: 'provider-unavailable', aadsts })
})

describe('consent that lacks', () => {
  it.each([
    ['consent_required', 90094],
    ['consent_required', 999_999],
    ['access_denied', 90094],
    ['invalid_grant', 65001],
  ])('leads to an administrator who gives it: %s with %s', (error, aadsts) => {
    const refused = describeRefusal(error, `AADSTS${aadsts}: consent`)

    expect(refused.reason).toBe('consent-missing')
    expect(refused.hint).toMatch(/Let an administrator grant consent under API permissions/)
  })

  it('may be why somebody declined, which the audit says', () => {
    expect(describeRefusal('access_denied', 'AADSTS65004: declined')).toMatchObject({
      reason: 'declined',
      hint: expect.stringMatching(/Grant consent under API permissions for all/),
    })
  })
})

it('an error that nobody has heard of is the application’s, also where it is called like something of JavaScript', () => {
  for (const error of ['unheard_of', 'constructor', 'toString'])
    expect(describeRefusal(error, undefined)).toMatchObject({
      reason: 'application-refused',
      hint: expect.stringContaining(`(${error})`),
    })
})
