// Every rule of src/sync/SPEC.md names the test files that enforce it, and every test that carries a rule's id stands there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './support/generated.ts'
import { ruleIdsIn, rulesOf } from './support/spec.ts'

const RULES = 17
const rules = rulesOf(readFileSync(join(ROOT, 'src/sync/SPEC.md'), 'utf8'))
const carriers = findCarriers()

/** Test files by the rule ids that their tests' names carry. */
function findCarriers(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      // This file quotes names of tests.
      .filter((path) => path.endsWith('.test.ts') && path !== 'spec.test.ts')
      .map((path) => join(folder, path)),
  )
  for (const file of files.sort())
    for (const id of ruleIdsIn(readFileSync(join(ROOT, file), 'utf8'))) found.set(id, [...(found.get(id) ?? []), file])
  return found
}

describe('the rules of a synchronization', () => {
  it('are numbered without a gap, each a sentence of its own', () => {
    expect(rules.map((rule) => rule.id)).toEqual(Array.from({ length: RULES }, (_, n) => `S${n + 1}`))
    expect(new Set(rules.map((rule) => rule.text)).size).toBe(RULES)
  })

  it.each(rules.map((rule) => [rule.id, rule] as const))(
    '%s names the tests that carry it, all of them',
    (id, rule) => {
      expect(rule.files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
      expect(rule.files.length).toBeGreaterThan(0)
      expect(rule.files).toEqual(carriers.get(id) ?? [])
    },
  )

  it('are the only ones that tests carry', () => {
    expect([...carriers.keys()].filter((id) => !rules.some((rule) => rule.id === id))).toEqual([])
  })
})

describe('reading test names', () => {
  it.each([
    [`it('S4: a second run writes nothing', async () => {`, ['S4']],
    [`it('E3, S8: only one of several', () => {`, ['S8']],
    ['it.each(links)(`G9 S11: %s`, () => {', ['S11']],
    [`    [\n      'S14: an empty list',`, ['S14']],
    [`it("S5, S10, G4: everything at once", () => {`, ['S5', 'S10']],
    [`describe('S9, S16: whatever happens', () => {`, ['S9', 'S16']],
    [`// S1: a comment is no test`, []],
    [`it('the S3 bucket: is none of ours', () => {`, []],
    [`it('a storage class S4 is no rule', () => {`, []],
  ])('finds the ids at the head of a name: %s', (text, ids) => {
    expect(ruleIdsIn(text)).toEqual(ids)
  })
})
