// The settings of a source as they were saved, the newest last: kept with who saved them, so that a mistake can be taken back.
import { NotFoundError } from '../base/errors.ts'
import type { ACTOR_KINDS } from '../contract/api/administration.ts'
import type { KeptSettingsView, SavedSettings } from '../contract/api/sources.ts'
import type { SourceSettings } from '../contract/sources.ts'
import { writeSettings } from '../contract/written-settings.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from './audit.ts'
import { differences } from './differences.ts'
import { parseStoredSettings, presentSettings, requireSource, type StoredSettings, whenChanged } from './sources.ts'

/** How many of a source are kept. More: someone scrolls for ever; fewer: a form that is saved after each click forgets a week's work. */
const KEPT = 50

/**
 * Keeps what was saved, in the transaction that saves it. Where nothing of the source was kept so far, what held before comes first.
 *
 * @param saved.before the settings that held; undefined of a new source
 */
export async function keepSettings(
  db: Queries,
  saved: {
    readonly source: string
    readonly before: SourceSettings | undefined
    readonly settings: SourceSettings
    readonly actor: Actor
  },
): Promise<void> {
  const { source, before, settings, actor } = saved
  if (before !== undefined)
    await db.query(
      `insert into source_settings (source_id, number, settings, saved_at)
         select id, 1, $2, created_at from sources s
         where name = $1 and not exists (select from source_settings where source_id = s.id)`,
      [source, presentSettings(before)],
    )
  await db.query(
    `insert into source_settings (source_id, number, settings, saved_at, actor_kind, actor_name)
       select s.id, coalesce(max(k.number), 0) + 1, $2, s.updated_at, $3, $4
       from sources s left join source_settings k on k.source_id = s.id where s.name = $1 group by s.id`,
    [source, presentSettings(settings), actor.kind, actor.name],
  )
  await db.query(
    `delete from source_settings k using sources s
      where s.name = $1 and k.source_id = s.id
        and k.number <= (select max(number) from source_settings where source_id = s.id) - $2::int`,
    [source, KEPT],
  )
}

export interface KeptSettings {
  readonly number: number
  readonly settings: SourceSettings
  readonly savedAt: Date
  readonly savedBy: { readonly kind: (typeof ACTOR_KINDS)[number]; readonly name: string } | null
}

/** The newest first, each with what it changed; of the oldest that is kept nothing is told. @throws NotFoundError */
export async function listKeptSettings(db: Queries, source: string): Promise<readonly SavedSettings[]> {
  const { id, settings: now } = await requireSource(db, source)
  const kept = await read(db, id)
  return kept.map((one, n) => {
    const before = kept[n + 1]
    return {
      number: one.number,
      savedAt: one.savedAt.toISOString(),
      savedBy: one.savedBy,
      changes: before === undefined ? [] : [...differences(before.settings, one.settings)],
      isCurrent: n === 0 && differences(one.settings, now).length === 0,
    }
  })
}

/** @throws NotFoundError for a source that there is not, and for a number that was never given out or is not kept any more */
export async function requireKeptSettings(
  db: Queries,
  wanted: { readonly source: string; readonly number: number },
): Promise<KeptSettings> {
  const { id } = await requireSource(db, wanted.source)
  const kept = await read(db, id)
  const found = kept.find(({ number }) => number === wanted.number)
  if (found !== undefined) return found
  const numbers = kept.map(({ number }) => number)
  const hint =
    numbers.length === 0
      ? 'nothing was saved since such settings are kept'
      : `kept are ${Math.min(...numbers)} to ${Math.max(...numbers)}`
  throw new NotFoundError(
    `saved settings of ${JSON.stringify(wanted.source)} with the number`,
    String(wanted.number),
    hint,
  )
}

/** As {@link requireKeptSettings}, with how they differ from those of now. */
export async function presentKeptSettings(
  db: Queries,
  wanted: { readonly source: string; readonly number: number },
): Promise<KeptSettingsView> {
  const { number, savedAt, savedBy, settings } = await requireKeptSettings(db, wanted)
  // Read first: where somebody saves in between, the difference is of later settings than this says, and saving is refused.
  const { updatedAt } = await whenChanged(db, wanted.source)
  const now = await requireSource(db, wanted.source)
  return {
    number,
    savedAt: savedAt.toISOString(),
    savedBy,
    settings: writeSettings(settings),
    updatedAt: updatedAt.toISOString(),
    differences: [...differences(now.settings, settings)],
  }
}

async function read(db: Queries, sourceId: number): Promise<readonly KeptSettings[]> {
  const { rows } = await db.query<{
    number: number
    settings: StoredSettings
    saved_at: Date
    actor_kind: (typeof ACTOR_KINDS)[number] | null
    actor_name: string | null
  }>(
    `select number, settings, saved_at, actor_kind, actor_name from source_settings
      where source_id = $1 order by number desc`,
    [sourceId],
  )
  return rows.flatMap((row) => {
    // Nobody could go back to what this version of Muster would not take.
    const settings = parseStoredSettings(row.settings)
    if (settings === undefined) return []
    const savedBy = row.actor_kind === null ? null : { kind: row.actor_kind, name: row.actor_name ?? '' }
    return [{ number: row.number, settings, savedAt: row.saved_at, savedBy }]
  })
}
