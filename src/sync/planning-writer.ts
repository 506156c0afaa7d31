// Where a planning puts what it finds: items in their order, issues, and the registry ids that new objects get.
import type { Issue } from '../contract/runs.ts'
import type { Transaction } from '../database/transaction.ts'
import { insertIssues } from '../registry/issues.ts'
import { takeIds } from '../registry/planning.ts'
import { insertPlanItems } from '../registry/plans.ts'
import { digestOf } from './item-digest.ts'
import type { ItemDraft } from './item.ts'
import { writeMembershipItems } from './membership-items.ts'
import { DRAWN } from './plan-credentials.ts'
import type { PlanInput } from './plan-input.ts'

/** The running numbers of one planning. */
export class PlanningWriter {
  readonly #tx: Transaction
  readonly #input: PlanInput
  #seq = 1
  #ids: number[] = []
  #drawsPins = false

  constructor(tx: Transaction, input: PlanInput) {
    this.#tx = tx
    this.#input = input
  }

  /** Some items add a PIN that is not drawn yet. */
  get drawsPins(): boolean {
    return this.#drawsPins
  }

  async writeItems(items: readonly ItemDraft[]): Promise<void> {
    this.#drawsPins ||= items.some((item) => item.reason === DRAWN)
    await insertPlanItems(
      this.#tx,
      items.map((item) => ({ ...item, digest: digestOf(item) })),
      { runId: this.#input.runId, firstSeq: this.#seq },
    )
    this.#seq += items.length
  }

  async addIssues(issues: readonly Issue[]): Promise<void> {
    await insertIssues(this.#tx, issues, { sourceId: this.#input.source.id, runId: this.#input.runId })
  }

  /** Before a batch: as many ids as it has objects. */
  async fillIds(atLeast: number): Promise<void> {
    if (this.#ids.length < atLeast)
      this.#ids.push(...(await takeIds(this.#tx, Math.max(atLeast - this.#ids.length, 1))).reverse())
  }

  takeId(): number {
    const id = this.#ids.pop()
    if (id === undefined) throw new RangeError('more ids were taken than a batch has objects')
    return id
  }

  async writeMemberships(): Promise<void> {
    this.#seq = await writeMembershipItems(this.#tx, {
      runId: this.#input.runId,
      firstSeq: this.#seq,
      transitive: this.#input.source.settings.groups.membership === 'transitive',
      digest: digestOf,
    })
  }
}
