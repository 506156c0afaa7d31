// "Check connection": what works and what does not, in plain words, each with its remedy.
import type { Clock } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import type { GraphClient } from './client.ts'
import { certificateDetails } from './credential.ts'
import { GraphError, type GraphErrorCode, TokenError } from './errors.ts'
import type { OwnCredential } from './tenant.ts'

export type NeededPermission = 'User.Read.All' | 'GroupMember.Read.All'

/** One answer. `remedy` is empty when there is nothing to do. */
export interface Finding {
  readonly check: 'token' | 'tenant' | `permission:${NeededPermission}` | 'clock' | 'credential'
  readonly ok: boolean
  readonly message: string
  readonly remedy: string
}

export interface CheckOptions {
  /** Permissions that the sources of this connection need. */
  readonly needs: readonly NeededPermission[]
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * Asks Microsoft a handful of questions. Everything that can be wrong with a connection is a finding; only cancellation
 * and bugs are thrown. Without a token the questions that need one are left out.
 */
export async function checkConnection(client: GraphClient, options: CheckOptions): Promise<Finding[]> {
  const { signal } = options
  const token = await asFinding('token', async () => {
    await client.checkToken(signal)
    return good('token', 'Microsoft accepts the application and its credential.')
  })
  const findings = [token]
  if (token.ok) {
    findings.push(await asFinding('tenant', () => checkTenant(client, signal)))
    for (const permission of options.needs)
      findings.push(await asFinding(`permission:${permission}`, () => checkPermission(client, { permission, signal })))
  }
  const clock = checkClock(client)
  if (clock !== undefined) findings.push(clock)
  findings.push(...(await checkCredentials(client, { ...options, canAsk: token.ok })))
  return findings
}

/** Signed requests and tokens are refused when clocks differ by more; Microsoft tolerates five minutes. */
const MAX_SKEW_MS = 2 * 60_000
/** The first of the warnings before a credential expires. */
const EXPIRY_WARNING_DAYS = 60
const DAY_MS = 86_400_000
const CHECK_NETWORK = 'Check network, proxy and firewall.'

async function checkTenant(client: GraphClient, signal: AbortSignal): Promise<Finding> {
  const { id, tenantType } = await client.getOrganization(signal)
  if (id !== client.tenantId.toLowerCase()) {
    const remedy = 'Correct the tenant ID, or the application ID if it belongs to another tenant.'
    return bad('tenant', `The token is for tenant ${id}, not for ${client.tenantId}.`, remedy)
  }
  if (tenantType !== null && tenantType !== 'AAD') {
    const remedy = 'Use a workforce tenant: Microsoft offers no change tracking in external and B2C tenants.'
    return bad('tenant', `The tenant is of type ${tenantType}, whose changes cannot be followed.`, remedy)
  }
  return good('tenant', `The tenant is ${id}.`)
}

async function checkPermission(
  client: GraphClient,
  options: { readonly permission: NeededPermission; readonly signal: AbortSignal },
): Promise<Finding> {
  const { permission } = options
  const check = `permission:${permission}` as const
  if (await client.hasPermission(permission, options.signal)) return good(check, `${permission} is granted.`)
  const remedy = `Add the application permission ${permission} of Microsoft Graph under API permissions and grant admin consent; it works in tokens issued afterwards.`
  return bad(check, `${permission} is missing.`, remedy)
}

function checkClock(client: GraphClient): Finding | undefined {
  const skewMs = client.clockSkewMs
  if (skewMs === undefined) return undefined
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return good('clock', "This machine's clock agrees with Microsoft's.")
  const minutes = Math.round(Math.abs(skewMs) / 60_000)
  const message = `This machine's clock is ${minutes} minutes ${skewMs > 0 ? 'behind' : 'ahead of'} Microsoft's.`
  return bad('clock', message, 'Set the clock, e.g. by NTP.')
}

async function checkCredentials(
  client: GraphClient,
  options: CheckOptions & { readonly canAsk: boolean },
): Promise<Finding[]> {
  const now = options.clock.now().getTime()
  const findings: Finding[] = []
  let own: readonly OwnCredential[] | undefined
  for (const credential of client.credentials) {
    if (credential.kind === 'certificate') {
      findings.push(
        await asFinding('credential', async () => {
          const { expiresAt, thumbprint } = certificateDetails(credential.pem)
          return judgeExpiry(`The certificate ${thumbprint}`, { expiresAt, now })
        }),
      )
      continue
    }
    if (!options.canAsk) continue
    own ??= await readOwn(client, options.signal)
    const matching = own?.filter((o) => o.kind === 'secret' && o.hint === credential.secret.slice(0, 3)) ?? []
    const expiresAt = matching.reduce<Date | undefined>(
      (last, o) => (last && last > o.expiresAt ? last : o.expiresAt),
      undefined,
    )
    if (expiresAt === undefined)
      findings.push(good('credential', 'When the client secret expires cannot be read in this tenant.'))
    else findings.push(judgeExpiry('The client secret', { expiresAt, now }))
  }
  return findings
}

/** The look-up is a courtesy: whatever it ends with, the connection works or not for other reasons. */
async function readOwn(client: GraphClient, signal: AbortSignal): Promise<readonly OwnCredential[] | undefined> {
  try {
    return await client.getOwnCredentials(signal)
  } catch (error) {
    if (error instanceof GraphError || error instanceof TokenError) return undefined
    throw error
  }
}

function judgeExpiry(what: string, when: { readonly expiresAt: Date; readonly now: number }): Finding {
  const days = Math.floor((when.expiresAt.getTime() - when.now) / DAY_MS)
  const date = when.expiresAt.toISOString().slice(0, 10)
  const remedy = 'Add a second credential to the registration and to this connection, then remove the old one.'
  if (days < 0) return bad('credential', `${what} expired on ${date}.`, remedy)
  if (days <= EXPIRY_WARNING_DAYS)
    return { ...good('credential', `${what} expires in ${days} days, on ${date}.`), remedy }
  return good('credential', `${what} is valid until ${date}.`)
}

async function asFinding(check: Finding['check'], ask: () => Promise<Finding>): Promise<Finding> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TokenError) {
      // For runs the message carries its remedy; here it has a place of its own.
      return bad(check, error.message.replace(` ${error.remedy}`, ''), error.remedy)
    }
    if (error instanceof ConfigError) return bad(check, `${error.message}.`, 'Correct the connection.')
    if (error instanceof GraphError) return bad(check, `${error.message}.`, remedyOf(error))
    throw error
  }
}

function remedyOf(error: GraphError): string {
  const known = REMEDIES[error.code]
  return known ?? `Try again; if it stays, give Microsoft the request id ${error.requestId ?? '(none)'}.`
}

const REMEDIES: Readonly<Partial<Record<GraphErrorCode, string>>> = {
  'auth-failed': 'Check tenant, application and cloud: Microsoft Graph refuses fresh tokens.',
  forbidden: 'Grant the application permissions of Microsoft Graph that the sources need, with admin consent.',
  'no-answer': CHECK_NETWORK,
  throttled: 'Try again later: Microsoft limits requests to this tenant.',
  'throttled-too-long': 'Try again later: Microsoft limits requests to this tenant.',
  timeout: CHECK_NETWORK,
  unreachable: CHECK_NETWORK,
}

function good(check: Finding['check'], message: string): Finding {
  return { check, ok: true, message, remedy: '' }
}

function bad(check: Finding['check'], message: string, remedy: string): Finding {
  return { check, ok: false, message, remedy }
}
