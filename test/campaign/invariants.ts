// What holds after every step of a history, whatever happened: read from the tables alone.
import type { Database } from '../../src/database/connect.ts'
import { ask } from './ask.ts'

const RULES: readonly { readonly name: string; readonly sql: string }[] = [
  {
    name: 'I5: an object id has one record and is that of its first day',
    sql: `select tenant_id, object_id from users where object_id is not null group by 1, 2 having count(*) > 1`,
  },
  {
    name: 'I6: a user name or alias is held by one active person',
    sql: `select n.key from user_names n join users u on u.id = n.user_id where n.held group by 1 having count(*) > 1
          union all select n.key from user_names n join users u on u.id = n.user_id and not u.active where n.held`,
  },
  {
    name: 'I6: every active person holds his user name',
    sql: `select u.user_name from users u where u.active and not exists (select from user_names n where n.user_id = u.id and n.kind = 'n' and n.held and n.value = u.user_name)`,
  },
  {
    name: 'I6: a card or PIN is held by one active person',
    sql: `select encode(c.lookup, 'hex') as key from credentials c where c.held group by c.kind, c.lookup having count(*) > 1
          union all select encode(c.lookup, 'hex') from credentials c join users u on u.id = c.user_id and not u.active where c.held`,
  },
  {
    name: 'I8: the fence of a later run is higher',
    sql: `select b.id from runs a join runs b on b.source_id = a.source_id and b.id > a.id and b.fence <= a.fence`,
  },
  {
    name: 'I15: no run is left running but that of a process that died',
    sql: `select id from runs where state = 'running' and process_started <> 'dead'`,
  },
  {
    name: 'I3: a held plan has not been applied without approval',
    sql: `select id from runs where outcome = 'held' and decision = 'approved' and not exists (select from runs a where a.approves = runs.id)`,
  },
  {
    name: 'I2: every removal of a person says why',
    sql: `select i.run_id from plan_items i join runs r on r.id = i.run_id and r.outcome = 'applied'
           where i.object = 'user' and i.action in ('deactivate', 'delete') and (i.reason = '' or i.rule = '')`,
  },
]

const ALL = RULES.map(
  (rule, n) => `select ${n} as rule, (select string_agg(to_jsonb(x)::text, ', ') from (${rule.sql}) x) as found`,
).join(' union all ')

/** @throws Error naming the invariant and the rows that break it */
export async function checkAlways(db: Database): Promise<void> {
  const { rows } = await ask<{ rule: number; found: string | null }>(db, 'always', ALL)
  for (const { rule, found } of rows) if (found !== null) throw new Error(`${RULES[rule]?.name}: ${found}`)
}
