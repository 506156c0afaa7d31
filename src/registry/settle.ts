// What is still to be planned once a plan is applied.
import type { Queries } from '../database/connect.ts'
import type { MadeWith } from './made-with.ts'
import { release, type Releases } from './release.ts'
import { forgetReverted } from './reverted.ts'
import { notePeopledScopeGroups } from './scope-groups.ts'

export interface SettleOptions extends Releases {
  readonly runId: number
  readonly sourceId: number
  /** The fence of the run that made the plan: what was marked later stays marked. */
  readonly planFence: number
  readonly everybody: boolean
  /** The plan was for these users alone: whatever else is marked stays so. */
  readonly only?: readonly number[] | undefined
  readonly removalsAllowed: boolean
  readonly madeWith: Pick<
    MadeWith,
    'tenantId' | 'clientId' | 'plannerVersion' | 'clearedEverywhere' | 'emptiedScopeGroups'
  >
  /** Object ids of the groups whose members the source imports; empty where it imports everybody. */
  readonly scopeGroups: readonly string[]
  /** Every item was done: the approval left nothing out, and no row had moved. */
  readonly isWhole: boolean
  /** The plan changes nothing, so nobody was asked about it. */
  readonly isEmpty: boolean
}

/** SQL: reasons of skips by which nothing could be concluded about somebody: he himself is in doubt, or his scope is. */
const UNPROVEN = `'removal-unproven', 'listing-incomplete'`
const UNSEEN = `'scope-group-missing', 'membership-unknown'`

/**
 * Notes that the registry reflects what the plan was made of. Objects of items that were left out, and objects about which
 * nothing could be concluded, stay marked; after a plan that may remove nothing all do, for it does not say what it has kept.
 */
export async function settleMarks(tx: Queries, options: SettleOptions): Promise<void> {
  const { runId, sourceId, planFence } = options
  const only = options.only ?? null
  const isWhole = options.isWhole && options.removalsAllowed
  if (options.removalsAllowed) await forgetMarks(tx, options)
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct $2::int, o.key, $3::bigint from plan_items i join mirror_objects o on o.source_id = $2 and o.object_id = i.object_id
     where i.run_id = $1 and (i.left_out or (i.action = 'skip' and (i.reason in (${UNPROVEN})
       or (i.reason in (${UNSEEN}) and i.user_id is not null))))
     on conflict do nothing`,
    [runId, sourceId, planFence],
  )
  // Also those whose membership was left out with a group.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct $2::int, o.key, $3::bigint from plan_items i join plan_memberships m on m.run_id = i.run_id and m.group_id = i.group_id
       join users u on u.id = m.user_id join mirror_objects o on o.source_id = $2 and o.object_id = u.object_id
     where i.run_id = $1 and i.left_out and i.object = 'group'
     on conflict do nothing`,
    [runId, sourceId, planFence],
  )
  if (!options.removalsAllowed) {
    await tx.query(
      `insert into mirror_marks (source_id, key, at)
       select $1, o.key, $2 from mirror_objects o join groups g on g.object_id = o.object_id and not g.hidden
         and (g.source_id = $1 or exists (select from group_claims c where c.group_id = g.id and c.source_id = $1))
       where o.source_id = $1 and o.kind = 'g' and o.state <> 'l' on conflict do nothing`,
      [sourceId, planFence],
    )
  }
  await forgetReverted(tx, { sourceId, planFence })
  if (options.everybody) {
    await release(tx, options)
    if (options.removalsAllowed) {
      await notePlannedSettings(tx, options)
      await tx.query('update sources set marked_all = false where id = $1 and marked_all and marked_all_at < $2', [
        sourceId,
        planFence,
      ])
    }
  }
  if (options.scopeGroups.length > 0) {
    const settled = only === null && isWhole ? options.madeWith.emptiedScopeGroups : []
    await notePeopledScopeGroups(tx, { sourceId, objectIds: options.scopeGroups, settled })
  }
  if (only === null)
    await spendHolds(tx, { ...options, isWhole, isShown: !options.isEmpty || !(await isInDoubt(tx, options)) })
}

async function forgetMarks(tx: Queries, options: SettleOptions): Promise<void> {
  const { sourceId, planFence } = options
  const only = options.only ?? null
  // While an older plan waits, what one user was read for stays marked: the plan may still do to him what is no longer so.
  const isSettled = `($3::int[] is null or not exists (
    select from runs where source_id = $1 and outcome = 'held' and decision is null))`
  await tx.query(
    `delete from mirror_marks where source_id = $1 and at <= $2 and ($3::int[] is null or key = any($3)) and ${isSettled}`,
    [sourceId, planFence, only],
  )
  // Memberships of a group with an open issue are frozen: what changed in it is planned again until it is not.
  await tx.query(
    `delete from mirror_member_marks m where source_id = $1 and at <= $2
       and ($3::int[] is null or (m.member_key = any($3) and m.kind = 'u')) and ${isSettled}
       and not exists (select from mirror_objects o join issues i on i.source_id = $1 and i.object_id = o.object_id
         where o.key = m.group_key)`,
    [sourceId, planFence, only],
  )
}

/** Whether somebody was left as he is because nothing could be concluded about him, or might have been: a selected group is in doubt. */
async function isInDoubt(tx: Queries, { runId, sourceId, scopeGroups }: SettleOptions): Promise<boolean> {
  const found = await tx.query<{ has: boolean }>(
    `select exists (select from plan_items where run_id = $1 and action = 'skip' and reason in (${UNPROVEN}, ${UNSEEN}))
       or ($3 and exists (select from issues where source_id = $2 and code in (${UNSEEN}))) as has`,
    [runId, sourceId, scopeGroups.length > 0],
  )
  return found.rows[0]?.has === true
}

/**
 * What held the plan whatever it does, and that somebody has approved by now, holds no other one: so much as the plan was made with, which
 * may have waited since, and only once nothing of it is left to be done. A plan that is empty because of doubts (`isShown`: false) has
 * shown nobody what comes of it once they are gone; only how plans are made was applied to everybody. Of a source that knows nothing
 * yet, it is just noted.
 */
async function spendHolds(
  tx: Queries,
  { sourceId, madeWith, isWhole, isShown }: SettleOptions & { readonly isShown: boolean },
): Promise<void> {
  const { plannerVersion, tenantId, clientId, clearedEverywhere } = madeWith
  if (isWhole && isShown && clearedEverywhere.length > 0) {
    await tx.query(
      `update sources set cleared_everywhere = array(select a from unnest(cleared_everywhere) a where a <> all ($2::text[]))
       where id = $1 and cleared_everywhere && $2::text[]`,
      [sourceId, clearedEverywhere],
    )
  }
  await tx.query(
    `update sources set planner_version = $2 where id = $1 and planner_version is distinct from $2 and ($3 or planner_version is null)`,
    [sourceId, plannerVersion, isWhole],
  )
  await tx.query(
    `update sources set seen_tenant_id = $2, seen_client_id = $3
     where id = $1 and (seen_tenant_id, seen_client_id) is distinct from ($2, $3) and ($4 or seen_tenant_id is null)`,
    [sourceId, tenantId, clientId, isWhole && isShown],
  )
}

/**
 * Later changes are owed to Entra where the mapping is still the one with which everybody was planned. Changed settings of which a
 * plan was done in part are not known to be that: whoever was left out or frozen gets what they make of him in a later plan.
 */
async function notePlannedSettings(tx: Queries, { runId, sourceId }: SettleOptions): Promise<void> {
  await tx.query(
    `update sources s set planned_settings = case when p.is_whole then s.settings end
     from (select not exists (select from plan_items i where i.run_id = $1 and (
       (i.left_out and i.object in ('user', 'credential'))
       or (i.action = 'skip' and i.user_id is not null and i.reason in (${UNPROVEN}, ${UNSEEN})))) as is_whole) p
     where s.id = $2 and s.planned_settings is distinct from s.settings and (p.is_whole or s.planned_settings is not null)`,
    [runId, sourceId],
  )
}
