// What two people changed at the same time: the one's changes put onto what the other one saved.
import { blockOf, type Json } from './draft.ts'

/**
 * `theirs` with every change that leads from `before` to `mine`. Where both changed one setting, mine counts: whoever saves it looks at
 * it once more.
 */
export function merged(before: Json | undefined, mine: Json | undefined, theirs: Json | undefined): Json | undefined {
  if (isSame(before, mine)) return theirs
  if (!isBlock(before) || !isBlock(mine) || !isBlock(theirs)) return mine
  const [old, own, other] = [blockOf(before), blockOf(mine), blockOf(theirs)]
  const entries: [string, Json][] = []
  for (const key of new Set([...Object.keys(other), ...Object.keys(own)])) {
    const value = merged(old[key], own[key], other[key])
    if (value !== undefined) entries.push([key, value])
  }
  return Object.fromEntries(entries)
}

function isBlock(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
