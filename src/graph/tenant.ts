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
}

/** @see https://learn.microsoft.com/graph/api/organization-list */
export async function getOrganization(graph: Requester, signal: AbortSignal): Promise<Organization> {
  const { value } = await graph.ask({
    url: graph.url('organization?$select=id,displayName,tenantType'),
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

/** @see https://learn.microsoft.com/graph/api/application-get (an app may read its own registration without permission) */
export async function getOwnCredentials(
  graph: Requester,
  options: { readonly clientId: string; readonly signal: AbortSignal },
): Promise<readonly OwnCredential[] | undefined> {
  try {
    const { value } = await graph.ask({
      url: graph.url(
        `applications(appId='${encodeURIComponent(options.clientId)}')?$select=id,appId,passwordCredentials,keyCredentials`,
      ),
      cost: 1,
      accept: 'application/json',
      signal: options.signal,
      read(body) {
        const application = asRecord(parseJson(body))
        if (application === undefined) throw new BadAnswer('the answer is not an application')
        return [
          ...credentialsIn(application['passwordCredentials'], 'secret'),
          ...credentialsIn(application['keyCredentials'], 'certificate'),
        ]
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

/**
 * Asks for changes "from now on", which needs the permission in full: lists answer with less to an app that may read
 * basic profiles only.
 *
 * @returns false when Graph refuses for lack of the permission
 */
export async function probePermission(
  graph: Requester,
  options: { readonly permission: 'User.Read.All' | 'GroupMember.Read.All'; readonly signal: AbortSignal },
): Promise<boolean> {
  const path =
    options.permission === 'User.Read.All'
      ? 'users/delta?$deltatoken=latest&$select=id'
      : 'groups/delta?$deltatoken=latest&$select=id,members'
  try {
    await graph.ask({
      url: graph.url(path),
      cost: 1,
      accept: 'application/json',
      signal: options.signal,
      read: readEnvelope,
    })
    return true
  } catch (error) {
    if (error instanceof GraphError && error.code === 'forbidden') return false
    throw error
  }
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
