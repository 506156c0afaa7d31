// One tenant's Microsoft Graph: everything that Muster reads there goes through one client, which holds token,
// connections and limits for it.
import type { LookupFunction } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { GroupEntry, UserEntry } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'
import { checkRoots } from './clouds.ts'
import type { Credential, CredentialOutcome } from './credential.ts'
import { type DeltaEnding, type DeltaOptions, type DeltaPage, eachDeltaPage, latestLink } from './delta.ts'
import type { ProxySettings } from './dispatcher.ts'
import { groupDeltaMark, groupDeltaReader, type ListGroupsOptions, listGroups } from './groups.ts'
import { createLimiter } from './limiter.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { graphRoot } from './links.ts'
import {
  findUserByName,
  type Found,
  groupsAmong,
  lookUp,
  lookUpDeleted,
  type LookUpOptions,
  transitiveGroupsOf,
} from './lookups.ts'
import { eachMembersPage, type GroupToRead, type MembersPage } from './memberships.ts'
import { createSender, type Sender } from './request.ts'
import { findCloud } from './other-clouds.ts'
import { proxyFor } from './proxy.ts'
import { createRequester, type Requester } from './retry.ts'
import { searchDirectory, type SearchHit, type SearchOptions } from './search.ts'
import {
  countUsers,
  getOrganization,
  getOwnRegistration,
  type Organization,
  type OwnRegistration,
  type ProbedPermission,
  probePermission,
} from './tenant.ts'
import { createTokenSource, type TokenSource } from './token.ts'
import { unknownAttributes } from './unknown-attributes.ts'
import { type GraphUsage, startUsage } from './usage.ts'
import { type ListPage, type ListUsersOptions, listUsers, markOf, userDeltaReader } from './users.ts'

export interface GraphClientOptions {
  readonly tenantId: string
  readonly clientId: string
  /** Tried in order. */
  readonly credentials: readonly Credential[]
  /** Roots without tenant or version. */
  readonly authorityUrl: string
  readonly graphUrl: string
  readonly clock: Clock
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number
  readonly log: Log
  /** Stands in for the network. */
  readonly fetch?: typeof fetch
  readonly proxy?: ProxySettings
  /** PEM file with further trusted certificate authorities. */
  readonly caFile?: string
  readonly userAgent: string
  /** Told once, when the client stops, what became of the credentials that were tried. */
  readonly onStop?: (outcomes: readonly CredentialOutcome[]) => Promise<void>
  readonly limits?: Partial<Limits>
  /** Name look-up; a test seam. */
  readonly lookup?: LookupFunction
}

/**
 * Reads one tenant. Runs that share a client share its token, its limiter and every Retry-After pause.
 * Nothing is sent before the first method is called. Must be stopped.
 *
 * All methods throw GraphError or TokenError, and the signal's reason as soon as it aborts.
 */
export class GraphClient {
  readonly tenantId: string
  readonly clientId: string
  /** Root without tenant. */
  readonly authorityUrl: string
  readonly credentials: readonly Credential[]
  readonly #graphUrl: string
  readonly #proxy: ProxySettings | undefined
  readonly #stopped = new AbortController()
  readonly #sender: Sender
  readonly #requester: Requester
  readonly #tokens: TokenSource
  readonly #onStop: GraphClientOptions['onStop']
  readonly #unknownMembers = new Map<string, number>()
  #restartedListings = 0

  /** @throws ConfigError for roots, proxy, or CA file that cannot be used */
  constructor(options: GraphClientOptions) {
    const { authorityUrl, graphUrl } = checkRoots(options)
    const { tenantId, clientId, credentials, clock, random, log, userAgent } = options
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.tenantId = tenantId
    this.clientId = clientId
    this.authorityUrl = authorityUrl
    this.#graphUrl = graphUrl
    this.#proxy = options.proxy
    this.credentials = credentials
    this.#onStop = options.onStop
    this.#sender = createSender({ ...options, graphUrl, limits })
    this.#tokens = createTokenSource({
      tenantId,
      clientId,
      credentials,
      authorityUrl,
      graphUrl,
      clock,
      random,
      log,
      limits,
      userAgent,
      sender: this.#sender,
      stopped: this.#stopped.signal,
    })
    this.#requester = createRequester({
      root: graphRoot(graphUrl),
      limits,
      limiter: createLimiter({ clock, limits }),
      tokens: this.#tokens,
      sender: this.#sender,
      usage: startUsage(),
      clock,
      random,
      log,
      userAgent,
    })
  }

  /** Live counters. */
  get usage(): GraphUsage {
    return this.#requester.usage
  }

  /** Members that were neither user nor group, by type. */
  get unknownMembers(): ReadonlyMap<string, number> {
    return this.#unknownMembers
  }

  /** Listings that began anew because a page token died. */
  get restartedListings(): number {
    return this.#restartedListings
  }

  /** Milliseconds by which Microsoft's clock was ahead of this machine's at the last answer; whole seconds at best. */
  get clockSkewMs(): number | undefined {
    return this.#requester.clockSkewMs ?? this.#tokens.clockSkewMs
  }

  /** Fetches a token if none is cached; proves the credential without any permission. */
  async checkToken(signal: AbortSignal): Promise<void> {
    await this.#tokens.get(signal)
  }

  /** Asks for a token with each credential; {@link outcomes} tells what came of it. */
  tryCredentials(signal: AbortSignal): Promise<void> {
    return this.#tokens.tryAll(signal)
  }

  /** What became of the credentials that were tried so far. */
  get outcomes(): readonly CredentialOutcome[] {
    return this.#tokens.outcomes
  }

  getOrganization(signal: AbortSignal): Promise<Organization> {
    return getOrganization(this.#requester, signal)
  }

  /** Users in the tenant by an index that may lag. Also tells the limiter the tenant's size. */
  async countUsers(signal: AbortSignal): Promise<number> {
    const count = await countUsers(this.#requester, signal)
    this.#requester.limiter.setTenantUsers(count)
    return count
  }

  /** This app registration; undefined where it may not be read, e.g. outside its home tenant. */
  getOwnRegistration(signal: AbortSignal): Promise<OwnRegistration | undefined> {
    return getOwnRegistration(this.#requester, { clientId: this.clientId, signal })
  }

  /**
   * Whether the token holds an application permission, found out by one call that needs it; undefined where that does not show.
   *
   * @param hiddenGroups known groups with hidden membership, for `Member.Read.Hidden`
   */
  hasPermission(
    permission: ProbedPermission,
    signal: AbortSignal,
    hiddenGroups: readonly string[] = [],
  ): Promise<boolean | undefined> {
    return probePermission(this.#requester, { permission, hiddenGroups, signal })
  }

  /** The cloud that the tenant is in, where it is another one than the chosen. */
  findCloud(signal: AbortSignal): ReturnType<typeof findCloud> {
    return findCloud(this.#sender, { tenantId: this.tenantId, authorityUrl: this.authorityUrl, signal })
  }

  /** Which hosts are reached through the proxy, and which are exempt from it; both empty where none is set. */
  get proxyUse(): {
    readonly used: readonly { readonly host: string; readonly proxy: string }[]
    readonly exempt: readonly string[]
  } {
    const hosts = [...new Set([this.authorityUrl, this.#graphUrl].map((root) => new URL(root).origin))]
    if (this.#proxy?.httpsProxy === undefined || this.#proxy.httpsProxy === '') return { used: [], exempt: [] }
    const ways = hosts
      .filter((origin) => origin.startsWith('https:'))
      .map((origin) => ({ host: new URL(origin).host, proxy: proxyFor(this.#proxy, origin) }))
    return {
      used: ways.flatMap(({ host, proxy }) => (proxy === undefined ? [] : [{ host, proxy }])),
      exempt: ways.flatMap(({ host, proxy }) => (proxy === undefined ? [host] : [])),
    }
  }

  /** All users, or those of a filter. Pages of 999; 100 with `expandManager`. */
  listUsers(options: ListUsersOptions): AsyncGenerator<ListPage<UserEntry>, void> {
    return listUsers(this.#requester, { ...options, onRestart: this.#countRestart })
  }

  /** All groups, without members. */
  listGroups(options: ListGroupsOptions): AsyncGenerator<ListPage<GroupEntry>, void> {
    return listGroups(this.#requester, { ...options, onRestart: this.#countRestart })
  }

  /** Delta link for changes of users from now on. `select` may hold `manager`. */
  latestUsersLink(options: LookUpOptions): Promise<string> {
    return latestLink(this.#requester, { ...options, collection: 'users' })
  }

  /** Delta link for changes of groups and their members from now on. */
  latestGroupsLink(options: LookUpOptions): Promise<string> {
    const select = [...options.select, 'members']
    return latestLink(this.#requester, { ...options, select, collection: 'groups' })
  }

  /** One round of changes of users. */
  usersDelta(options: DeltaOptions): AsyncGenerator<DeltaPage<UserEntry>, DeltaEnding> {
    return eachDeltaPage<UserEntry>(this.#requester, {
      ...options,
      what: 'users/delta',
      readEntries: userDeltaReader(options.select),
      mark: markOf,
      onRestart: this.#countRestart,
    })
  }

  /** One round of changes of groups, with the members that came and went. */
  groupsDelta(options: DeltaOptions): AsyncGenerator<DeltaPage<GroupEntry>, DeltaEnding> {
    return eachDeltaPage<GroupEntry>(this.#requester, {
      ...options,
      what: 'groups/delta',
      readEntries: groupDeltaReader(options.select, this.#unknownMembers),
      mark: groupDeltaMark,
      onRestart: this.#countRestart,
    })
  }

  /** Complete direct members of the given groups, in parallel; see {@link MembersPage}. */
  members(
    groups: AsyncIterable<GroupToRead> | Iterable<GroupToRead>,
    options: { readonly signal: AbortSignal },
  ): AsyncGenerator<MembersPage, void> {
    const { signal } = options
    return eachMembersPage(this.#requester, groups, {
      signal,
      unknown: this.#unknownMembers,
      onRestart: this.#countRestart,
    })
  }

  lookUpUsers(ids: Iterable<ObjectId>, options: LookUpOptions): Promise<Map<ObjectId, Found>> {
    return lookUp(this.#requester, ids, { ...options, collection: 'users' })
  }

  lookUpGroups(ids: Iterable<ObjectId>, options: LookUpOptions): Promise<Map<ObjectId, Found>> {
    return lookUp(this.#requester, ids, { ...options, collection: 'groups' })
  }

  /** Which of the ids lie in the recycle bin. */
  lookUpDeletedUsers(
    ids: Iterable<ObjectId>,
    options: { readonly signal: AbortSignal },
  ): Promise<Map<ObjectId, 'deleted' | 'absent'>> {
    return lookUpDeleted(this.#requester, ids, options)
  }

  /** The object id behind a user principal name; undefined when nobody has it. */
  findUserByName(userPrincipalName: string, options: { readonly signal: AbortSignal }): Promise<ObjectId | undefined> {
    return findUserByName(this.#requester, userPrincipalName, options)
  }

  /** At most 25 users or groups by what somebody types. */
  search(options: SearchOptions): Promise<readonly SearchHit[]> {
    return searchDirectory(this.#requester, options)
  }

  /** Which of these directory extensions the tenant does not have. */
  unknownAttributes(options: {
    readonly names: readonly string[]
    readonly signal: AbortSignal
  }): Promise<readonly string[]> {
    return unknownAttributes(this.#requester, options)
  }

  /** Groups that a user is in, directly or through other groups. */
  transitiveGroupsOf(userId: ObjectId, options: { readonly signal: AbortSignal }): Promise<ObjectId[]> {
    return transitiveGroupsOf(this.#requester, userId, { ...options, onRestart: this.#countRestart })
  }

  /** Which of these groups a user is in, directly or through other groups. */
  groupsAmong(
    userId: ObjectId,
    options: { readonly among: readonly ObjectId[]; readonly signal: AbortSignal },
  ): Promise<ObjectId[]> {
    return groupsAmong(this.#requester, userId, options)
  }

  /** Ends connections; whatever is in flight fails. */
  async stop(): Promise<void> {
    const isFirst = !this.#stopped.signal.aborted
    this.#stopped.abort()
    await this.#sender.stop()
    if (isFirst) await this.#onStop?.(this.outcomes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  readonly #countRestart = (): void => {
    this.#restartedListings++
  }
}
