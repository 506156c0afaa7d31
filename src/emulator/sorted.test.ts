import * as fc from 'fast-check'
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
        const added: (readonly [unknown, unknown])[] = []
        for (const [what, values] of steps) {
          const [value = 0] = values
          const fresh = [...new Set(values)].filter((one) => !model.has(one)).sort((a, b) => a - b)
          const wasThere = model.has(value)
          if (what === 'many') {
            added.push([insertNumbers(list, values), fresh])
            for (const one of values) model.add(one)
          } else if (what === 'add') {
            added.push([insertNumber(list, value), !wasThere])
            model.add(value)
          } else {
            added.push([removeNumber(list, value), wasThere])
            model.delete(value)
          }
          expect(list).toEqual([...model].sort((a, b) => a - b))
        }
        for (const [told, expected] of added) expect(told).toEqual(expected)
        for (let value = 0; value <= 41; value++) {
          expect(hasNumber(list, value)).toBe(model.has(value))
          expect(indexAfter(list, value)).toBe(list.filter((one) => one <= value).length)
        }
      }),
    )
  })
})
