import { describe, expect, it } from 'vitest'
import type { Queries } from '../database/connect.ts'
import { KeptFigures } from './kept-figures.ts'

/** Counts how often it is asked, each of which takes so long. */
function aDatabase(tookMs: number) {
  let [now, asked] = [0, 0]
  const query = async () => {
    asked += 1
    now += tookMs
    await Promise.resolve()
    if (tookMs < 0) throw new Error('gone')
    return { rows: [{ active: asked, deactivated: 0, local: 0, groups: 0, issues: 0 }] }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked of it
  const figures = new KeptFigures({ query } as unknown as Queries, { monotonicMs: () => now })
  return { figures, pass: (ms: number) => (now += ms), asked: () => asked }
}

describe('figures of the overview', () => {
  it('are counted once for all who ask at the same time', async () => {
    const { figures, asked } = aDatabase(300)

    await Promise.all(Array.from({ length: 20 }, () => figures.read()))
    expect(asked()).toBe(1)
  })

  it('are good for fifty times as long as counting took, a minute at most', async () => {
    const { figures, pass, asked } = aDatabase(100)
    await figures.read()
    pass(4_999)
    await figures.read()
    expect(asked()).toBe(1)
    pass(1)
    await figures.read()
    expect(asked()).toBe(2)
    const slow = aDatabase(30_000)
    await slow.figures.read()
    slow.pass(60_000)
    await slow.figures.read()

    expect(slow.asked()).toBe(2)
  })

  it('of a large registry are those of before while they are counted again, and nobody waits', async () => {
    const { figures, pass, asked } = aDatabase(400)
    expect((await figures.read()).users.active).toBe(1)
    pass(20_000)
    const all = await Promise.all([figures.read(), figures.read(), figures.read()])

    expect(all.map(({ users }) => users.active)).toEqual([1, 1, 1])
    await new Promise(setImmediate)
    expect((await figures.read()).users.active).toBe(2)
    expect(asked()).toBe(2)
  })

  it('of five minutes ago are shown to nobody', async () => {
    const { figures, pass } = aDatabase(400)
    await figures.read()
    pass(5 * 60_000)

    expect((await figures.read()).users.active).toBe(2)
  })

  it('of a small registry are those of now', async () => {
    const { figures, pass } = aDatabase(20)
    await figures.read()
    pass(1_000)

    expect((await figures.read()).users.active).toBe(2)
  })

  it('are counted again at once where counting failed', async () => {
    const { figures, asked } = aDatabase(-1)

    await expect(figures.read()).rejects.toThrow('gone')
    await expect(figures.read()).rejects.toThrow('gone')
    expect(asked()).toBe(2)
  })
})
