// Small questions about the tenant itself and about Muster's own registration in it.
import { asRecord, parseJson, utf8 } from './body.ts'
import { BadAnswer, GraphError } from './errors.ts'
import type { Requester } from './retry.ts'
import { readEnvelope } from './wire.ts'

export interface Organization {
  /** The tenant id. */
  readonly id: string
  readonly displayName: string
  /** `AAD`, `AAD B2C` or `CIAM`; delta exists for `AAD` only. Null when Graph does not tell. */
  readonly tenantType: string | null
  /** Whose people have their passwords at an identity provider of their own, in lower case. */
  readonly federatedDomains: readonly string[]
}

/** @see https://learn.microsoft.com/graph/api/organization-list */
export async function getOrganization(graph: Requester, signal: AbortSignal): Promise<Organization> {
  const { value } = await graph.ask({
    url: graph.url('organization?$select=id,displayName,tenantType,verifiedDomains'),
    cost: 1,
    accept: 'application/json',
    signal,
    read(body) {
      const [organization, ...others] = readEnvelope(body).value
      const id = organization?.['id']
      if (organization === undefined || others.length > 0 || typeof id !== 'string')
        throw new BadAnswer('the answer does not name one tenant')
      return {
        id: id.toLowerCase(),
        displayName: text(organization['displayName']) ?? '',
        tenantType: text(organization['tenantType']) ?? null,
        federatedDomains: federatedIn(organization['verifiedDomains']),
      }
    },
  })
  return value
}

/** Advanced query: without the header Graph refuses it. The number is text, perhaps after a byte order mark. */
export async function countUsers(graph: Requester, signal: AbortSignal): Promise<number> {
  const { value } = await graph.ask({
    url: graph.url('users/$count'),
    headers: { ConsistencyLevel: 'eventual' },
    cost: 1,
    accept: 'text/plain',
    signal,
    read(body) {
      const digits = utf8(body)
        .replace(/^\uFEFF/, '')
        .trim()
      if (!/^\d{1,15}$/.test(digits)) throw new BadAnswer('the answer is not a number')
      return Number(digits)
    },
  })
  return value
}

export interface OwnCredential {
  readonly kind: 'secret' | 'certificate'
  /** First three characters of a secret. */
  readonly hint: string | undefined
  readonly expiresAt: Date
}

/** Muster's own app registration, as far as it matters here. */
export interface OwnRegistration {
  readonly credentials: readonly OwnCredential[]
  /** Where Microsoft may send people back to, platform Web; undefined where Graph does not tell. */
  readonly redirectUris: readonly string[] | undefined
  /** *Allow public client flows*; undefined where Graph does not tell. */
  readonly allowsPublicClient: boolean | undefined
  /** Names of the optional claims of id tokens; undefined where Graph does not tell. */
  readonly idTokenClaims: readonly string[] | undefined
}

/** @see https://learn.microsoft.com/graph/api/application-get (an app may read its own registration without permission) */
export async function getOwnRegistration(
  graph: Requester,
  options: { readonly clientId: string; readonly signal: AbortSignal },
): Promise<OwnRegistration | undefined> {
  try {
    const { value } = await graph.ask({
      url: graph.url(
        `applications(appId='${encodeURIComponent(options.clientId)}')?$select=id,appId,passwordCredentials,keyCredentials,web,isFallbackPublicClient,optionalClaims`,
      ),
      cost: 1,
      accept: 'application/json',
      signal: options.signal,
      read(body) {
        const application = asRecord(parseJson(body))
        if (application === undefined) throw new BadAnswer('the answer is not an application')
        const uris = asRecord(application['web'])?.['redirectUris']
        const isPublic = application['isFallbackPublicClient']
        return {
          credentials: [
            ...credentialsIn(application['passwordCredentials'], 'secret'),
            ...credentialsIn(application['keyCredentials'], 'certificate'),
          ],
          redirectUris: Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : undefined,
          // Null is off: https://learn.microsoft.com/graph/api/resources/application
          allowsPublicClient: isPublic === undefined ? undefined : isPublic === true,
          idTokenClaims: idTokenClaimsIn(application['optionalClaims']),
        }
      },
    })
    return value
  } catch (error) {
    // elsewhere than in its home tenant only the service principal exists
    const isHidden = error instanceof GraphError && (error.status === 404 || error.status === 403)
    if (isHidden) return undefined
    throw error
  }
}

/** Permissions whose presence a request can show. */
export type ProbedPermission =
  | 'User.Read.All'
  | 'GroupMember.Read.All'
  | 'Member.Read.Hidden'
  | 'User-LifeCycleInfo.Read.All'

interface Probe {
  readonly permission: ProbedPermission
  /** Object ids of groups with hidden membership. */
  readonly hiddenGroups: readonly string[]
  readonly signal: AbortSignal
}

/**
 * Asks for something that needs the permission in full. For users and groups these are changes "from now on": lists answer with less
 * to an app that may read basic profiles only. Members of hidden groups come or do not come; that a group is empty proves nothing.
 *
 * @returns false when Graph refuses for lack of the permission; undefined when its answer does not tell
 */
export async function probePermission(graph: Requester, probe: Probe): Promise<boolean | undefined> {
  if (probe.permission !== 'Member.Read.Hidden') return await isAllowed(graph, PATHS[probe.permission], probe.signal)
  for (const group of probe.hiddenGroups) {
    const path = `groups/${encodeURIComponent(group)}/members?$select=id&$top=1`
    const members = await ask(graph, path, probe.signal)
    if (members === undefined) return false
    if (members > 0) return true
  }
  return undefined
}

const PATHS = {
  'User.Read.All': 'users/delta?$deltatoken=latest&$select=id',
  'GroupMember.Read.All': 'groups/delta?$deltatoken=latest&$select=id,members',
  'User-LifeCycleInfo.Read.All': 'users?$top=1&$select=id,employeeLeaveDateTime',
} as const

async function isAllowed(graph: Requester, path: string, signal: AbortSignal): Promise<boolean> {
  return (await ask(graph, path, signal)) !== undefined
}

/** How many objects a page has; undefined when Graph refuses it. */
async function ask(graph: Requester, path: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { value } = await graph.ask({
      url: graph.url(path),
      cost: 1,
      accept: 'application/json',
      signal,
      read: readEnvelope,
    })
    return value.value.length
  } catch (error) {
    if (error instanceof GraphError && error.code === 'forbidden') return undefined
    throw error
  }
}

function federatedIn(domains: unknown): string[] {
  if (!Array.isArray(domains)) return []
  return domains.flatMap((item: unknown) => {
    const domain = asRecord(item)
    return domain?.['type'] === 'Federated' ? (text(domain['name'])?.toLowerCase() ?? []) : []
  })
}

/** Null is none: https://learn.microsoft.com/graph/api/resources/optionalclaims (seen 2026-12) */
function idTokenClaimsIn(claims: unknown): readonly string[] | undefined {
  if (claims === undefined) return undefined
  const ofIdTokens = asRecord(claims)?.['idToken']
  if (!Array.isArray(ofIdTokens)) return []
  return ofIdTokens.flatMap((claim: unknown) => text(asRecord(claim)?.['name']) ?? [])
}

function credentialsIn(list: unknown, kind: OwnCredential['kind']): OwnCredential[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((item: unknown) => {
    const end = Date.parse(text(asRecord(item)?.['endDateTime']) ?? '')
    return Number.isNaN(end) ? [] : [{ kind, hint: text(asRecord(item)?.['hint']), expiresAt: new Date(end) }]
  })
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
