// Settings of sources as people write and read them: checked like the config file, given out with every key in its words.
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import { at as valueAt, parseWithProblems } from './problems.ts'
import { type SourceSettings, sourceSettings } from './sources.ts'

/**
 * Mistakes of settings that are well formed. Settings that are stored already are read all the same, so that a rule added here
 * keeps no source from running.
 *
 * @param written as somebody wrote them, for what is lost once defaults are filled in
 */
export function settingsMistakes(written: unknown, settings: SourceSettings): readonly ConfigProblem[] {
  const { options, properties } = settings.users
  const mistakes: ConfigProblem[] = []
  // What is left of a filter whose clauses were all taken out: as a setting it is none, written it is a mistake.
  if (valueAt(written, ['users', 'filter']) === null)
    mistakes.push({ at: 'users.filter', message: 'is empty; write none where everybody is meant' })
  if (options.pairBy === 'personalNumber' && properties.personalNumber === null) {
    mistakes.push({
      at: 'users.options.pairBy',
      message:
        'is personalNumber, and nobody has one: map users.properties.personalNumber, or pair by userName or none',
    })
  }
  return mistakes
}

/**
 * Checks settings that somebody has written.
 *
 * @throws ConfigError with every mistake, by its path inside the settings
 */
export function parseSettings(written: unknown): SourceSettings {
  const parsed = parseWithProblems(sourceSettings, written)
  if (parsed.kind === 'problems') throw new ConfigError(parsed.problems)
  const mistakes = settingsMistakes(written, parsed.value)
  if (mistakes.length > 0) throw new ConfigError(mistakes)
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
