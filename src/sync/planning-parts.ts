// What the parts of one planning share.
import type { SourceSettings } from '../contract/sources.ts'
import type { Transaction } from '../database/transaction.ts'
import type { Heirs } from './heirs.ts'
import type { GroupTemplates } from './map/attribute-groups.ts'
import type { PlanInput } from './plan-input.ts'
import type { PlanningWriter } from './planning-writer.ts'

/** One planning under way. */
export interface Planning {
  readonly tx: Transaction
  readonly input: PlanInput
  readonly writer: PlanningWriter
  readonly heirs: Heirs
  readonly templates: GroupTemplates
}

/** How many objects are looked at together. */
export const BATCH = 2_000

/** Since when somebody is missing matters only where he is given time. */
export function watchesAbsence(settings: SourceSettings): boolean {
  return settings.users.options.graceDays > 0
}

export function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += BATCH) yield list.slice(start, start + BATCH)
}
