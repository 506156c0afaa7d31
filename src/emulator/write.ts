// How an object shows in answers. A shaper is made once per request from its property list; the answer as a whole is
// serialized in one go, which was measured at half the time of text put together property by property.
import { DEFAULT_PROPERTIES, isCollectionProperty, isExtension, isKnownProperty } from './schema.ts'
import type { ObjectKind, Properties } from './object.ts'

/** A JSON object in the making; `undefined` values are left out of the answer. */
export type Shown = Record<string, unknown>

/** The JSON object that stands for a directory object. Always a new one. */
export type Shaper = (properties: Properties) => Shown

const NOTHING: readonly unknown[] = []

/**
 * A shaper for list and single answers: unset properties are `null`, unset collections `[]`, unset directory
 * extensions left out (graph.md 3).
 *
 * @param select the default properties of the kind when `undefined`; names that the kind does not have are left out
 * @param options.typed puts `@odata.type` and the id in front, as mixed collections have them (10.1)
 * @param options.limited fills only those two: the caller may not read this kind (10.3)
 */
export function listShaper(
  kind: ObjectKind,
  select: readonly string[] | undefined,
  options: { readonly typed?: boolean; readonly limited?: boolean } = {},
): Shaper {
  const names = (select ?? DEFAULT_PROPERTIES[kind]).filter((name) => isKnownProperty(kind, name))
  const unset = names.map((name) => (isExtension(name) ? undefined : isCollectionProperty(name) ? NOTHING : null))
  const type = options.typed === true ? `#microsoft.graph.${kind}` : undefined
  const isLimited = options.limited === true
  return (properties) => {
    const shown: Shown = type === undefined ? {} : { '@odata.type': type, id: properties['id'] }
    for (let i = 0; i < names.length; i++) {
      const name = names[i] ?? ''
      const value = properties[name]
      if (isLimited) {
        if (type === undefined || name !== 'id') shown[name] = name === 'id' ? value : null
      } else shown[name] = value === undefined ? unset[i] : value
    }
    return shown
  }
}

/** A shaper for delta: the id, then what was ever set among the names, `null` for what was cleared (graph.md 12.2). */
export function deltaShaper(names: readonly string[]): Shaper {
  return (properties) => {
    const shown: Shown = { id: properties['id'] }
    for (const name of names) {
      const value = properties[name]
      if (value !== undefined) shown[name] = value
    }
    return shown
  }
}
