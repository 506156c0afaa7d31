// Figures of the installation as a whole, and how many people there were at the end of each day.
import type { Queries } from '../database/connect.ts'
import { listRuns, runsByIds } from './runs.ts'
import { presentRunLine } from './present-runs.ts'
import type { RunLine } from '../contract/run-list.ts'

export interface Figures {
  readonly users: { readonly active: number; readonly deactivated: number; readonly local: number }
  readonly groups: number
  readonly issues: number
}

/** Counts of what is there now; `local` are active users that no tenant knows. */
export async function readFigures(db: Queries): Promise<Figures> {
  const { rows } = await db.query<{
    active: number
    deactivated: number
    local: number
    groups: number
    issues: number
  }>(
    `select u.active, u.deactivated, u.local, (select count(*)::int from groups where not hidden) as groups,
       (select count(*)::int from issues) as issues
     from (select count(*) filter (where active)::int as active, count(*) filter (where not active)::int as deactivated,
       count(*) filter (where active and object_id is null)::int as local from users) u`,
  )
  const [row] = rows
  if (row === undefined) return { users: { active: 0, deactivated: 0, local: 0 }, groups: 0, issues: 0 }
  const { groups, issues, ...users } = row
  return { users, groups, issues }
}

/** Held runs that can be approved now, the oldest first. */
export async function listWaiting(db: Queries, now: Date): Promise<readonly RunLine[]> {
  const { rows } = await db.query<{ id: number }>(
    `select id from runs where outcome = 'held' and decision is null and approve_by > $1 order by id`,
    [now],
  )
  const runs = await runsByIds(
    db,
    rows.map(({ id }) => id),
  )
  return runs.map(presentRunLine).toSorted((a, b) => Number(a.run) - Number(b.run))
}

/** The newest runs that changed something. */
export async function listLastChanges(db: Queries, limit: number): Promise<readonly RunLine[]> {
  return (await listRuns(db, { outcome: 'applied', limit })).map(presentRunLine)
}

export interface PeopleOnDay {
  /** YYYY-MM-DD, UTC. */
  readonly day: string
  readonly active: number
}

/** How many days back people are told. */
const DAYS_SHOWN = 90

/** Active people at the end of each day that a server was there, oldest first; of today as last noted. */
export async function listPeopleOnDays(db: Queries, now: Date): Promise<readonly PeopleOnDay[]> {
  const { rows } = await db.query<PeopleOnDay>(
    `select to_char(day, 'YYYY-MM-DD') as day, active from people_days where day > $1::date - ${DAYS_SHOWN} order by people_days.day`,
    [dayOf(now)],
  )
  return rows
}

/** Notes how many active people there are today: to be called regularly, the last call of a day counts. Forgets what nobody is shown. */
export async function notePeopleToday(db: Queries, now: Date): Promise<void> {
  const noted = await db.query<{ isNew: boolean }>(
    `insert into people_days (day, active) select $1::date, count(*) from users where active
     on conflict (day) do update set active = excluded.active where people_days.active <> excluded.active
     returning xmax = 0 as "isNew"`,
    [dayOf(now)],
  )
  // Looks through all runs and the audit; what came before today does not change any more today.
  if (noted.rows[0]?.isNew === true) await fillDays(db, now)
  await db.query(`delete from people_days where day <= $1::date - ${DAYS_SHOWN}`, [dayOf(now)])
}

/**
 * Days on which no server noted anything, from the first change on: what runs and administrators changed after them is taken off what there
 * is now. Who removed local users for good is left out of it, as is what was done before history was kept.
 */
async function fillDays(db: Queries, now: Date): Promise<void> {
  const count = (key: string) => `coalesce((summary #>> '{users,${key}}')::int, 0)`
  await db.query(
    `with changes as (
       select (ended_at at time zone 'UTC')::date as day,
         ${count('created')} + ${count('reactivated')} - ${count('deactivated')}
           - case kind when 'revert' then ${count('deleted')} else 0 end as more
       from runs where outcome = 'applied'
       union all
       select (at at time zone 'UTC')::date, case action when 'user.deactivate' then -1 else 1 end
       from audit where action in ('user.create', 'user.deactivate', 'user.restore')),
     daily as (select day, sum(more) as more from changes group by day)
     insert into people_days (day, active)
     select d::date, greatest(0, (select count(*) from users where active)
       - coalesce((select sum(more) from daily where daily.day > d::date), 0))
     from (select min(day) as first from daily) f, generate_series(
       case when f.first is not null then greatest(f.first, $1::date - ${DAYS_SHOWN - 1}) end, $1::date - 1, interval '1 day') d
     where not exists (select from people_days p where p.day = d::date)
     on conflict (day) do nothing`,
    [dayOf(now)],
  )
}

function dayOf(now: Date): string {
  return now.toISOString().slice(0, 10)
}
