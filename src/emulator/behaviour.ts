// Switches of Graph's semantics: where Microsoft's service is known to have several faces, each face is a value here.
// Plain mutable data: tests and the administration interface assign to it while the emulator runs. Faults of transport
// (429, 5xx, broken bodies) are not here but in faults.ts.

/** Every switch of {@link Behaviour}, for the counters in `fired`. */
export type BehaviourName = Exclude<keyof Behaviour, 'fired'>

/**
 * How the directory behaves. Letters in brackets are the fault list of the emulator's issue. A rate is a probability
 * from 0 to 1, drawn from the tenant's seeded random numbers.
 */
export interface Behaviour {
  /** Objects on a list page when the request has no `$top`. */
  pageSize: number
  /** Objects on a delta page. */
  deltaPageSize: number
  /** Members on a groups/delta page, over all groups of the page. */
  deltaMembersPerPage: number
  /** (q) Advanced queries and `$count` show the directory as it was so many seconds ago. */
  indexLagSeconds: number
  /** (r) A change shows in delta only after so many seconds. */
  deltaLagSeconds: number
  /** (s) Members of unreadable types: decided by the token's roles, always limited, or never. */
  limitedInformation: 'byRole' | 'always' | 'never'
  /** (t) `/members` leaves out service principals unless it is asked as an advanced query. */
  servicePrincipalsHidden: boolean
  /** (u) A HiddenMembership group read without Member.Read.Hidden. */
  hiddenMembership: 'empty' | 'forbidden'
  /** (w) Purging a user shows as member removals in groups/delta. */
  hardDeleteGroupEvent: boolean
  /** Security groups go to the recycle bin; older documentation says they are deleted at once. */
  securityGroupsSoftDeleted: boolean
  /** (e) A list page token dies after so many seconds; `null`: never. */
  pageTokenLifeSeconds: number | null
  /** A delta token dies after so many seconds; Microsoft documents 7 days. */
  deltaTokenLifeSeconds: number
  /** (o, p) What an expired delta token answers. */
  expiredDelta: '400' | '410'
  /** (h) Rate of empty delta pages that carry a next link. Never two in a row. */
  emptyDeltaPages: number
  /** (i) A delta round repeats so many changes from before its token. */
  replayChanges: number
  /** (g) Rate of list pages whose first object was already the last of the page before. */
  duplicateObjectsInList: number
  /** (g) Rate of list pages after which one object is skipped. */
  missingObjectsInList: number
  /** (j) Rate of delta pages that hold their first object twice. */
  objectRepeatedInPage: number
  /** (k) Large groups are split over delta pages with other groups between their slices. */
  interleaveGroups: boolean
  /** (l) An initial round holds `@removed` objects, known and unknown, and `@removed` members. */
  removedInInitialRound: boolean
  /**
   * (m) How an edge that changed is told. `net`: once, as it is now. `both`: its opposite first, the truth last.
   * `removedLast`: a member that exists is added and then told as removed, as was seen on real initial rounds.
   */
  addAndRemoveOrder: 'net' | 'both' | 'removedLast'
  /** (n) users/delta tells a user first without and on a later page again with `manager@delta`. */
  managerRepeat: boolean
  /** (e) So many of the next pages carry a next link equal to the one they were asked by; `Infinity`: all. */
  repeatNextLink: number
  /** (f) The next link inside the answer to a repeated page request is refused. */
  retriedPageTokenInvalid: boolean
  /** (o, p) The next delta request invalidates every delta token given out so far; goes back to `none` by itself. */
  resetDelta: 'none' | '400' | '410'
  /**
   * What becomes of directory extensions that the tenant has not registered. `taken`: every one is as if it were registered.
   * `ignored`: `$select` leaves them out without a word, `$filter` refuses them. `refused`: both refuse them. The refusal of
   * `$filter` is seen in recorded answers of public repositories (2026-12); Microsoft documents neither.
   */
  unregisteredExtensions: 'taken' | 'ignored' | 'refused'
  /** Order of the answers of a `$batch`. */
  batchOrder: 'asked' | 'reversed' | 'shuffled'
  /** How often each switch acted. */
  readonly fired: Partial<Record<BehaviourName, number>>
}

/** Graph as Microsoft documents it. */
export function defaultBehaviour(): Behaviour {
  return {
    pageSize: 100,
    deltaPageSize: 200,
    deltaMembersPerPage: 500,
    indexLagSeconds: 0,
    deltaLagSeconds: 0,
    limitedInformation: 'byRole',
    servicePrincipalsHidden: true,
    hiddenMembership: 'empty',
    hardDeleteGroupEvent: true,
    securityGroupsSoftDeleted: true,
    pageTokenLifeSeconds: null,
    deltaTokenLifeSeconds: 7 * 24 * 3600,
    expiredDelta: '400',
    emptyDeltaPages: 0,
    replayChanges: 0,
    duplicateObjectsInList: 0,
    missingObjectsInList: 0,
    objectRepeatedInPage: 0,
    interleaveGroups: false,
    removedInInitialRound: false,
    addAndRemoveOrder: 'net',
    managerRepeat: false,
    repeatNextLink: 0,
    retriedPageTokenInvalid: false,
    resetDelta: 'none',
    unregisteredExtensions: 'taken',
    batchOrder: 'shuffled',
    fired: {},
  }
}

/** Counts that a switch acted. */
export function countFired(behaviour: Behaviour, name: BehaviourName): void {
  behaviour.fired[name] = (behaviour.fired[name] ?? 0) + 1
}
