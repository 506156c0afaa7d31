// What the parts of applying a plan share.

export interface ApplyOptions {
  /** The run that made the plan. */
  readonly runId: number
  readonly sourceId: number
  readonly tenantId: string
  readonly now: Date
  /** Leave these items out, e.g. `removals`. */
  readonly without?: 'removals' | 'rewrites' | undefined
  /** Items from which on a first load builds the indexes of its tables anew. */
  readonly rebuildFrom?: number
}

/** SQL: the items `i` of the run in $1 that are done. */
export const MINE = 'i.run_id = $1 and not i.left_out'

export interface PlanKinds {
  /** Object and action of the items that there are: whatever there is not needs no pass over the plan. */
  readonly kinds: ReadonlySet<string>
  /** The plan only creates, and the registry has no user yet. */
  readonly isFirst: boolean
}
