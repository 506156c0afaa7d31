// What somebody whom Microsoft, or the registry, did not let in at a terminal is told.
import type { Identification, MicrosoftRefusal } from '../contract/api/terminals.ts'

export type RefusedIdentification = Extract<Identification, { readonly kind: 'refused' }>

export function refused(reason: MicrosoftRefusal): RefusedIdentification {
  return { kind: 'refused', reason, message: messageOf(reason), mayRegister: false }
}

const MESSAGES: { readonly [Reason in MicrosoftRefusal]?: string } = {
  declined: 'The sign-in was declined.',
  expired: 'The code has ended. Begin again.',
  'code-refused': 'The code has ended. Begin again.',
  'password-refused': 'User name or password is wrong, or your password is not kept at Microsoft.',
  'password-expired': 'Your password has to be changed first. Do that at a computer, then try again.',
  'interaction-required':
    'Microsoft wants more than a password of you, e.g. a second factor. That cannot be done here; sign in another way.',
  'account-blocked': 'Your Microsoft account is locked or disabled. Ask whoever looks after the accounts.',
  'policy-blocked': 'A rule of your organization does not let you in here. Sign in another way.',
  'provider-unavailable': 'Microsoft does not answer at this moment. Try again in a minute.',
}

const NOT_HERE: ReadonlySet<MicrosoftRefusal> = new Set([
  'unknown-person',
  'person-inactive',
  'source-not-for-sign-in',
  'connection-not-for-sign-in',
  'other-connection',
])

/** For the person, in English. */
function messageOf(reason: MicrosoftRefusal): string {
  const own = MESSAGES[reason]
  if (own !== undefined) return own
  const what = NOT_HERE.has(reason) ? 'Your Microsoft account may not be used here' : 'Microsoft did not let you in'
  return `${what}. Ask whoever looks after the accounts (${reason}).`
}
