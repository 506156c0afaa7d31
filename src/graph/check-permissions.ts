// Check connection: the application permissions, each with what it is needed for.
import type { GraphClient } from './client.ts'
import { asFinding, bad, type Finding, good, warning } from './finding.ts'
import type { ProbedPermission } from './tenant.ts'

/** A permission that sources need, and why. */
export interface NeededPermission {
  readonly permission: ProbedPermission
  /** What needs it, as a clause: `contoso-staff reads users`. */
  readonly reasons: readonly string[]
  /** False: without it something stays as it is, and everything else works. */
  readonly isRequired: boolean
  /** Groups with hidden membership that are known, to ask for their members. */
  readonly hiddenGroups?: readonly string[]
}

/** A finding for each permission; those missing carry the link where an administrator of the tenant consents. */
export async function checkPermissions(
  client: GraphClient,
  options: {
    readonly needs: readonly NeededPermission[]
    /** Where an administrator of the tenant consents. */
    readonly consentUrl: string
    readonly signal: AbortSignal
  },
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const need of options.needs) {
    const check = `permission:${need.permission}` as const
    findings.push(await asFinding(check, () => checkOne(client, { ...options, need, check })))
  }
  return findings
}

async function checkOne(
  client: GraphClient,
  {
    need,
    check,
    consentUrl,
    signal,
  }: { need: NeededPermission; check: `permission:${string}`; consentUrl: string; signal: AbortSignal },
): Promise<Finding> {
  const { permission, reasons, isRequired, hiddenGroups = [] } = need
  const isThere = await client.hasPermission(permission, signal, hiddenGroups)
  const why = reasons.length === 0 ? '' : ` Needed because ${reasons.join('; ')}.`
  if (isThere === undefined)
    return warning(
      check,
      `Whether ${permission} is granted does not show: Microsoft shows groups with hidden membership as empty without it.${why}`,
      `If such groups stay empty though they have members, add ${permission}; ${isManaged(client) ? 'assign it to the identity.' : 'grant admin consent.'}`,
    )
  if (isThere) return good(check, `${permission} is granted.${why}`)
  if (isManaged(client)) {
    const remedy = `Assign the app role ${permission} of Microsoft Graph to the managed identity (New-MgServicePrincipalAppRoleAssignment); Azure keeps its tokens for up to a day, so it may take as long to work.`
    return isRequired
      ? bad(check, `${permission} is missing.${why}`, remedy)
      : warning(check, `${permission} is missing.${why}`, remedy)
  }
  const remedy = `Add the application permission ${permission} of Microsoft Graph under API permissions and grant admin consent; it works in tokens issued afterwards.`
  const finding = isRequired
    ? bad(check, `${permission} is missing.${why}`, remedy)
    : warning(check, `${permission} is missing.${why}`, remedy)
  return { ...finding, link: consentUrl }
}

function isManaged(client: GraphClient): boolean {
  return client.outcomes.find(({ refusal }) => refusal === undefined)?.credential.kind === 'managedIdentity'
}
