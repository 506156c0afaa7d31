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
  const suberror = body?.['suberror']
  const more =
    (typeof suberror === 'string' ? BY_SUBERROR.get(suberror) : undefined) ??
    (body?.['claims'] === undefined ? undefined : 'interaction-required')
  return {
    ...describe(error.error, error.error_description, { more }),
    ...(typeof traceId === 'string' && /^[\w-]{1,64}$/.test(traceId) ? { traceId } : {}),
  }
}

/**
 * A refusal that came with the browser: `error` and `error_description` of the redirect.
 *
 * @param options.more what the answer of the token endpoint says by `suberror` or `claims` that the person has to do: neither his password nor
 * his code is wrong then, whatever the number
 */
export function describe(
  error: string,
  description: string | undefined,
  { more }: { readonly more?: FlowRefusal | undefined } = {},
): Refused {
  const number = /AADSTS(\d{1,9})/.exec(description ?? '')?.[1]
  const aadsts = number === undefined ? undefined : Number(number)
  const fault = explainRefusal({ aadsts, error }, { pastedSecretId: false })
  const reason =
    (aadsts === undefined ? undefined : BY_NUMBER[aadsts]) ??
    // Entra sends these with 400 and `invalid_request` too: they pass.
    (fault.kind === 'transient' ? 'provider-unavailable' : undefined) ??
    (error === 'invalid_grant' ? more : undefined) ??
    BY_ERROR.get(error) ??
    'application-refused'
  const isOurs = reason === 'application-refused' || reason === 'consent-missing'
  return {
    kind: 'refused',
    reason,
    // Whatever text the other side sent stays outside: it may carry names.
    error: /^[\w.-]{1,64}$/.test(error) ? error : 'unreadable',
    ...(aadsts === undefined ? {} : { aadsts }),
    ...hintOf(isOurs ? `${fault.message} ${fault.remedy}` : HINTS[aadsts ?? 0]),
  }
}

function hintOf(hint: string | undefined): Pick<Refused, 'hint'> {
  return hint === undefined ? {} : { hint }
}

/** What a refusal may mean beside what it says: Microsoft does not say that an account is federated, nor that nobody may consent. */
const HINTS: Readonly<Record<number, string>> = {
  50126:
    'The password is wrong; or it is right at an identity provider of its own, because the domain is federated and no hash of it is synchronized. Check connection names such domains. A code on another device works for them.',
  50034: 'The tenant has no account of this name; or it is a guest, whose password is at home.',
  50056: 'The account has no password at Microsoft: passwordless, or federated. A code on another device works for it.',
  65004:
    'The person did not consent; or he may not in this tenant, and was shown that an administrator has to. Grant consent under API permissions for all: nobody is asked then.',
}

/**
 * What is left to do, as the token endpoint says it beside `invalid_grant`. Others (`bad_token`, `token_expired`) are about the grant itself.
 *
 * @see https://learn.microsoft.com/entra/msal/dotnet/advanced/exceptions/msal-error-handling (2026-11)
 */
const BY_SUBERROR = new Map<string, FlowRefusal>([
  ['basic_action', 'interaction-required'],
  ['additional_action', 'interaction-required'],
  ['message_only', 'policy-blocked'],
  ['protection_policy_required', 'policy-blocked'],
  ['consent_required', 'consent-missing'],
  ['user_password_expired', 'password-expired'],
])

const BY_ERROR = new Map<string, FlowRefusal>([
  ['access_denied', 'declined'],
  ['authorization_declined', 'declined'],
  ['invalid_grant', 'code-refused'],
  ['bad_verification_code', 'code-refused'],
  ['interaction_required', 'interaction-required'],
  ['login_required', 'interaction-required'],
  ['account_selection_required', 'interaction-required'],
  ['consent_required', 'consent-missing'],
  ['server_error', 'provider-unavailable'],
  ['temporarily_unavailable', 'provider-unavailable'],
])

const BY_NUMBER: Readonly<Record<number, FlowRefusal>> = {
  50105: 'not-assigned',
  65001: 'consent-missing',
  90094: 'consent-missing',
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
  // The device has to be known, and something else to be done before.
  50097: 'interaction-required',
  50125: 'interaction-required',
  // The device is not compliant or not joined, the app is none that is approved or protected, the risk is too high.
  53000: 'policy-blocked',
  53001: 'policy-blocked',
  53002: 'policy-blocked',
  53003: 'policy-blocked',
  53004: 'policy-blocked',
  53009: 'policy-blocked',
  50131: 'policy-blocked',
  530003: 'policy-blocked',
  530035: 'policy-blocked',
}
