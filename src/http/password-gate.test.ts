import { describe, expect, it } from 'vitest'
import { PASSWORD_LIMIT, PASSWORDS_AT_ONCE, PasswordGate } from './password-gate.ts'

function aGate() {
  let now = 0
  const gate = new PasswordGate({ monotonicMs: () => now })
  const tries = async (terminal: number, count: number) => {
    let passed = 0
    for (let nth = 0; nth < count; nth += 1)
      await gate
        .pass(terminal, async () => void (passed += 1))
        .catch((error: Error) => expect(error).toMatchObject({ code: 'too-many-requests' }))
    return passed
  }
  return { gate, tries, pass: (ms: number) => (now += ms) }
}

describe('Microsoft passwords of one terminal', () => {
  it('are thirty a minute after a burst, and take nothing from another one', async () => {
    const { tries, pass } = aGate()

    expect(await tries(1, PASSWORD_LIMIT.burst + 20)).toBe(PASSWORD_LIMIT.burst)
    expect(await tries(2, 5)).toBe(5)
    pass(60_000)
    expect(await tries(1, 50)).toBe(30)
  })

  it('are so many at once, of it and of all, and who is refused for that has used nothing up', async () => {
    const { gate, tries } = aGate()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const held = Array.from({ length: PASSWORDS_AT_ONCE.ofOne }, () => gate.pass(1, () => promise))

    expect(await tries(1, 100)).toBe(0)
    for (let terminal = 2; held.length < PASSWORDS_AT_ONCE.ofAll; terminal += 1)
      held.push(gate.pass(terminal, () => promise))
    expect(await tries(1_000, 1)).toBe(0)
    resolve(undefined)
    await Promise.all(held)
    expect(await tries(1, 100)).toBe(PASSWORD_LIMIT.burst - PASSWORDS_AT_ONCE.ofOne)
  })

  it('make room also where asking failed', async () => {
    const { gate, tries } = aGate()
    for (let nth = 0; nth < PASSWORDS_AT_ONCE.ofAll; nth += 1)
      await expect(gate.pass(nth, () => Promise.reject(new Error('Microsoft is away')))).rejects.toThrow('away')

    expect(await tries(1, 1)).toBe(1)
  })
})
