// Settings of sources as people write and read them: checked like the config file, given out with every key in its words.
import { ConfigError } from '../base/errors.ts'
import { at as valueAt, parseWithProblems } from './problems.ts'
import { type SourceSettings, sourceSettings } from './sources.ts'

/** What is left of a filter whose clauses were all taken out: as a setting it is none, written it is a mistake. */
export const EMPTY_FILTER = 'is empty; write none where everybody is meant'

/**
 * Checks settings that somebody has written.
 *
 * @throws ConfigError with every mistake, by its path inside the settings
 */
export function parseSettings(written: unknown): SourceSettings {
  const parsed = parseWithProblems(sourceSettings, written)
  if (parsed.kind === 'problems') throw new ConfigError(parsed.problems)
  if (valueAt(written, ['users', 'filter']) === null)
    throw new ConfigError([{ at: 'users.filter', message: EMPTY_FILTER }])
  return parsed.value
}

/**
 * Settings as the config file writes them, with every key; the opposite of {@link parseSettings}. What is nothing is
 * written `none`, a safeguard that is off `off`.
 */
export function writeSettings(settings: SourceSettings): Record<string, unknown> {
  return { ...writtenBlock(settings), safeguard: settings.safeguard === null ? 'off' : settings.safeguard }
}

function writtenBlock(block: object): Record<string, unknown> {
  const written: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(block)) if (value !== undefined) written[key] = writtenValue(value)
  return written
}

function writtenValue(value: unknown): unknown {
  if (value === null) return 'none'
  if (Array.isArray(value)) return value.map(writtenValue)
  return typeof value === 'object' ? writtenBlock(value) : value
}
