// What somebody whom Microsoft, or the registry, did not let in at a terminal is told.
import type { Identification, MicrosoftRefusal, Way } from '../contract/api/terminals.ts'
import { PERSON_REFUSALS } from '../contract/sign-in-refusals.ts'
import type { JudgedPerson } from '../registry/sign-in-rule.ts'
import type { VerifiedPerson } from './id-token.ts'
import type { Refused } from './oidc-refusals.ts'

export type RefusedIdentification = Extract<Identification, { readonly kind: 'refused' }>

export function refused(reason: MicrosoftRefusal): RefusedIdentification {
  return { kind: 'refused', reason, message: messageOf(reason), mayRegister: false }
}

/** What the audit keeps of a refusal beside its reason, for whoever looks after the connection; nothing of it is told to the terminal. */
export interface RefusalFacts extends Partial<Omit<Refused, 'kind' | 'reason'>> {
  readonly by: Way
  readonly connection?: string
  readonly tenantId?: string
  readonly objectId?: string
  readonly userId?: number
}

/** Of what Microsoft refused. */
export function factsOf(by: Way, connection: string, refusal: Refused): RefusalFacts {
  const { kind: _, reason: _reason, ...facts } = refusal
  return { by, connection, ...facts }
}

/** Of whom Microsoft knows and this registry does not let in. */
export function factsOfPerson(
  by: Way,
  connection: string,
  of: { readonly person: VerifiedPerson; readonly judged?: Extract<JudgedPerson, { readonly kind: 'refused' }> },
): RefusalFacts {
  const { tenantId, objectId } = of.person
  const userId = of.judged?.userId
  return { by, connection, tenantId, objectId, ...(userId === undefined ? {} : { userId }) }
}

/** Why a sign-in cannot be begun, for whoever stands there: what is wrong with the connection concerns somebody else. */
export function cannotBegin(reason: MicrosoftRefusal): string {
  return reason === 'provider-unavailable'
    ? 'Microsoft does not answer at this moment. Try again in a minute.'
    : `Nobody can sign in with Microsoft here at this moment. Tell whoever looks after this terminal (${reason}).`
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

const NOT_HERE: ReadonlySet<MicrosoftRefusal> = new Set(PERSON_REFUSALS)

/** For the person, in English. */
function messageOf(reason: MicrosoftRefusal): string {
  const own = MESSAGES[reason]
  if (own !== undefined) return own
  const what = NOT_HERE.has(reason) ? 'Your Microsoft account may not be used here' : 'Microsoft did not let you in'
  return `${what}. Ask whoever looks after the accounts (${reason}).`
}
