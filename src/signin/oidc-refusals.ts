// What the token service or the authorize page says where it does not let somebody in. Decisions are made by OAuth's `error`; AADSTS
// numbers, which Microsoft changes, only choose between words for people
// (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
import type { ResponseBodyError } from 'openid-client'
import type { FlowRefusal, TokenRefusal } from '../contract/sign-in-refusals.ts'
import { explainRefusal } from '../graph/aadsts.ts'
import { asRecord } from '../graph/body.ts'

export interface Refused {
  readonly kind: 'refused'
  readonly reason: TokenRefusal | FlowRefusal
  /** What an administrator does about it. Nothing of the person or of a credential is in it. */
  readonly hint?: string | undefined
  /** OAuth's `error`, where the token service gave one. */
  readonly error?: string | undefined
  /** Number of the AADSTS code. */
  readonly aadsts?: number | undefined
  /** Trace id of the token service, for Microsoft's support. */
  readonly traceId?: string | undefined
}

/** A refusal of the token or device endpoint. */
export function refusalOf(error: ResponseBodyError): Refused {
  const body = asRecord(error.cause)
  const traceId = body?.['trace_id']
  return {
    ...describe(error.error, error.error_description),
    ...(typeof traceId === 'string' && /^[\w-]{1,64}$/.test(traceId) ? { traceId } : {}),
  }
}

/** A refusal that came with the browser: `error` and `error_description` of the redirect. */
export function describe(error: string, description: string | undefined): Refused {
  const number = /AADSTS(\d{1,9})/.exec(description ?? '')?.[1]
  const aadsts = number === undefined ? undefined : Number(number)
  const reason = (aadsts === undefined ? undefined : BY_NUMBER[aadsts]) ?? BY_ERROR[error] ?? 'application-refused'
  const fault = explainRefusal({ aadsts, error }, { pastedSecretId: false })
  const isOurs = reason === 'application-refused' || reason === 'consent-missing'
  return {
    kind: 'refused',
    reason,
    // Whatever text the other side sent stays outside: it may carry names.
    error: /^[\w.-]{1,64}$/.test(error) ? error : 'unreadable',
    ...(aadsts === undefined ? {} : { aadsts }),
    ...hintOf(isOurs ? `${fault.message} ${fault.remedy}` : PASSWORD_HINTS[aadsts ?? 0]),
  }
}

function hintOf(hint: string | undefined): Pick<Refused, 'hint'> {
  return hint === undefined ? {} : { hint }
}

/** What a refused password may mean beside being wrong: Microsoft does not say that an account is federated. */
const PASSWORD_HINTS: Readonly<Record<number, string>> = {
  50126:
    'The password is wrong; or it is right at an identity provider of its own, because the domain is federated and no hash of it is synchronized. Check connection names such domains. A code on another device works for them.',
  50034: 'The tenant has no account of this name; or it is a guest, whose password is at home.',
  50056: 'The account has no password at Microsoft: passwordless, or federated. A code on another device works for it.',
}

const BY_ERROR: Readonly<Record<string, FlowRefusal>> = {
  access_denied: 'declined',
  authorization_declined: 'declined',
  invalid_grant: 'code-refused',
  bad_verification_code: 'code-refused',
  interaction_required: 'interaction-required',
  login_required: 'interaction-required',
  account_selection_required: 'interaction-required',
  consent_required: 'consent-missing',
  server_error: 'provider-unavailable',
  temporarily_unavailable: 'provider-unavailable',
}

const BY_NUMBER: Readonly<Record<number, FlowRefusal>> = {
  50105: 'not-assigned',
  65001: 'consent-missing',
  65004: 'declined',
  50126: 'password-refused',
  50034: 'password-refused',
  50056: 'password-refused',
  50055: 'password-expired',
  50144: 'password-expired',
  50053: 'account-blocked',
  50057: 'account-blocked',
  50074: 'interaction-required',
  50076: 'interaction-required',
  50078: 'interaction-required',
  50079: 'interaction-required',
  50158: 'interaction-required',
  50072: 'interaction-required',
  53000: 'policy-blocked',
  53003: 'policy-blocked',
  530035: 'policy-blocked',
}
