// What tests get for `vitest` while Stryker runs them: tests are collected, so that they can be run again for every mutant in one process.
export { assert, expect } from 'vitest'

export interface CollectedTest {
  readonly name: string
  readonly run: () => unknown
}

/** Every test that was imported so far, in order. */
export const tests: CollectedTest[] = []
const path: string[] = []

type Body = (...row: never[]) => unknown
type Each = (rows: readonly unknown[]) => (name: string, body: Body) => void

function add(name: string, run: () => unknown): void {
  // Titles of a table may be equal; the number makes them different, and the same in every process.
  tests.push({ name: `${[...path, name].join(' > ')} #${tests.length}`, run })
}

function within(name: string, body: () => void): void {
  path.push(name)
  body()
  path.pop()
}

const called = (body: Body, row: unknown): unknown => Reflect.apply(body, undefined, Array.isArray(row) ? row : [row])

const itEach: Each = (rows) => (name, body) => {
  for (const row of rows) add(name, () => called(body, row))
}
const describeEach: Each = (rows) => (name, body) => {
  for (const row of rows) within(name, () => void called(body, row))
}

export const it = Object.assign(add, { each: itEach })
export const describe = Object.assign(within, { each: describeEach })
