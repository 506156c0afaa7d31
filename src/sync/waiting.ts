// A held plan waits for its approval while schedules go on: when a scheduled run leaves it in place, and when it replaces it.
import type { HeldReason } from '../contract/runs.ts'
import type { Queries } from '../database/connect.ts'
import { countChangedItems, countItems } from '../registry/plan-figures.ts'
import { isSameReading, type ReadFrom } from '../registry/made-with.ts'
import { type Run, waitingRun } from '../registry/runs.ts'

/** What a later run has planned. */
interface Newer {
  readonly sourceId: number
  readonly settingsVersion: number
  readonly readFrom: ReadFrom
  readonly runId: number
  readonly held: readonly HeldReason[]
}

/**
 * The plan that goes on waiting: it was made with the settings and the tenant of now, its time is not over, and every item that tripped a
 * limit would be planned again. What no item of it has tripped holds the later plan too. `undefined`: there is none, or it is not true any more.
 */
export async function stillWaiting(db: Queries, newer: Newer): Promise<Run | undefined> {
  const waiting = await waitingRun(db, newer.sourceId, 'for-all')
  const reasons = waiting?.summary?.held?.reasons
  if (waiting === undefined || reasons === undefined) return undefined
  const { settingsVersion, madeWith } = waiting
  if (settingsVersion !== newer.settingsVersion || madeWith === null || !isSameReading(madeWith, newer.readFrom))
    return undefined
  const counts = await countItems(db, waiting.id)
  for (const { rule } of reasons) {
    const kinds = itemsOf(rule)
    const has = kinds.some((of) => counts.some((c) => c.object === of.object && of.actions.includes(c.action)))
    if (!has && !newer.held.some((reason) => reason.rule === rule)) return undefined
    for (const items of kinds) {
      const changed = await countChangedItems(db, { runId: waiting.id, laterRunId: newer.runId, ...items })
      if (changed > 0) return undefined
    }
  }
  return waiting
}

interface RuleItems {
  readonly object: 'user' | 'group' | 'membership' | 'credential'
  readonly actions: readonly string[]
  /** Only items that change this field, or credentials of this kind. */
  readonly field?: string
  readonly kind?: string
}

const CHANGES = ['update', 'rename', 'adopt', 'take over'] as const

const REMOVED_USERS = { object: 'user', actions: ['deactivate', 'delete'] } as const
const HANDED_OVER_USERS = { object: 'user', actions: ['take over'] } as const
const REMOVED_MEMBERSHIPS = { object: 'membership', actions: ['remove'] } as const

/** The items that a rule of the safeguard counts; none for a rule that is about the run as a whole. */
function itemsOf(rule: string): readonly RuleItems[] {
  const [what = '', field = ''] = split(rule)
  switch (what) {
    case 'removals':
      return [field === 'users' ? REMOVED_USERS : { object: 'group', actions: ['delete'] }]
    case 'memberships':
      return [REMOVED_MEMBERSHIPS]
    // Whom a selected group loses goes, or another source has him; it need not be imported itself.
    case 'groups-emptied':
      return [REMOVED_MEMBERSHIPS, REMOVED_USERS, HANDED_OVER_USERS]
    case 'credentials':
      return [{ object: 'credential', actions: ['remove'] }]
    case 'adoptions':
      return [{ object: 'user', actions: ['adopt'] }]
    case 'rewrites':
      return [
        field === 'card' || field === 'pin'
          ? { object: 'credential', actions: ['add', 'remove'], kind: field }
          : { object: 'user', actions: CHANGES, field },
      ]
    case 'cleared':
      return [{ object: 'user', actions: CHANGES, field: field.split('.')[0] ?? field }]
    default:
      return []
  }
}

/** At the first dot: names of own fields have none, but are written `own.name`. */
function split(rule: string): readonly string[] {
  const dot = rule.indexOf('.')
  return dot === -1 ? [rule] : [rule.slice(0, dot), rule.slice(dot + 1)]
}
