// Which sources claim whom: noted with a plan, and true once it is applied.
import type { Queries } from '../database/connect.ts'
import { type ApplyOptions, MINE } from './applying.ts'
import { applyGroupClaims } from './group-claims.ts'

export interface UserClaim {
  readonly userId: number
  /** False: the source wants the user no more. */
  readonly claims: boolean
}

/** Notes with a plan whom of the registry its source wants and whom it drops; they become its claims when the plan is applied. */
export async function planClaims(tx: Queries, runId: number, claims: readonly UserClaim[]): Promise<void> {
  if (claims.length === 0) return
  await tx.query(
    'insert into plan_claims (run_id, user_id, claims) select $1, * from unnest($2::int[], $3::boolean[]) on conflict do nothing',
    [runId, claims.map((c) => c.userId), claims.map((c) => c.claims)],
  )
}

export async function changeClaims(tx: Queries, run: readonly number[], options: ApplyOptions): Promise<void> {
  const own = [run[0], options.sourceId]
  await tx.query(
    `insert into claims (user_id, source_id)
     select distinct i.user_id, $2::int from plan_items i join users u on u.id = i.user_id
     where ${MINE} and i.object = 'user' and i.user_id is not null
       and i.action in ('create', 'adopt', 'take over', 'reactivate')
       and i.reason not in ('object-id-moved', 'dropped-by-owner')
     union select c.user_id, $2 from plan_claims c join users u on u.id = c.user_id where c.run_id = $1 and c.claims
     on conflict do nothing`,
    own,
  )
  // Whoever was left out is planned again, and stays claimed until then.
  await tx.query(
    `delete from claims c using (
       select p.user_id from plan_claims p where p.run_id = $1 and not p.claims
         and not exists (select from plan_items i where i.user_id = p.user_id and i.run_id = $1 and i.object = 'user' and i.left_out)
       union select i.user_id from plan_items i where ${MINE} and i.object = 'user' and i.reason = 'object-id-moved') dropped
     where c.user_id = dropped.user_id and c.source_id = $2`,
    own,
  )
  await applyGroupClaims(tx, options)
  // The others of the tenant see at their next run who owns him now, and whom they may claim because he has a record now.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct s.id, o.key, s.fence + 1 from plan_items i
       join sources s on s.id <> $2 join mirror_objects o on o.source_id = s.id and o.object_id = i.object_id and o.kind = 'u'
     where ${MINE} and i.object = 'user' and i.action in ('take over', 'create', 'adopt')
     on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    own,
  )
}
