// The digest of a plan item, of which the plan's hash is made.
import { createHash } from 'node:crypto'
import type { ItemDraft } from './item.ts'

/** SHA-256 over what an item does; sealed values, ids of ours and times are left out. */
export function digestOf(item: ItemDraft): Buffer {
  const content = [
    item.object,
    item.action,
    item.objectId,
    item.name,
    item.rule,
    item.reason,
    withoutSealed(item.old),
    withoutSealed(item.new),
    item.names?.map((n) => [n.kind, n.value, n.origin]) ?? null,
  ]
  return createHash('sha256').update(JSON.stringify(content)).digest()
}

function withoutSealed(value: Readonly<Record<string, unknown>> | null): unknown {
  if (value === null || !('sealed' in value)) return value
  const { sealed: _, ...rest } = value
  return rest
}
