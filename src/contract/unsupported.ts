// What a source's settings may say and Muster cannot do yet. Refused when saved, because a setting that is accepted and
// ignored would do something else than it says. A row goes when its feature is built.
import type { ConfigProblem } from '../base/errors.ts'
import type { OneValued, SeveralValued, SourceSettings } from './sources.ts'

interface Row {
  readonly what: string
  readonly places: (settings: SourceSettings) => readonly string[]
}

const ROWS: readonly Row[] = [{ what: 'expressions', places: (s) => propertiesWhere(s, (p) => 'expression' in p) }]

/** Every place of `settings` that asks for something not built yet; empty when all of it can be done. */
export function unsupported(settings: SourceSettings): ConfigProblem[] {
  return ROWS.flatMap((row) =>
    row.places(settings).map((at) => ({ at, message: `${row.what} cannot be used in this version of Muster yet` })),
  )
}

function propertiesWhere(
  settings: SourceSettings,
  test: (property: OneValued | SeveralValued) => boolean,
  key?: string,
): string[] {
  const suffix = key === undefined ? '' : `.${key}`
  const { own, ...targets } = settings.users.properties
  const found: string[] = []
  for (const [target, value] of [...Object.entries(targets), ...Object.entries(own).map(ownEntry)]) {
    if (value === null || value === 'generate') continue
    const path = `users.properties.${target}`
    if (!Array.isArray(value)) {
      if (test(value)) found.push(path + suffix)
      continue
    }
    for (const [index, entry] of value.entries()) if (test(entry)) found.push(`${path}[${index}]${suffix}`)
  }
  return found
}

function ownEntry([name, value]: [string, OneValued]): [string, OneValued] {
  return [`own.${name}`, value]
}
