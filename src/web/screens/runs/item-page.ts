// The page of whom or what an item of a plan is about, where there is one.
import type { PlanItemLine } from '../../../contract/plan-items.ts'

type Item = Pick<PlanItemLine, 'object' | 'action' | 'userId' | 'groupId' | 'leftOut'>

export interface PlanState {
  readonly isApplied: boolean
  /** Ids of the users that it deleted; undefined where they are not known. */
  readonly deleted: ReadonlySet<string> | undefined
}

export type PageOfItem = { readonly kind: 'user' | 'group'; readonly id: string } | undefined

/**
 * A plan has ids of those whom it creates, who are not here before it was applied. Who gets a card or comes into a group may be one of
 * them. After it was applied, those whom it deleted are gone; who loses a card or a membership may be one of them.
 */
export function pageOf(item: Item, plan: PlanState): PageOfItem {
  const { action, userId, groupId, leftOut } = item
  const isMade = action === 'create' || action === 'add'
  if (plan.isApplied ? action === 'delete' || (leftOut && isMade) : isMade) return undefined
  if (plan.isApplied && action === 'remove' && userId !== null && plan.deleted?.has(userId) !== false) return undefined
  if (userId !== null) return { kind: 'user', id: userId }
  return item.object === 'group' && groupId !== null ? { kind: 'group', id: groupId } : undefined
}
