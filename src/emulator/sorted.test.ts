import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasNumber, indexAfter, insertNumber, insertNumbers, removeNumber } from './sorted.ts'

describe('ascending arrays of numbers', () => {
  it('behave like a set that is listed in order', () => {
    const step = fc.tuple(
      fc.constantFrom('add', 'remove', 'many'),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }),
    )

    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const list: number[] = []
        const model = new Set<number>()
        for (const [what, values] of steps) {
          const [value = 0] = values
          if (what === 'add') {
            expect(insertNumber(list, value)).toBe(!model.has(value))
            model.add(value)
          } else if (what === 'remove') {
            expect(removeNumber(list, value)).toBe(model.delete(value))
          } else {
            const added = insertNumbers(list, values)
            expect(added).toEqual([...new Set(values)].filter((one) => !model.has(one)).sort((a, b) => a - b))
            for (const one of values) model.add(one)
          }
          expect(list).toEqual([...model].sort((a, b) => a - b))
        }
        for (let value = 0; value <= 41; value++) {
          expect(hasNumber(list, value)).toBe(model.has(value))
          expect(indexAfter(list, value)).toBe(list.filter((one) => one <= value).length)
        }
      }),
    )
  })
})
