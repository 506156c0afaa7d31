// Objects to JSON. A writer is made once per request from its property list and then only concatenates, because the
// emulator must serve faster than the client it measures can read.
import { DEFAULT_PROPERTIES, isCollectionProperty, isExtension, isKnownProperty } from './schema.ts'
import type { ObjectKind, Properties } from './tenant.ts'

/** The JSON text of one object. */
export type Writer = (properties: Properties) => string

/** A JSON value as text. */
export function json(value: unknown): string {
  return JSON.stringify(value)
}

/**
 * A writer for list and single answers: unset properties are `null`, unset collections `[]`, unset directory
 * extensions left out (graph.md 3).
 *
 * @param select the default properties of the kind when `undefined`; names that the kind does not have are left out
 * @param options.typed puts `@odata.type` and the id in front, as mixed collections have them (10.1)
 * @param options.limited fills only those two: the caller may not read this kind (10.3)
 */
export function listWriter(
  kind: ObjectKind,
  select: readonly string[] | undefined,
  options: { readonly typed?: boolean; readonly limited?: boolean } = {},
): Writer {
  const typed = options.typed === true
  const names = (select ?? DEFAULT_PROPERTIES[kind]).filter(
    (name) => isKnownProperty(kind, name) && !(typed && name === 'id'),
  )
  const keys = names.map((name, i) => `${i === 0 && !typed ? '' : ','}${json(name)}:`)
  const unset = names.map((name) => (isExtension(name) ? undefined : isCollectionProperty(name) ? '[]' : 'null'))
  const start = typed ? `{"@odata.type":"#microsoft.graph.${kind}","id":` : '{'
  const isLimited = options.limited === true
  const hasExtension = names.some(isExtension)
  return (properties) => {
    let out = start
    if (typed) out += json(properties['id'])
    for (let i = 0; i < names.length; i++) {
      const value = isLimited ? undefined : properties[names[i] ?? '']
      const text = value === undefined ? (isLimited ? 'null' : unset[i]) : json(value)
      if (text !== undefined) out += (keys[i] ?? '') + text
    }
    // a left out extension may have taken the place of the first key
    return `${hasExtension && out.startsWith('{,') ? `{${out.slice(2)}` : out}}`
  }
}

/**
 * A writer for delta: the id, then what was ever set among the names; `null` for what was cleared (graph.md 12.2).
 * Without the closing brace, so that `members@delta` can follow.
 */
export function deltaWriter(names: readonly string[]): Writer {
  const rest = names.filter((name) => name !== 'id')
  const keys = rest.map((name) => `,${json(name)}:`)
  return (properties) => {
    let out = `{"id":${json(properties['id'])}`
    for (let i = 0; i < rest.length; i++) {
      const value = properties[rest[i] ?? '']
      if (value !== undefined) out += (keys[i] ?? '') + json(value)
    }
    return out
  }
}
