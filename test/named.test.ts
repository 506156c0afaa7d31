// Every option of a source has a test of what it does and one of its default, and every failure that the engine answers for
// has a test that carries its id. Read from the tests' names, so that a new option without tests is noticed.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sourceSettings } from '../src/contract/sources.ts'
import { failureIdsIn, isOptionTested, optionTestsIn } from './support/named.ts'
import { ROOT } from './support/generated.ts'

const files = ['src', 'test'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    // This file quotes names of tests.
    .filter((path) => path.endsWith('.test.ts') && path !== 'named.test.ts')
    .map((path) => readFileSync(join(ROOT, folder, path), 'utf8')),
)

/** Paths of every setting that has a default, down to what is no block of settings any more. */
function optionsOf(value: unknown, path: readonly string[] = []): string[] {
  const isBlock = typeof value === 'object' && value !== null && !Array.isArray(value)
  // What a target takes is one setting, and own fields are named by the administrator.
  const isValue = !isBlock || path.length === 3
  if (isValue) return [path.join('.')]
  return Object.entries(value).flatMap(([key, inner]) => optionsOf(inner, [...path, key]))
}

/** Of an entry of a list, where no default shows them; `name` is a source's key in the config file. */
const INNER = ['apply', 'mode', 'transform', 'groups.fromAttributes.makeDefault']
const options = [...optionsOf(sourceSettings.parse({ connection: 'c' })), ...INNER]

/** Failures of what is not part of the engine, with whose they are. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  D14: 'screens',
  D22: 'roles at sign-in',
  G23: 'change notifications',
  G24: 'change notifications',
  O3: 'sign-in',
  O9: 'roles at sign-in',
  O12: 'the HTTP server',
}
const numbered = (letter: string, last: number) => Array.from({ length: last }, (_, n) => `${letter}${n + 1}`)
const FAILURES = [...numbered('D', 22), ...numbered('G', 25), ...numbered('O', 12)]

describe('options of a source', () => {
  const tests = files.flatMap(optionTestsIn)

  it('are found in the settings', () => {
    expect(options.length).toBeGreaterThan(50)
    expect(options).toEqual(
      expect.arrayContaining(['users.import', 'users.properties.cards', 'safeguard.rewrites.count']),
    )
  })

  it.each(options)('%s has a test that shows what it does', (option) => {
    expect(isOptionTested(option, { tests, kind: 'effect' })).toBe(true)
  })

  it.each(options.filter((option) => option !== 'connection'))('%s has a test that shows its default', (option) => {
    expect(isOptionTested(option, { tests, kind: 'default' })).toBe(true)
  })
})

describe('failures', () => {
  const carried = new Set(files.flatMap(failureIdsIn))

  it.each(FAILURES.filter((id) => ELSEWHERE[id] === undefined))('%s is carried by a test', (id) => {
    expect(carried.has(id)).toBe(true)
  })
})

describe('reading test names', () => {
  it.each([
    [`it('option a.b: effect: x', () => {`, [{ option: 'a.b', kinds: ['effect'] }]],
    [`it.each(x)('option apply: effect and default (always): %s'`, [{ option: 'apply', kinds: ['effect', 'default'] }]],
    [
      `it('option a, option b: default: x'`,
      [
        { option: 'a', kinds: ['default'] },
        { option: 'b', kinds: ['default'] },
      ],
    ],
    [`it('option t: effect: x; default: y'`, [{ option: 't', kinds: ['effect', 'default'] }]],
    [`[['one', 1]]; it('option p.%s: effect: x'`, [{ option: 'p.one', kinds: ['effect'] }]],
    [`describe('option a.b', () => {`, []],
  ])('finds the options in %s', (text, found) => {
    expect(optionTestsIn(text)).toEqual(found)
  })

  it.each([
    [`it('D5, O4: x'`, ['D5', 'O4']],
    ['it.each(r)(`G19: %s`', ['G19']],
    [`    ['O7: plans are made differently', 1],`, ['O7']],
    [`// D7: a comment is no test`, []],
    [`it('of group G3'`, []],
  ])('finds the failures in %s', (text, found) => {
    expect(failureIdsIn(text)).toEqual(found)
  })

  it('an option is tested by a name of its own or of the block that it is in, never by a whole part of the settings', () => {
    const tests = [
      { option: 'schedule', kinds: ['effect'] },
      { option: 'users', kinds: ['effect'] },
    ] as const
    expect(isOptionTested('schedule.delta', { tests, kind: 'effect' })).toBe(true)
    expect(isOptionTested('schedule.delta', { tests, kind: 'default' })).toBe(false)
    expect(isOptionTested('users.guests', { tests, kind: 'effect' })).toBe(false)
  })
})
