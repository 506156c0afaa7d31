// A plan as a table: what happens to whom, from what to what, and because of which rule.
import type { PlanLine } from '../app.ts'
import { oddityOf } from '../contract/lookalike.ts'
import { type Io, printable, writeLine, writeTable } from './io.ts'

/** More than a person reads; the counts below the table tell the rest. */
const SHOWN = 60
const CELL = 70
/** Names that could be mistaken for others. */
const ODD_SHOWN = 20

/** Which items are shown: the first ones, or the first ones of each kind. */
export interface Shown {
  readonly atMost?: number
  readonly ofEachKind?: number
  /** How many there are in all, where `items` are the first of them. */
  readonly total?: number
}

/** Writes some items of a plan, in its order, and says how many more there are. */
export async function writePlan(
  io: Io,
  items: AsyncIterable<PlanLine> | Iterable<PlanLine>,
  { atMost = SHOWN, ofEachKind = atMost, total }: Shown = {},
): Promise<void> {
  const rows: (readonly string[])[] = []
  const seen = new Map<string, number>()
  let more = 0
  let oddTotal = 0
  const odd: string[] = []
  for await (const item of items) {
    const kind = `${item.object} ${item.action}`
    const before = seen.get(kind) ?? 0
    seen.set(kind, before + 1)
    if (rows.length < atMost && before < ofEachKind) rows.push(rowOf(kind, item))
    else more += 1
    const oddity = oddityOfItem(item)
    if (oddity === undefined) continue
    oddTotal += 1
    if (odd.length < ODD_SHOWN) odd.push(oddity)
  }
  if (rows.length === 0) return
  writeTable(io, ['action', 'name', 'what changes', 'because of'], rows)
  if (total !== undefined) more = total - rows.length
  if (more > 0) writeLine(io, `… and ${more.toLocaleString('en-US')} more`)
  for (const text of odd) writeLine(io, `! ${text}`)
  if (oddTotal > odd.length) writeLine(io, `! … and ${(oddTotal - odd.length).toLocaleString('en-US')} more such names`)
}

/** A user name that this item gives and that could be mistaken for another. */
function oddityOfItem(item: PlanLine): string | undefined {
  const name = item.object === 'user' ? item.new?.['userName'] : undefined
  const oddity = typeof name === 'string' ? oddityOf(name) : undefined
  return oddity === undefined
    ? undefined
    : `The user name ${printable(String(name))} ${oddity}: look whom it could be mistaken for.`
}

function rowOf(kind: string, item: PlanLine): readonly string[] {
  const name = item.name ?? item.objectId ?? ''
  return [kind, short(name), short(changesOf(item)), `${item.rule}: ${item.reason}`]
}

/** Fields that say who or what it is come first; the database keeps them in no order that means anything. */
const FIRST = ['userName', 'fullName', 'path', 'shown', 'group']
/** Digests and ids: for programs. */
const FOR_PROGRAMS = new Set(['lookup', 'sealed', 'digest', 'kind', 'origin', 'groupObjectId', 'user', 'userObjectId'])
const LABELS: Readonly<Record<string, string>> = { shown: 'number', rows: 'members' }

/** old → new per field; what is created shows what it gets. */
function changesOf({ old, new: next }: PlanLine): string {
  const rank = (key: string) => (FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length)
  const keys = [...new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {})])]
    .filter((key) => !FOR_PROGRAMS.has(key))
    // The path of a new group says it already.
    .filter((key, _, all) => key !== 'under' || !all.includes('path'))
    .sort((a, b) => rank(a) - rank(b))
  return keys
    .flatMap((key) => {
      const before = text(old?.[key])
      const after = text(next?.[key])
      if (before === after) return []
      const label = LABELS[key] ?? key
      if (before === '') return [`${label}: ${after}`]
      return [`${label}: ${before} → ${after === '' ? '(none)' : after}`]
    })
    .join(', ')
}

function text(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map(text).join(' + ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function short(value: string): string {
  return value.length > CELL ? `${value.slice(0, CELL - 1).toWellFormed()}…` : value
}
