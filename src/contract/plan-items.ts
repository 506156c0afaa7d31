// What `plan --format` and `runs RUN --items` give out for each line of a plan, in this order.
import { z } from 'zod'

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

const values = z.record(z.string(), z.unknown()).nullable()

/** Cards and PINs are masked. Memberships are told one by one, however the plan keeps them. */
export const planItemLine = z.object({
  run: z.string(),
  /** Place in the plan; the memberships of one stored item share it. */
  seq: z.int(),
  object: z.enum(['user', 'group', 'membership', 'credential']),
  action: z.string(),
  /** Entra's id of the user or group; memberships: of the user. */
  objectId: z.string().nullable(),
  name: z.string().nullable(),
  userId: z.string().nullable(),
  groupId: z.string().nullable(),
  /** Memberships: the name of the group. */
  group: z.string().nullable(),
  old: values,
  new: values,
  rule: z.string(),
  reason: z.string(),
  /** The registry row had moved when the plan was applied, or the approval left it out. */
  leftOut: z.boolean(),
})
export type PlanItemLine = z.infer<typeof planItemLine>
