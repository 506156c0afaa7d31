// What `plan --format` and `runs RUN --items` give out for each line of a plan, in this order.

export const PLAN_ITEM_KEYS = [
  'run',
  'seq',
  'object',
  'action',
  'objectId',
  'name',
  'userId',
  'groupId',
  'group',
  'old',
  'new',
  'rule',
  'reason',
  'leftOut',
] as const

/** All that a plan can do to its objects. */
export const PLAN_ACTIONS = [
  'create',
  'adopt',
  'take over',
  'update',
  'rename',
  'move',
  'deactivate',
  'reactivate',
  'delete',
  'skip',
  'add',
  'remove',
] as const
export type PlanAction = (typeof PLAN_ACTIONS)[number]

/** Cards and PINs are masked. Memberships are told one by one, however the plan keeps them. */
export interface PlanItemLine {
  readonly run: string
  /** Place in the plan; the memberships of one stored item share it. */
  readonly seq: number
  readonly object: 'user' | 'group' | 'membership' | 'credential'
  readonly action: string
  /** Entra's id of the user or group; memberships: of the user. */
  readonly objectId: string | null
  readonly name: string | null
  readonly userId: string | null
  readonly groupId: string | null
  /** Memberships: the name of the group. */
  readonly group: string | null
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  readonly rule: string
  readonly reason: string
  /** The registry row had moved when the plan was applied, or the approval left it out. */
  readonly leftOut: boolean
}
