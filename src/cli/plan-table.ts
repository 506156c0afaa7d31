// A plan as a table: what happens to whom, from what to what, and because of which rule.
import type { PlanLine } from '../app.ts'
import { type Io, writeLine, writeTable } from './io.ts'

/** More than a person reads; the counts below the table tell the rest. */
const SHOWN = 60
const CELL = 60

/** Writes the first items of a plan and says how many more there are. */
export async function writePlan(
  io: Io,
  items: AsyncIterable<PlanLine> | Iterable<PlanLine>,
  { atMost = SHOWN }: { readonly atMost?: number } = {},
): Promise<void> {
  const rows: (readonly string[])[] = []
  let more = 0
  for await (const item of items) {
    if (rows.length < atMost) rows.push(rowOf(item))
    else more += 1
  }
  if (rows.length === 0) return
  writeTable(io, ['action', 'name', 'what changes', 'because of'], rows)
  if (more > 0) writeLine(io, `… and ${more.toLocaleString('en-US')} more`)
}

function rowOf(item: PlanLine): readonly string[] {
  return [
    `${item.object} ${item.action}`,
    short(item.name ?? item.objectId ?? ''),
    short(changes(item)),
    `${item.rule}: ${item.reason}`,
  ]
}

/** old → new per field; what is created shows what it gets. */
function changes({ old, new: next }: PlanLine): string {
  const keys = new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {})])
  return [...keys]
    .flatMap((key) => {
      const before = text(old?.[key])
      const after = text(next?.[key])
      if (before === after) return []
      if (before === '') return [`${key}: ${after}`]
      return [`${key}: ${before} → ${after === '' ? '(none)' : after}`]
    })
    .join(', ')
}

function text(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map(text).join(' + ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function short(value: string): string {
  return value.length > CELL ? `${value.slice(0, CELL - 1)}…` : value
}
