// Which run is meant to be taken back, and which of its people.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { canonical } from '../directory/canonical.ts'
import { requireRun } from './runs.ts'

export interface RevertibleRun {
  /** The run that was applied: the approval of a held plan, else the run itself. */
  readonly runId: number
  /** The run that made the plan. */
  readonly planRunId: number
  readonly sourceId: number
  readonly source: string
}

/**
 * The applied run that somebody names: also by the held run whose plan was approved.
 *
 * @throws NotFoundError; ConflictError `not-applied`, `source-removed`, `history-expired`, `not-recorded`
 */
export async function requireRevertible(db: Queries, runId: number): Promise<RevertibleRun> {
  const named = await requireRun(db, runId)
  const approval = await db.query<{ id: number }>(
    `select id from runs where approves = $1 and outcome = 'applied' order by id desc limit 1`,
    [runId],
  )
  const applied = approval.rows[0] === undefined ? named : await requireRun(db, approval.rows[0].id)
  if (applied.outcome !== 'applied') {
    throw new ConflictError(
      'not-applied',
      `Run ${runId} changed nothing in the registry, so there is nothing to take back`,
    )
  }
  if (applied.sourceId === null) {
    throw new ConflictError(
      'source-removed',
      `The source of run ${runId} was removed. Removing it changed all of its people, who belong to no source since, so they are not as the run left them any more, and there is no source whose runs could be kept from writing meanwhile. What the run overwrote is still known: muster runs ${runId} --items --format csv lists each old value, to be put back by hand`,
    )
  }
  const planRunId = applied.approves ?? applied.id
  const kept = await db.query<{ removed: boolean; changed: boolean; kept: boolean }>(
    `select r.items_removed_at is not null as removed,
       exists (select from plan_items i where i.run_id = r.id and i.object = 'user' and i.action not in ('create', 'skip') and not i.left_out) as changed,
       exists (select from undo_users u where u.run_id = r.id) as kept
     from runs r where r.id = $1`,
    [planRunId],
  )
  const [state] = kept.rows
  if (state?.removed === true) {
    throw new ConflictError(
      'history-expired',
      `What run ${runId} overwrote was removed from the history (MUSTER_HISTORY_DAYS), so it cannot be taken back any more`,
    )
  }
  if (state?.changed === true && !state.kept) {
    throw new ConflictError(
      'not-recorded',
      `Run ${runId} was applied by a version of Muster that did not keep what it overwrote, so it cannot be taken back`,
    )
  }
  return { runId: applied.id, planRunId, sourceId: applied.sourceId, source: applied.source }
}

/**
 * The user of a run whom somebody names by object id, user name, alias, or user principal name.
 *
 * @throws NotFoundError when the run did nothing to such a user; ConflictError `ambiguous`
 */
export async function requireUserOfRun(db: Queries, run: RevertibleRun, who: string): Promise<number> {
  const found = await db.query<{ id: number; is_name: boolean }>(
    `with objects as (
       select o.object_id from mirror_objects o
       where o.source_id = $2 and o.kind = 'u' and lower(o.attributes ->> 'userPrincipalName') = lower($3)),
     meant as (
       select id, true as is_name from users where object_id::text = lower($3) or object_id in (select object_id from objects)
       union select user_id, kind = 'n' from user_names where key = $4
       union select i.user_id, true from plan_items i where i.run_id = $1 and i.object = 'user' and i.user_id is not null
         and (i.object_id::text = lower($3) or lower(i.name) = lower($3) or i.object_id in (select object_id from objects)))
     select m.id, bool_or(m.is_name) as is_name from meant m
     where exists (select from plan_items i where i.run_id = $1 and i.user_id = m.id and i.action <> 'skip')
       or exists (select from plan_memberships p where p.run_id = $1 and p.user_id = m.id and p.op <> 'k')
     group by m.id`,
    [run.planRunId, run.sourceId, who, canonical(who)],
  )
  // A user name says more than the alias of somebody else.
  const named = found.rows.filter((row) => row.is_name)
  const candidates = named.length > 0 ? named : found.rows
  const [user, another] = candidates
  if (user === undefined) throw new NotFoundError(`user whom run ${run.runId} changed:`, who)
  if (another !== undefined) {
    throw new ConflictError(
      'ambiguous',
      `Run ${run.runId} changed several people called ${JSON.stringify(who)}; name the one you mean by his object id`,
    )
  }
  return user.id
}
