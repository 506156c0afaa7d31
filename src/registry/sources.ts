// Sources: what to take from a connection, and how far the registry reflects it.
import { NotFoundError } from '../base/errors.ts'
import { type SourceSettings, type SourceSettingsInput, sourceSettings } from '../contract/sources.ts'
import type { Queries } from '../database/connect.ts'
import { CONNECTION_COLUMNS, type Connection, type ConnectionRow, hintOf, parseConnection } from './connections.ts'

export interface Source {
  readonly id: number
  readonly name: string
  readonly connection: Connection
  readonly enabled: boolean
  readonly priority: number
  readonly settings: SourceSettings
  /** The settings of the last plan for everybody that was applied; `undefined`: there is none, or it is not known. */
  readonly plannedSettings: SourceSettings | undefined
  /** Grows whenever a setting changes that plans depend on. */
  readonly settingsVersion: number
  readonly fence: number
  readonly seenTenantId: string | null
  readonly seenClientId: string | null
  /** True: the next plan is for everybody. */
  readonly markedAll: boolean
  /** The fence at which that was set: only a run with a higher fence may clear it. */
  readonly markedAllAt: number
  readonly plannerVersion: number | null
  /** Attributes that everybody seems to have lost since a plan was last applied. */
  readonly clearedEverywhere: readonly string[]
}

/** As it stands in the database. */
export type StoredSettings = Omit<SourceSettingsInput, 'safeguard'> & { readonly safeguard: unknown }

interface SourceRow extends ConnectionRow {
  readonly source_id: number
  readonly source_name: string
  readonly enabled: boolean
  readonly priority: number
  readonly settings: StoredSettings
  readonly planned_settings: StoredSettings | null
  readonly settings_version: number
  readonly fence: number
  readonly seen_tenant_id: string | null
  readonly seen_client_id: string | null
  readonly marked_all: boolean
  readonly marked_all_at: number
  readonly planner_version: number | null
  readonly cleared_everywhere: readonly string[]
}

const SELECT = `
  select s.id as source_id, s.name as source_name, s.enabled, s.priority, s.settings, s.planned_settings, s.settings_version, s.fence,
         s.seen_tenant_id, s.seen_client_id, s.marked_all, s.marked_all_at, s.planner_version, s.cleared_everywhere, ${CONNECTION_COLUMNS}
    from sources s join connections c on c.id = s.connection_id`

/** All sources by name. There are few. */
export async function listSources(db: Queries): Promise<readonly Source[]> {
  const { rows } = await db.query<SourceRow>(`${SELECT} order by s.name`)
  return rows.map(parseSource)
}

/** @throws NotFoundError with the names that there are */
export async function requireSource(db: Queries, name: string): Promise<Source> {
  const { rows } = await db.query<SourceRow>(`${SELECT} where s.name = $1`, [name])
  const [row] = rows
  if (row === undefined) {
    const names = (await listSources(db)).map((source) => source.name)
    throw new NotFoundError('source', name, hintOf(names, 'sources'))
  }
  return parseSource(row)
}

/** The tenant that the mirror of a source was read from; undefined before anything was read. */
export async function mirrorTenantOf(db: Queries, sourceId: number): Promise<string | undefined> {
  const { rows } = await db.query<{ tenant: string | null }>(
    'select mirror_tenant_id as tenant from sources where id = $1',
    [sourceId],
  )
  return rows[0]?.tenant ?? undefined
}

/** When a source was made, and when its settings last changed. @throws NotFoundError */
export async function whenChanged(
  db: Queries,
  name: string,
): Promise<{ readonly createdAt: Date; readonly updatedAt: Date }> {
  const { rows } = await db.query<{ createdAt: Date; updatedAt: Date }>(
    'select created_at as "createdAt", updated_at as "updatedAt" from sources where name = $1',
    [name],
  )
  const [row] = rows
  if (row === undefined) throw new NotFoundError('source', name)
  return row
}

/** What is stored for `settings`: JSON with every key present. */
export function presentSettings(settings: SourceSettings): string {
  return JSON.stringify(settings)
}

function parseSource(row: SourceRow): Source {
  return {
    id: row.source_id,
    name: row.source_name,
    connection: parseConnection(row),
    enabled: row.enabled,
    priority: row.priority,
    settings: parseSettings(row.settings),
    plannedSettings: row.planned_settings === null ? undefined : parseStoredSettings(row.planned_settings),
    settingsVersion: row.settings_version,
    fence: row.fence,
    seenTenantId: row.seen_tenant_id,
    seenClientId: row.seen_client_id,
    markedAll: row.marked_all,
    markedAllAt: row.marked_all_at,
    plannerVersion: row.planner_version,
    clearedEverywhere: row.cleared_everywhere,
  }
}

function parseSettings(stored: StoredSettings): SourceSettings {
  return sourceSettings.parse(readable(stored))
}

/** Older ones may have been taken by an older Muster only; then nothing is known of them. */
export function parseStoredSettings(stored: StoredSettings): SourceSettings | undefined {
  return sourceSettings.safeParse(readable(stored)).data
}

/** Keys that a newer Muster has added get their defaults. A safeguard that is off is stored as null and written `off`. */
function readable(stored: StoredSettings) {
  return stored.safeguard === null ? { ...stored, safeguard: 'off' as const } : stored
}
