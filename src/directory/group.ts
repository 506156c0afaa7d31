// The registry's groups, and how their paths are written.

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

/** A group's path: `under|name`; a `|` inside the name is written `\|`. */
export function pathOf(under: string, name: string): string {
  const last = name.replaceAll('|', '\\|')
  return under === '' ? last : `${under}|${last}`
}
