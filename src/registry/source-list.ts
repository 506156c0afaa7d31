// Sources as Settings › User Synchronization lists them. How many queries it takes does not depend on how many there are.
import type { SourceLine } from '../contract/api/sources.ts'
import type { Queries } from '../database/connect.ts'
import { listHealth, type NamedHealth } from './health.ts'
import { presentHealthLine, presentRunLine } from './present-runs.ts'
import { runsByIds } from './runs.ts'
import { nextRun, type Through } from './schedules.ts'
import { listSources, type Source } from './sources.ts'

/** All sources by name; or the one of a name. */
export async function listSourceLines(
  db: Queries,
  { now, name }: { readonly now: Date; readonly name?: string | undefined },
): Promise<readonly SourceLine[]> {
  const sources = (await listSources(db)).filter((source) => name === undefined || source.name === name)
  const health = new Map((await listHealth(db)).map((line) => [line.sourceId, line]))
  const facts = await factsOf(
    db,
    sources.map((source) => source.id),
  )
  const wanted = facts.flatMap(({ lastRun, running, waiting }) =>
    [lastRun, running, waiting].filter((id) => id !== null),
  )
  const runs = new Map((await runsByIds(db, [...new Set(wanted)])).map((run) => [run.id, presentRunLine(run)]))
  const runOf = (id: number | null | undefined) => (id === null || id === undefined ? null : (runs.get(id) ?? null))
  return sources.map((source) => {
    const about = facts.find((one) => one.sourceId === source.id)
    const known = health.get(source.id)
    return {
      name: source.name,
      connection: source.connection.name,
      enabled: source.enabled,
      priority: source.priority,
      people: about?.people ?? 0,
      health: healthOf(source, known),
      running: runOf(about?.running),
      lastRun: runOf(about?.lastRun),
      waiting: runOf(about?.waiting),
      ...scheduleOf(source, {
        now,
        known,
        through: { delta: about?.deltaThrough ?? now, full: about?.fullThrough ?? now },
      }),
    }
  })
}

interface Facts {
  readonly sourceId: number
  readonly people: number
  readonly lastRun: number | null
  readonly running: number | null
  readonly waiting: number | null
  /** Up to when what was due was done; null before a server has looked. */
  readonly deltaThrough: Date | null
  readonly fullThrough: Date | null
}

async function factsOf(db: Queries, sourceIds: readonly number[]): Promise<readonly Facts[]> {
  const found = await db.query<Facts>(
    `with people as (select source_id, count(*)::int as people from users where active and source_id = any($1::int[]) group by source_id)
     select s.id as "sourceId", coalesce(p.people, 0) as people,
       (select max(r.id) from runs r where r.source_id = s.id) as "lastRun",
       (select r.id from runs r where r.source_id = s.id and r.state = 'running') as running,
       (select max(r.id) from runs r where r.source_id = s.id and r.outcome = 'held' and r.decision is null and r.approve_by > now()) as waiting,
       d.delta_through as "deltaThrough", d.full_through as "fullThrough"
     from sources s left join people p on p.source_id = s.id left join schedules d on d.source_id = s.id where s.id = any($1::int[])`,
    [sourceIds],
  )
  return found.rows
}

function healthOf(source: Source, known: NamedHealth | undefined): SourceLine['health'] {
  const { source: _name, ...health } = presentHealthLine({ source: source.name, health: known?.health })
  return health
}

function scheduleOf(
  source: Source,
  { now, known, through }: { readonly now: Date; readonly known: NamedHealth | undefined; readonly through: Through },
): Pick<SourceLine, 'next' | 'awaitsFirstRun'> {
  if (!source.enabled) return { next: null, awaitsFirstRun: false }
  if (known?.hasBegun !== true) return { next: null, awaitsFirstRun: true }
  const next = nextRun(source.settings, { now, notBefore: known.health?.nextTryAt ?? null, through })
  return { next: next === null ? null : { at: next.at.toISOString(), mode: next.mode }, awaitsFirstRun: false }
}
