// Cards and PINs of a plan that is applied.
import type { Queries } from '../database/connect.ts'
import { MINE, type PlanKinds } from './applying.ts'

export async function changeCredentials(
  tx: Queries,
  run: readonly number[],
  { kinds, isFirst }: PlanKinds,
): Promise<void> {
  if (kinds.has('credential remove')) {
    await tx.query(
      `delete from credentials c using plan_items i where ${MINE} and i.object = 'credential' and i.action = 'remove'
         and c.user_id = i.user_id and c.kind = i.old ->> 'kind' and c.lookup = decode(i.old ->> 'lookup', 'hex')
         and (c.origin = 's' or i.reason = 'replaced-in-entra')`,
      run,
    )
  }
  const isNew = `and not exists (select from credentials c where c.user_id = i.user_id and c.kind = i.new ->> 'kind'
    and c.lookup = decode(i.new ->> 'lookup', 'hex'))`
  await tx.query(
    `insert into credentials (user_id, kind, sealed, lookup, origin, held)
     select i.user_id, i.new ->> 'kind', decode(i.new ->> 'sealed', 'base64'), decode(i.new ->> 'lookup', 'hex'), coalesce(i.new ->> 'origin', 's')::"char", u.active
     from plan_items i join users u on u.id = i.user_id
     where ${MINE} and i.object = 'credential' and i.action = 'add' ${isFirst ? '' : isNew}
     order by i.seq`,
    run,
  )
  if (isFirst) return
  // One that he had to do without, and that is free again.
  await tx.query(
    `update credentials c set held = true from plan_items i join users u on u.id = i.user_id and u.active
     where ${MINE} and i.object = 'credential' and i.action = 'add' and c.user_id = i.user_id and not c.held
       and c.kind = i.new ->> 'kind' and c.lookup = decode(i.new ->> 'lookup', 'hex')`,
    run,
  )
  await tx.query(
    `update credentials c set origin = 'o' from plan_items i
     where ${MINE} and i.object = 'credential' and i.action = 'add' and i.new ->> 'origin' = 'o' and c.user_id = i.user_id
       and c.origin = 's' and c.kind = i.new ->> 'kind' and c.lookup = decode(i.new ->> 'lookup', 'hex')`,
    run,
  )
  if (!kinds.has('user reactivate') && !kinds.has('user adopt')) return
  // Cards and PINs of those who are back come back with them where nobody has them now.
  await tx.query(
    `update credentials c set held = true from plan_items i
     where ${MINE} and i.object = 'user' and i.action in ('reactivate', 'adopt') and c.user_id = i.user_id and not c.held
       and (select u.active from users u where u.id = c.user_id)
       and not exists (select from credentials h where h.held and h.kind = c.kind and h.lookup = c.lookup)`,
    run,
  )
}
