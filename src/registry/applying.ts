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
  /** Told after each stage: how much of the plan is done, memberships one by one. */
  readonly onProgress?: ApplyProgress | undefined
}

export type ApplyProgress = (done: number, total: number) => void

/** Counts up what is done, stage by stage, and tells of it. */
export class Stages {
  readonly #total: number
  readonly #tell: ApplyProgress | undefined
  #done = 0

  constructor(total: number, tell: ApplyProgress | undefined) {
    this.#total = total
    this.#tell = tell
    tell?.(0, total)
  }

  done(count: number): void {
    this.#done += count
    this.#tell?.(this.#done, this.#total)
  }
}

/** SQL: the items `i` of the run in $1 that are done. */
export const MINE = 'i.run_id = $1 and not i.left_out'

export interface PlanKinds {
  /** Object and action of the items that there are, and how many: whatever there is not needs no pass over the plan. */
  readonly kinds: ReadonlyMap<string, number>
  /** The plan only creates, and the registry has no user and no group of Entra yet. */
  readonly isFirst: boolean
}
