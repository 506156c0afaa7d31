// Who gets which value, judged on the final state: the reference model's conflict rules (see model.ts). Everybody asks for his
// wishes in order; a better claim puts a worse one out, who then asks for his next. The end does not depend on the order.
import { canonical } from './model-entra.ts'

export interface Wisher<T> {
  readonly who: T
  /** Best first; he gets at most one. */
  readonly wishes: readonly string[]
  /** After holding: priority, age, object id. */
  readonly rank: readonly (string | number)[]
  /** He is the active holder of a value with this canonical form. */
  readonly holds: (key: string) => boolean
  /** Nobody may take it from him. */
  readonly isFixed: (key: string) => boolean
}

/** Values by winner; whoever gets none is missing. */
export function contest<T>(
  wishers: readonly Wisher<T>[],
  reserved: readonly { readonly who: T; readonly value: string }[],
): Map<T, string> {
  const reservedFor = new Map(reserved.map((r) => [canonical(r.value), r.who]))
  const next = new Map<Wisher<T>, number>(wishers.map((w) => [w, 0]))
  const held = new Map<string, Wisher<T>>()
  const asking = [...wishers]
  for (let wisher = asking.pop(); wisher !== undefined; wisher = asking.pop()) {
    const index = next.get(wisher) ?? 0
    const wish = wisher.wishes[index]
    if (wish === undefined) continue
    const key = canonical(wish)
    const present = held.get(key)
    const isReserved = reservedFor.has(key) && reservedFor.get(key) !== wisher.who
    if (isReserved || (present !== undefined && isBefore(present, wisher, key))) {
      next.set(wisher, index + 1)
      asking.push(wisher)
      continue
    }
    held.set(key, wisher)
    if (present === undefined) continue
    next.set(present, (next.get(present) ?? 0) + 1)
    asking.push(present)
  }
  return new Map([...held.values()].map((w) => [w.who, w.wishes[next.get(w) ?? 0] ?? '']))
}

function isBefore<T>(a: Wisher<T>, b: Wisher<T>, key: string): boolean {
  const order = (w: Wisher<T>) => [w.isFixed(key) ? 0 : 1, w.holds(key) ? 0 : 1, ...w.rank]
  const [left, right] = [order(a), order(b)]
  for (const [i, l] of left.entries()) {
    const r = right[i] ?? ''
    if (l !== r) return l < r
  }
  return true
}
