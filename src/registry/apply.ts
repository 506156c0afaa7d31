// Carries out a stored plan: registry, history and marks in the caller's one transaction, all set-based.
import type { Queries } from '../database/connect.ts'
import { fillTable } from '../database/fill.ts'
import type { Transaction } from '../database/transaction.ts'
import { changeClaims } from './user-claims.ts'
import { changeCredentials } from './apply-credentials.ts'
import { changeGroups, changeMemberships } from './apply-groups.ts'
import { changeUsers, createUsers, deactivate, deleteUsers, letGo, writeNames } from './apply-users.ts'
import { type ApplyOptions, type PlanKinds, Stages } from './applying.ts'
import { keyCreatedGroups, leaveOutTakenPaths } from './attribute-groups.ts'
import { leaveOutMoved } from './leave-out.ts'
import { countPlanMemberships } from './plan-figures.ts'
import { keepOverwritten, noteBefore } from './undo.ts'

export interface Applied {
  /** Items that were left out because their registry row had moved, or by the approval. */
  readonly leftOut: number
}

/**
 * Applies the plan of a run. Items whose registry row is not as the plan saw it, or whose values were taken meanwhile, are left
 * out and marked to be planned again; everything else is done exactly as shown.
 */
export async function applyPlan(tx: Transaction, options: ApplyOptions): Promise<Applied> {
  const run = [options.runId]
  const { kinds, ...looked } = await lookOver(tx, options.runId)
  const taken = kinds.has('group create') ? await leaveOutTakenPaths(tx, options.runId) : 0
  const isFirst = looked.isFirst && taken === 0
  // Nobody has anything yet, and there is no group, so nothing can have moved or been taken.
  const leftOut = taken + (isFirst ? 0 : await leaveOutMoved(tx, options))
  const { memberships } = looked
  const sum = (those: (kind: string) => boolean) =>
    [...kinds].reduce((total, [kind, count]) => total + (those(kind) && !kind.endsWith(' skip') ? count : 0), 0)
  const of = { groups: sum(isOf('group')), users: sum(isOf('user')), credentials: sum(isOf('credential')) }
  const created = kinds.get('user create') ?? 0
  const stages = new Stages(of.groups + of.users + of.credentials + memberships, options.onProgress)
  if (!isFirst) await noteBefore(tx, options.runId)
  if (kinds.has('user delete')) await deleteUsers(tx, run)
  if (kinds.has('user deactivate') || kinds.has('user update')) await deactivate(tx, run, options.now)
  if (!isFirst) await letGo(tx, run)
  if ([...kinds.keys()].some(isOf('group'))) await changeGroups(tx, run, options)
  if (kinds.has('group create')) await keyCreatedGroups(tx)
  stages.done(of.groups)
  await changeUsers(tx, run, { ...options, kinds })
  stages.done(of.users - created)
  const isLarge = isFirst && (await isManyItems(tx, options))
  const fill = (table: string, work: () => Promise<void>) => (isLarge ? fillTable(tx, table, work) : work())
  await fill('users', () => createUsers(tx, run, options))
  await fill('user_names', () => writeNames(tx, run, isFirst))
  stages.done(created)
  await changeCredentials(tx, run, { kinds, isFirst })
  stages.done(of.credentials)
  if (await hasMemberships(tx, options.runId)) await fill('memberships', () => changeMemberships(tx, options))
  stages.done(memberships)
  await changeClaims(tx, run, options)
  if (!isFirst) await keepOverwritten(tx, options.runId)
  return { leftOut }
}

/** What a plan does that is no change of the registry: memberships that somebody else gives too, and who claims whom. */
export async function applyUnseen(tx: Transaction, options: ApplyOptions): Promise<void> {
  if (await hasMemberships(tx, options.runId)) await changeMemberships(tx, options)
  if (await hasClaims(tx, options.runId)) await changeClaims(tx, [options.runId], options)
}

/**
 * Whether a plan changes or shares memberships. Asked first, as {@link hasClaims}: planning the statements that would find nothing costs
 * more than all else that a run without changes does.
 */
async function hasMemberships(tx: Queries, runId: number): Promise<boolean> {
  const { rows } = await tx.query<{ has: boolean }>(
    `select exists (select from plan_memberships where run_id = $1) or exists (select from plan_shared_memberships where run_id = $1) as has`,
    [runId],
  )
  return rows[0]?.has === true
}

/** Whether a plan says who claims whom, as its items may too. */
async function hasClaims(tx: Queries, runId: number): Promise<boolean> {
  const { rows } = await tx.query<{ has: boolean }>(
    `select exists (select from plan_claims where run_id = $1) or exists (select from plan_group_claims where run_id = $1)
       or exists (select from plan_items where run_id = $1) as has`,
    [runId],
  )
  return rows[0]?.has === true
}

const isOf = (object: string) => (kind: string) => kind.startsWith(`${object} `)

async function lookOver(tx: Queries, runId: number): Promise<PlanKinds & { readonly memberships: number }> {
  const found = await tx.query<{ kind: string; count: number }>(
    `select object || ' ' || action as kind, count(*) as count from plan_items where run_id = $1 group by object, action`,
    [runId],
  )
  const kinds = new Map(found.rows.map((row) => [row.kind, row.count]))
  const { added, removed } = await countPlanMemberships(tx, runId)
  const memberships = added + removed
  const creates = [...kinds.keys()].every((kind) => CREATING.has(kind))
  if (!creates) return { kinds, memberships, isFirst: false }
  // Groups of Entra that are there may be those that it creates; a default group that it does not create may be gone.
  const has = await tx.query<{ some: boolean }>(
    `select exists (select from users) or exists (select from groups where object_id is not null) or exists (
       select from plan_items i where i.run_id = $1 and i.object = 'user' and i.group_id is not null
         and not exists (select from groups g where g.id = i.group_id)
         and not exists (select from plan_items g where g.run_id = $1 and g.object = 'group' and g.group_id = i.group_id)) as some`,
    [runId],
  )
  return { kinds, memberships, isFirst: has.rows[0]?.some === false }
}

/** From so many items on, indexes are better built after everything is there; below, taking them down and up costs more than the rest. */
const REBUILD_FROM = 5_000

async function isManyItems(tx: Queries, { runId, rebuildFrom = REBUILD_FROM }: ApplyOptions): Promise<boolean> {
  const found = await tx.query<{ large: boolean }>(
    `select exists (select from plan_items where run_id = $1 offset $2) or
       exists (select from plan_memberships where run_id = $1 offset $2) as large`,
    [runId, rebuildFrom - 1],
  )
  return found.rows[0]?.large === true
}

const CREATING: ReadonlySet<string> = new Set([
  'user create',
  'user skip',
  'group create',
  'credential add',
  'membership add',
])
