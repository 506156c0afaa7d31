// The way back from a mistake in the settings of a source: what was saved once is saved again.
import { parseSettings, writeSettings } from '../contract/written-settings.ts'
import { type SettingsWarning, warningsOf } from '../contract/warnings.ts'
import type { Actor } from '../registry/audit.ts'
import { requireKeptSettings } from '../registry/earlier-settings.ts'
import { changeSource } from '../registry/edit-sources.ts'
import { requireSource } from '../registry/sources.ts'
import type { Engine } from './engine.ts'
import { requireAttributes } from './unknown-attributes.ts'

/**
 * Gives a source settings that it had once, checked as if somebody had written them now: a connection, a time zone or an attribute of
 * theirs may be gone. The name of the source stays.
 *
 * @returns what is to be known about them
 * @throws NotFoundError; ConfigError with every mistake; ConflictError `changed-meanwhile`
 */
export async function restoreSettings(
  engine: Engine,
  request: {
    readonly source: string
    readonly number: number
    /** When the settings that were seen had been changed last, ISO 8601. */
    readonly seen?: string | undefined
    readonly actor: Actor
    /** Throws where a session was not proved of late; called only where people would sign in otherwise than before. */
    readonly checkProof?: (() => void) | undefined
    readonly signal: AbortSignal
  },
): Promise<readonly SettingsWarning[]> {
  const { source, number, seen, actor, checkProof, signal } = request
  const kept = await requireKeptSettings(engine.db, { source, number })
  const settings = parseSettings(writeSettings(kept.settings))
  const unchecked = await requireAttributes(engine, { source, settings, signal })
  await changeSource(engine.db, {
    ...engine,
    actor,
    checkProof,
    name: source,
    newName: source,
    settings,
    seen,
    restored: number,
  })
  return [...warningsOf(settings, (await requireSource(engine.db, source)).connection), ...unchecked]
}
