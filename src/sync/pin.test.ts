import { randomInt } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawPin, hasConstantSteps, pinLength } from './pin.ts'

describe('how long a PIN is that is drawn', () => {
  it.each([
    [0, 6],
    [1, 6],
    [1_000, 6],
    [1_001, 7],
    [10_000, 7],
    [10_001, 8],
    [100_000, 8],
    [100_001, 9],
    [1_000_001, 10],
  ])('D12: of %i people each has one of %i digits', (people, length) => {
    expect(pinLength(people)).toBe(length)
  })

  it('D12: at most one PIN in a thousand is somebody’s, and never a digit more than that needs', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000_000 }), (people) => {
        const length = pinLength(people)
        expect(people / 10 ** length).toBeLessThanOrEqual(1 / 1_000)
        expect(length === 6 || people / 10 ** (length - 1) > 1 / 1_000).toBe(true)
      }),
    )
  })
})

describe('a PIN that is too easily guessed', () => {
  it.each(['111111', '000000', '123456', '654321', '246802', '802468', '789012', '321098', '3692581', '987654321'])(
    'D12: %s has constant steps and is not given',
    (pin) => {
      expect(hasConstantSteps(pin)).toBe(true)
      expect(drawPin(pin.length, () => Number(pin))).toBeUndefined()
    },
  )

  it.each(['111112', '123457', '121212', '012346', '246801'])('D12: %s has not', (pin) => {
    expect(drawPin(pin.length, () => Number(pin))).toBe(pin)
  })

  it('D12: of six digits exactly the hundred that a first digit and a step make', () => {
    let constant = 0
    for (let n = 0; n < 1_000_000; n += 1) if (hasConstantSteps(String(n).padStart(6, '0'))) constant += 1
    expect(constant).toBe(100)
  })

  it('D12: what is drawn has the length that was asked for, leading zeros included', () => {
    expect(drawPin(6, () => 42)).toBe('000042')
    for (let n = 0; n < 1_000; n += 1) expect(drawPin(9, (below) => randomInt(below)) ?? '012345679').toMatch(/^\d{9}$/)
  })
})
