// Check connection: which credential works, why another one does not, and when they end.
import type { Clock } from '../base/clock.ts'
import { SECRET_ID_PASTED, looksLikeSecretId } from '../directory/credentials.ts'
import type { GraphClient } from './client.ts'
import { type Credential, type CredentialOutcome, certificateDetails, nameOf } from './credential.ts'
import { asFinding, bad, type Finding, good, warning } from './finding.ts'
import type { OwnRegistration } from './tenant.ts'

export interface CredentialReport {
  readonly credential: Credential
  /** Undefined where it was not tried to its end: nothing reached Microsoft, or the fault is not the credential's. */
  readonly outcome: CredentialOutcome | undefined
  /** When it ends as the registration itself says; undefined where that cannot be read or is not known for sure. */
  readonly expiresAt: Date | undefined
}

const DAY_MS = 86_400_000
/** The first of the warnings before a credential expires. */
const EXPIRY_WARNING_DAYS = 60
const REPLACE = 'Add a second credential to the registration and to this connection, then remove the old one.'

export function reportCredentials(client: GraphClient, own: OwnRegistration | undefined): CredentialReport[] {
  return client.credentials.map((credential) => ({
    credential,
    outcome: client.outcomes.find((tried) => tried.credential === credential),
    expiresAt: credential.kind === 'secret' ? expiryOfSecret(credential.secret, own) : undefined,
  }))
}

/** Findings on each credential, in the order in which they are tried. */
export async function credentialFindings(
  client: GraphClient,
  options: { readonly credentials: readonly CredentialReport[]; readonly canAsk: boolean; readonly clock: Clock },
): Promise<Finding[]> {
  const { credentials, canAsk, clock } = options
  const now = clock.now().getTime()
  const used = client.outcomes.find(({ refusal }) => refusal === undefined)?.credential
  const findings: Finding[] = []
  for (const { credential, outcome, expiresAt } of credentials) {
    const name = nameOf(credential)
    // With a single one the token says it all.
    if (credentials.length > 1 && canAsk && outcome?.refusal !== undefined) {
      const { reason, remedy } = outcome.refusal
      findings.push(warning('credential', `${name} is refused; another one works. ${reason}`, remedy))
      continue
    }
    if (credentials.length > 1 && credential === used) findings.push(good('credential', `${name} works and is used.`))
    if (credential.kind === 'secret' && looksLikeSecretId(credential.secret))
      findings.push(warning('credential', `${name} looks like the wrong thing: ${SECRET_ID_PASTED}.`, REPLACE))
    findings.push(...(await expiryOf(credential, { name, expiresAt, canAsk, now })))
  }
  return findings
}

async function expiryOf(
  credential: Credential,
  known: {
    readonly name: string
    readonly expiresAt: Date | undefined
    readonly canAsk: boolean
    readonly now: number
  },
): Promise<Finding[]> {
  const { name, now, canAsk } = known
  switch (credential.kind) {
    case 'certificate':
      return [
        await asFinding('credential', async () =>
          judgeExpiry(name, { expiresAt: certificateDetails(credential.pem).expiresAt, now }),
        ),
      ]
    case 'secret': {
      const expiresAt = known.expiresAt ?? credential.expiresAt ?? undefined
      if (expiresAt !== undefined) return [judgeExpiry(name, { expiresAt, now })]
      if (!canAsk) return []
      const remedy = 'Enter the day that Entra shows beside it, so that Muster can warn before.'
      return [warning('credential', `When ${lowerFirst(name)} expires cannot be read in this tenant.`, remedy)]
    }
    case 'workloadIdentity':
    case 'managedIdentity':
      return [good('credential', `${name} has no end that anybody has to remember.`)]
  }
}

/** Secrets are told apart by their first three characters, which is all that Microsoft shows; of several alike the last one counts. */
function expiryOfSecret(secret: string, own: OwnRegistration | undefined): Date | undefined {
  const ends = (own?.credentials ?? [])
    .filter(({ kind, hint }) => kind === 'secret' && hint === secret.slice(0, 3))
    .map(({ expiresAt }) => expiresAt.getTime())
  return ends.length === 0 ? undefined : new Date(Math.max(...ends))
}

function judgeExpiry(what: string, when: { readonly expiresAt: Date; readonly now: number }): Finding {
  const days = Math.floor((when.expiresAt.getTime() - when.now) / DAY_MS)
  const date = when.expiresAt.toISOString().slice(0, 10)
  if (days < 0) return bad('credential', `${what} expired on ${date}.`, REPLACE)
  if (days <= EXPIRY_WARNING_DAYS)
    return warning(
      'credential',
      `${what} expires ${days === 0 ? 'today' : days === 1 ? 'in 1 day' : `in ${days} days`}, on ${date}.`,
      REPLACE,
    )
  return good('credential', `${what} is valid until ${date}.`)
}

function lowerFirst(text: string): string {
  return `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`
}
