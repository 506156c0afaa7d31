// Client assertions: a JWT signed with a registered certificate, in place of a client secret (graph.md 5.1).
import { createPublicKey } from 'node:crypto'
import { compactVerify, decodeJwt, decodeProtectedHeader } from 'jose'
import type { AppCertificate, AppRegistration, Tenant } from './tenant.ts'
import { refuse, type Refusal } from './tokenerrors.ts'

// Entra tolerates five minutes between its clock and the caller's (graph.md 5.6).
const SKEW_SECONDS = 300

/** Why the assertion is refused; undefined when it proves that the caller is the app. */
export async function checkAssertion(
  assertion: string,
  context: {
    readonly origin: string
    readonly now: Date
    readonly tenant: Tenant
    readonly app: AppRegistration
  },
): Promise<Refusal | undefined> {
  const { origin, now, tenant, app } = context
  let certificate: AppCertificate | undefined
  let claims: ReturnType<typeof decodeJwt>
  try {
    const header = decodeProtectedHeader(assertion)
    claims = decodeJwt(assertion)
    const sha256 = header['x5t#S256']
    certificate = app.certificates.find((known) => known.x5tS256 === sha256 || known.x5t === header.x5t)
    if (certificate === undefined)
      return refuse.unknownCertificate(typeof sha256 === 'string' ? sha256 : (header.x5t ?? ''))
    await compactVerify(assertion, createPublicKey(certificate.publicKeyPem), { algorithms: ['PS256', 'RS256'] })
  } catch {
    // Unreadable and wrongly signed assertions are one error at Microsoft.
    return refuse.badSignature()
  }
  if (Date.parse(certificate.endDateTime) <= now.getTime()) return refuse.expiredCertificate(certificate)
  const audiences = [tenant.id, ...tenant.verifiedDomains.map((domain) => domain.name)].flatMap((name) => [
    `${origin}/${name}/oauth2/v2.0/token`,
    `${origin}/${name}/v2.0`,
  ])
  const audience = typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? [])
  if (!audience.some((one) => audiences.includes(one))) return refuse.badAssertion('audience', audience.join(' '))
  if (claims.iss !== app.appId || claims.sub !== app.appId)
    return refuse.badAssertion('issuer or subject', claims.iss ?? '')
  const seconds = now.getTime() / 1000
  const from = claims.nbf ?? claims.iat ?? 0
  if (claims.exp === undefined || seconds > claims.exp + SKEW_SECONDS || seconds < from - SKEW_SECONDS)
    return refuse.assertionTime(now, from, claims.exp)
  return undefined
}
