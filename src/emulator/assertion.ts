// Client assertions in place of a client secret: a JWT signed with a registered certificate, or one of an issuer that the app
// trusts (graph.md 5.1).
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
    if (certificate === undefined && claims.iss !== app.appId) return await checkFederated(assertion, claims, context)
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
  return checkTime(claims, now)
}

/** A token of another issuer (workload identity federation): issuer, subject and audience as registered, to the letter. */
async function checkFederated(
  assertion: string,
  claims: ReturnType<typeof decodeJwt>,
  { now, app }: { readonly now: Date; readonly app: AppRegistration },
): Promise<Refusal | undefined> {
  const ofIssuer = app.federated.filter((known) => known.issuer === claims.iss)
  if (ofIssuer.length === 0) return refuse.noFederated(700211, 'issuer', claims.iss ?? '')
  const ofSubject = ofIssuer.filter((known) => known.subject === claims.sub)
  if (ofSubject.length === 0) return refuse.noFederated(700213, 'subject', claims.sub ?? '')
  const audience = [claims.aud ?? []].flat()
  const trusted = ofSubject.find((known) => audience.includes(known.audience))
  if (trusted === undefined) return refuse.noFederated(700212, 'audience', audience.join(' '))
  await compactVerify(assertion, createPublicKey(trusted.publicKeyPem))
  return checkTime(claims, now)
}

function checkTime(claims: ReturnType<typeof decodeJwt>, now: Date): Refusal | undefined {
  const seconds = now.getTime() / 1000
  const from = claims.nbf ?? claims.iat ?? 0
  if (claims.exp === undefined || seconds > claims.exp + SKEW_SECONDS || seconds < from - SKEW_SECONDS)
    return refuse.assertionTime(now, from, claims.exp)
  return undefined
}
