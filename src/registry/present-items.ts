// Plan items as they are shown: without what only programs with the key can use.
import type { PlanItemLine } from '../contract/plan-items.ts'
import type { PlanItem } from './plans.ts'

/** An item that need not be stored; memberships of many rows stay one line that tells how many. */
export function presentItem(item: PlanItem): PlanItemLine {
  const { runId, seq, object, action, objectId, name, userId, groupId, rule, reason, leftOut } = item
  const group = object === 'membership' ? (item.new ?? item.old)?.['group'] : undefined
  return {
    run: String(runId),
    seq,
    object,
    action,
    objectId,
    name,
    userId: userId === null ? null : String(userId),
    groupId: groupId === null ? null : String(groupId),
    group: typeof group === 'string' ? group : null,
    old: masked(item.old),
    new: masked(item.new),
    rule,
    reason,
    leftOut,
  }
}

/** Look-ups tell which cards are the same to whoever has the key, and sealed numbers which they are. */
function masked(values: PlanItem['old']): PlanItemLine['old'] {
  if (values === null) return null
  const { lookup: _, sealed: __, digest: ___, ...shown } = values
  return shown
}
