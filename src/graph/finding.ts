// One answer of "Check connection", and how the errors of Graph become one.
import { ConfigError } from '../base/errors.ts'
import { GraphError, type GraphErrorCode, TokenError } from './errors.ts'
import { TransportError } from './request.ts'

/** `remedy` is empty when there is nothing to do; a finding that is fine may have one, then it warns. */
export interface Finding {
  readonly check: 'token' | 'tenant' | `permission:${string}` | 'clock' | 'proxy' | 'credential' | 'sign-in'
  readonly ok: boolean
  readonly message: string
  readonly remedy: string
  /** Where an administrator of the tenant does what the remedy says. */
  readonly link: string | null
}

export function good(check: Finding['check'], message: string): Finding {
  return { check, ok: true, message, remedy: '', link: null }
}

/** Works, but not for long or not for all. */
export function warning(check: Finding['check'], message: string, remedy: string): Finding {
  return { check, ok: true, message, remedy, link: null }
}

export function bad(check: Finding['check'], message: string, remedy: string): Finding {
  return { check, ok: false, message, remedy, link: null }
}

/** Runs a question; what Microsoft or the network has against it is its answer. Only cancellation and bugs are thrown. */
export async function asFinding(check: Finding['check'], ask: () => Promise<Finding>): Promise<Finding> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TokenError) return bad(check, error.reason, error.remedy)
    if (error instanceof ConfigError) return bad(check, `${error.message}.`, 'Correct the connection.')
    if (error instanceof GraphError) return bad(check, `${error.message}.`, remedyOf(error))
    throw error
  }
}

function remedyOf(error: GraphError): string {
  if (error.cause instanceof TransportError) return error.cause.remedy
  const known = REMEDIES[error.code]
  return known ?? `Try again; if it stays, give Microsoft the request id ${error.requestId ?? '(none)'}.`
}

const CHECK_NETWORK = 'Check network, proxy and firewall.'

const REMEDIES: Readonly<Partial<Record<GraphErrorCode, string>>> = {
  'auth-failed': 'Check tenant, application and cloud: Microsoft Graph refuses fresh tokens.',
  forbidden: 'Grant the application permissions of Microsoft Graph that the sources need, with admin consent.',
  'no-answer': CHECK_NETWORK,
  throttled: 'Try again later: Microsoft limits requests to this tenant.',
  'throttled-too-long': 'Try again later: Microsoft limits requests to this tenant.',
  timeout: CHECK_NETWORK,
  unreachable: CHECK_NETWORK,
}
