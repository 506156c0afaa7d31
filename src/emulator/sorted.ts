// Ascending arrays of object numbers: the shape of every list and every edge set. Eight bytes an entry where a Set
// takes about thirty, and a page can start at any number by binary search.

/** Index of the first entry greater than `value`. */
export function indexAfter(list: readonly number[], value: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return low
}

export function hasNumber(list: readonly number[], value: number): boolean {
  return list[indexAfter(list, value) - 1] === value
}

/** Adds in place; `false` when it was there already. */
export function insertNumber(list: number[], value: number): boolean {
  const index = indexAfter(list, value)
  if (list[index - 1] === value) return false
  if (index === list.length) list.push(value)
  else list.splice(index, 0, value)
  return true
}

/** Removes in place; `false` when it was not there. */
export function removeNumber(list: number[], value: number): boolean {
  const index = indexAfter(list, value) - 1
  if (list[index] !== value) return false
  list.splice(index, 1)
  return true
}

/** Adds many in place, sorting once. Returns those that were not there before. */
export function insertNumbers(list: number[], values: readonly number[]): number[] {
  const added = [...new Set(values)].filter((value) => !hasNumber(list, value)).sort((a, b) => a - b)
  const isTail = (added[0] ?? 0) > (list.at(-1) ?? -1)
  for (const value of added) list.push(value)
  if (!isTail) list.sort((a, b) => a - b)
  return added
}
