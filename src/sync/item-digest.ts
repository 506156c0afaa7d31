// The digest of a plan item, of which the plan's hash is made.
import { createHash } from 'node:crypto'
import type { ItemDraft } from './item.ts'

/**
 * SHA-256 over what an item does; sealed values, ids of ours and times are left out. A PIN that is drawn has no look-up yet, so
 * that a plan made again has the same hash though other digits are drawn.
 */
export function digestOf(item: ItemDraft): Buffer {
  const { rule, reason } = item.hashedAs ?? item
  const content = [
    item.object,
    item.action,
    item.objectId,
    item.name,
    rule,
    reason,
    withoutSealed(item.old),
    withoutSealed(item.new),
    item.names?.map((n) => (n.held ? [n.kind, n.value, n.origin] : [n.kind, n.value, n.origin, false])) ?? null,
    ...(item.givenEmails === undefined ? [] : [item.givenEmails]),
  ]
  return createHash('sha256').update(JSON.stringify(content)).digest()
}

function withoutSealed(value: Readonly<Record<string, unknown>> | null): unknown {
  if (value === null || !('sealed' in value)) return value
  const { sealed: _, ...rest } = value
  return rest
}
