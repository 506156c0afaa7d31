// Who claims whom once a plan is applied.
import type { Queries } from '../database/connect.ts'
import { type ApplyOptions, MINE } from './applying.ts'
import { applyGroupClaims } from './group-claims.ts'

export async function changeClaims(tx: Queries, run: readonly number[], options: ApplyOptions): Promise<void> {
  const own = [run[0], options.sourceId]
  await tx.query(
    `insert into claims (user_id, source_id)
     select distinct i.user_id, $2::int from plan_items i join users u on u.id = i.user_id
     where ${MINE} and i.object = 'user' and i.user_id is not null
       and i.action in ('create', 'adopt', 'take over', 'reactivate')
       and i.reason not in ('object-id-moved', 'dropped-by-owner')
     union select c.user_id, $2 from plan_claims c join users u on u.id = c.user_id where c.run_id = $1
     on conflict do nothing`,
    own,
  )
  await tx.query(
    `delete from claims c using plan_items i where ${MINE} and i.object = 'user' and c.user_id = i.user_id and c.source_id = $2
       and (i.action = 'deactivate' or i.reason in ('missing-kept', 'grace-period', 'object-id-moved', 'dropped-by-owner', 'not-owned'))`,
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
