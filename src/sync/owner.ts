// Which of several sources owns a person: the one of lowest priority number that wants him now. Pure.

/** What ranks a source among the others of its tenant. */
export interface SourceRank {
  readonly id: number
  readonly name: string
  readonly priority: number
  readonly enabled: boolean
}

/** Lower priority number first, then name. */
export function compareRank(a: SourceRank, b: SourceRank): number {
  return a.priority - b.priority || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}

export interface OwnerQuestion {
  /** The source that asks, and wants him. */
  readonly me: SourceRank
  /** The other sources of the tenant. */
  readonly rivals: readonly SourceRank[]
  /** Ids of the sources that claim him. */
  readonly claims: readonly number[]
}

/** The enabled source that comes before the asking one and claims him too; `undefined` when he is the asking one's. */
export function strongerClaimant({ me, rivals, claims }: OwnerQuestion): SourceRank | undefined {
  return claimantsOf(rivals, claims).find((rival) => compareRank(rival, me) < 0)
}

/** The enabled ones among `rivals` that claim, strongest first. A disabled source claims nobody. */
export function claimantsOf<Rank extends SourceRank>(rivals: readonly Rank[], claims: readonly number[]): Rank[] {
  return rivals.filter((rival) => rival.enabled && claims.includes(rival.id)).sort(compareRank)
}
