// An object of Entra as a row of the mirror: plain attributes as JSON, secret ones sealed, the manager in its column.
import type { Attributes, AttributeValue } from '../directory/change.ts'

/** `l` live, `a` reported absent or removed and not proven, `s` soft-deleted, `x` gone, `?` met as a member only. */
export type ObjectState = 'l' | 'a' | 's' | 'x' | '?'
/** `u` user, `g` group, `?` met as a member only. */
export type ObjectKind = 'u' | 'g' | '?'

/** A user or group as a walk or a delta page writes it. */
export interface ObjectRow {
  readonly key: number
  readonly objectId: string
  readonly kind: ObjectKind
  /** Null for a placeholder. */
  readonly json: string | null
  readonly sealed: Buffer | null
  readonly manager: string | null
  /** False: Graph said nothing about the manager. */
  readonly managerSaid: boolean
}

/** An object's attributes parted by where they are kept. */
export interface Parted {
  readonly plain: Record<string, AttributeValue>
  /** Undefined when Graph said nothing about any secret attribute. */
  readonly secret: Record<string, AttributeValue> | undefined
  /** Undefined when Graph said nothing about the manager. */
  readonly manager: string | null | undefined
}

/** Parts attributes into plain ones, those named in `secretNames`, and the manager. */
export function part(attributes: Attributes, secretNames: ReadonlySet<string>): Parted {
  const plain: Record<string, AttributeValue> = {}
  let secret: Record<string, AttributeValue> | undefined
  let manager: string | null | undefined
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]
    if (value === undefined) continue
    if (name === 'manager') manager = typeof value === 'string' ? value : null
    else if (secretNames.has(name)) {
      secret ??= {}
      secret[name] = value
    } else plain[name] = value
  }
  return { plain, secret, manager }
}

/**
 * JSON that `jsonb` takes: it knows neither U+0000 nor half a surrogate pair. Both become U+FFFD, so that a hostile
 * value is visible where it is used and never ends the run.
 */
export function toJson(values: Readonly<Record<string, AttributeValue>>): string {
  const json = JSON.stringify(values)
  // JSON.stringify writes \u for control characters and lone surrogates only.
  if (!json.includes('\\u')) return json
  const clean: Record<string, AttributeValue> = {}
  for (const [name, value] of Object.entries(values)) clean[name] = cleaned(value)
  return JSON.stringify(clean)
}

function cleaned(value: AttributeValue): AttributeValue {
  if (typeof value === 'string') return cleanedText(value)
  return isList(value) ? value.map(cleanedText) : value
}

function cleanedText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '�')
}

function isList(value: AttributeValue): value is readonly string[] {
  return Array.isArray(value)
}

/** Seals and opens texts; the vault's, handed in. */
export interface Sealer {
  readonly seal: (plain: string, context: string) => Buffer
  readonly open: (sealed: Buffer, context: string) => string
}

/** The context to which a row's sealed attributes are bound. */
export function sealContext(sourceId: number, objectId: string): string {
  return `mirror:${sourceId}:${objectId}`
}

/** The secret attributes of a row. */
export function openSecrets(sealer: Sealer, sealed: Buffer | null, context: string): Record<string, AttributeValue> {
  if (sealed === null) return {}
  // Only sealSecrets writes these.
  const opened: Record<string, AttributeValue> = JSON.parse(sealer.open(sealed, context))
  return opened
}

/** Null when there is nothing to seal. Keys are sorted, so that equal content gives equal text. */
export function sealSecrets(
  sealer: Sealer,
  secrets: Readonly<Record<string, AttributeValue>>,
  context: string,
): Buffer | null {
  const names = Object.keys(secrets).sort()
  if (names.length === 0) return null
  const sorted: Record<string, AttributeValue> = {}
  for (const name of names) sorted[name] = secrets[name] ?? null
  return sealer.seal(toJson(sorted), context)
}

/**
 * The sealed column after Graph said `said`: what was sealed stays byte for byte when its content does not change, so
 * that the database can compare (sealing twice never gives the same bytes). Only attributes in `names` are kept.
 */
export function resealed(
  sealer: Sealer,
  options: {
    readonly before: Buffer | null
    readonly said: Readonly<Record<string, AttributeValue>> | undefined
    readonly names: ReadonlySet<string>
    readonly context: string
  },
): Buffer | null {
  const { before, said, names, context } = options
  if (before === null) return said === undefined ? null : sealSecrets(sealer, said, context)
  const old = openSecrets(sealer, before, context)
  const merged: Record<string, AttributeValue> = {}
  for (const [name, value] of Object.entries({ ...old, ...said })) if (names.has(name)) merged[name] = value
  return sameValues(old, merged) ? before : sealSecrets(sealer, merged, context)
}

/** Whether two sets of attributes are the same, key by key. */
export function sameValues(
  one: Readonly<Record<string, AttributeValue>>,
  other: Readonly<Record<string, AttributeValue>>,
): boolean {
  const names = Object.keys(one)
  if (names.length !== Object.keys(other).length) return false
  return names.every((name) => Object.hasOwn(other, name) && sameValue(one[name], other[name]))
}

/** Whether two values are the same; lists by their items in order. */
export function sameValue(one: AttributeValue | undefined, other: AttributeValue | undefined): boolean {
  if (one === other) return true
  if (!Array.isArray(one) || !Array.isArray(other)) return false
  return one.length === other.length && one.every((item, at) => item === other[at])
}
