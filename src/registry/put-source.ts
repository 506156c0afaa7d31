// Makes a source as it is wanted, and tells what that changes. Writing the same again writes nothing.
import type { ConfigurationChange } from '../contract/configuration.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from './audit.ts'
import { differences } from './differences.ts'
import { keepSettings } from './earlier-settings.ts'
import { later } from './meanwhile.ts'
import { keepWaysIn } from './source-of-sign-in.ts'
import { presentSettings, type Source } from './sources.ts'

export interface PutSource {
  readonly name: string
  readonly settings: SourceSettings
  readonly current: Source | undefined
  /** Says what would change and writes nothing. */
  readonly dryRun: boolean
  readonly actor: Actor
  /** Throws where a session was not proved of late; called only where people would sign in otherwise than before. */
  readonly checkProof?: (() => void) | undefined
}

/**
 * Creates or changes a source; under another name than `current` has, it is renamed. Needs a transaction around it.
 *
 * @throws ConflictError `connection-of-sign-in` where a token would change through what people sign in, also with `dryRun`
 */
export async function putSource(db: Queries, put: PutSource): Promise<ConfigurationChange> {
  const { name, settings, current } = put
  await keepWaysIn(db, put)
  const renamed = current === undefined || current.name === name ? [] : [{ at: 'name', old: current.name, new: name }]
  const changes = [...renamed, ...differences(current === undefined ? {} : current.settings, settings)]
  const action = current === undefined ? 'create' : changes.length > 0 ? 'change' : 'unchanged'
  const replans = current === undefined || changes.some(({ at }) => isPlannedFrom(at))
  if (action !== 'unchanged' && !put.dryRun) {
    if (current !== undefined && renamed.length > 0)
      await db.query(`update sources set name = $2, updated_at = ${later('sources')} where id = $1`, [current.id, name])
    await writeSource(db, { name, settings, replans })
    const before = current?.settings
    if (before === undefined || differences(before, settings).length > 0)
      await keepSettings(db, { source: name, before, settings, actor: put.actor })
    const changesOwners = current === undefined || changes.some(({ at }) => OWNERSHIP.has(at))
    if (changesOwners) await markTenants(db, name, { left: current?.connection.tenantId })
  }
  return { kind: 'source', name, action, changes: [...changes], replans }
}

/** Settings that decide which of several sources owns somebody; of equal priorities the name that comes first. */
const OWNERSHIP: ReadonlySet<string> = new Set(['enabled', 'priority', 'connection', 'name'])

/** The sources of the tenant, and of the one that the source has left, plan everybody anew: somebody may be theirs now, or not any more. */
async function markTenants(db: Queries, name: string, { left }: { readonly left: string | undefined }): Promise<void> {
  await db.query(
    `update sources s set marked_all = true, marked_all_at = s.fence
     from connections c, sources changed join connections own on own.id = changed.connection_id
     where changed.name = $1 and c.id = s.connection_id and (c.tenant_id = own.tenant_id or c.tenant_id = $2)
       and (s.id <> changed.id or changed.enabled)`,
    [name, left ?? null],
  )
}

/** Whether plans depend on the setting: everything but when to run, what holds a plan and how it is let through. */
function isPlannedFrom(at: string): boolean {
  return !/^(?:enabled|adoptions|timezone|schedule|safeguard)(?:\.|$)/.test(at)
}

async function writeSource(
  db: Queries,
  { name, settings, replans }: { name: string; settings: SourceSettings; replans: boolean },
): Promise<void> {
  await db.query(
    `insert into sources as s (name, connection_id, enabled, priority, settings)
     values ($1, (select id from connections where name = $2), $3, $4, $5)
     on conflict (name) do update set connection_id = excluded.connection_id, enabled = excluded.enabled,
       priority = excluded.priority, settings = excluded.settings, updated_at = ${later('s')},
       settings_version = s.settings_version + $6::int,
       marked_all = s.marked_all or $6::int = 1,
       marked_all_at = case when $6::int = 1 then s.fence else s.marked_all_at end`,
    [name, settings.connection, settings.enabled, settings.priority, presentSettings(settings), replans ? 1 : 0],
  )
}
