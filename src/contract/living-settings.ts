// Settings while somebody still writes them: what is wrong with one property leaves the others to be looked at.
import { ConfigError } from '../base/errors.ts'
import { at as valueAt } from './problems.ts'
import type { SourceSettings } from './sources.ts'
import { parseSettings } from './written-settings.ts'

export interface LivingSettings {
  /** Without the broken properties. */
  readonly settings: SourceSettings
  /** Targets that cannot be understood yet, and why; an expression with the place in it. */
  readonly broken: readonly { readonly target: string; readonly message: string }[]
}

/** @throws ConfigError with every mistake, where one is outside the properties */
export function parseLiving(written: unknown): LivingSettings {
  try {
    return { settings: parseSettings(written), broken: [] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const broken = error.problems.map(({ at, message }) => ({ target: targetOf(at), message }))
    const targets = broken.map(({ target }) => target).filter((target) => target !== undefined)
    if (targets.length < broken.length) throw error
    return {
      settings: parseSettings(without(written, new Set(targets))),
      broken: broken.map(({ target = '', message }) => ({ target, message })),
    }
  }
}

const PROPERTIES = 'users.properties.'

function targetOf(at: string): string | undefined {
  if (!at.startsWith(PROPERTIES)) return undefined
  return /^(?:own\.)?[^.[]+/.exec(at.slice(PROPERTIES.length))?.[0]
}

function without(written: unknown, targets: ReadonlySet<string>): unknown {
  const keep = (block: unknown, prefix: string) =>
    Object.fromEntries(Object.entries(asBlock(block)).filter(([key]) => !targets.has(`${prefix}${key}`)))
  const properties = keep(valueAt(written, ['users', 'properties']), '')
  const own = 'own' in properties ? { own: keep(properties['own'], 'own.') } : {}
  const users = { ...asBlock(valueAt(written, ['users'])), properties: { ...properties, ...own } }
  return { ...asBlock(written), users }
}

function asBlock(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}
