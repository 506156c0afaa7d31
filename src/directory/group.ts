// The registry's groups, and how their paths are written.
import { canonical } from './canonical.ts'

/** A registry group as planning sees it. */
export interface RegistryGroup {
  readonly id: number
  readonly objectId: string | null
  readonly sourceId: number | null
  readonly name: string
  readonly under: string
  readonly hidden: boolean
  readonly version: number
}

/**
 * A group's path: `under|name`; a `|` inside the name is written `\|`. Backslashes are doubled only where they would be
 * taken for that: before a `|` of the name and at its end, so that every path has one reading.
 */
export function pathOf(under: string, name: string): string {
  const last = name.replace(/\\+(?=\||$)/g, '$&$&').replaceAll('|', '\\|')
  return under === '' ? last : `${under}|${last}`
}

/** The names in a path, from the top; the opposite of {@link pathOf}. The empty path has none. */
export function splitPath(path: string): readonly string[] {
  if (path === '') return []
  const names: string[] = []
  let name = ''
  let at = 0
  for (const { 0: mark, index } of path.matchAll(MARK)) {
    const slashes = mark.endsWith('|') ? mark.length - 1 : mark.length
    name += path.slice(at, index) + '\\'.repeat(mark.endsWith('|') ? Math.floor(slashes / 2) : Math.ceil(slashes / 2))
    at = index + mark.length
    if (!mark.endsWith('|')) continue
    if (slashes % 2 === 1) {
      name += '|'
      continue
    }
    names.push(name)
    name = ''
  }
  return [...names, name + path.slice(at)]
}

/** The path of these names, from the top; the opposite of {@link splitPath}. */
export function joinPath(names: readonly string[]): string {
  let path = ''
  for (const name of names) path = pathOf(path, name)
  return path
}

/** A `|` with the backslashes before it, and those at the end; any other backslash is one. */
const MARK = /\\*\||\\+$/g

/**
 * By which a group that Entra does not know is known: its path with every name in canonical form. Two groups with one key
 * are one group.
 */
export function pathKeyOf(names: readonly string[]): string {
  let key = ''
  for (const name of names) key = pathOf(key, canonical(name))
  return key
}
