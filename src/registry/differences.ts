// What differs between two blocks of settings, by the keys that people write.
import type { FieldChange } from '../contract/configuration.ts'

/**
 * The settings that differ, by dotted path. Lists are compared whole, because a moved entry has no path of its own.
 * Values compare as JSON, so that a key that is absent and one that is undefined are the same.
 */
export function differences(before: object, after: object): readonly FieldChange[] {
  return [...walk('', { before, after })]
}

function* walk(at: string, pair: { before: unknown; after: unknown }): Generator<FieldChange> {
  const { before, after } = pair
  if (!isBlock(before) || !isBlock(after)) {
    if (text(before) !== text(after)) yield { at, old: before, new: after }
    return
  }
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield* walk(at === '' ? key : `${at}.${key}`, { before: before[key], after: after[key] })
  }
}

function isBlock(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** JSON with sorted keys: jsonb does not keep the order in which they were written. */
function text(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isBlock(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )
}
