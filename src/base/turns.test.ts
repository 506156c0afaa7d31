import { describe, expect, it } from 'vitest'
import { Turns } from './turns.ts'

const refusal = () => new Error('too many')
describe('turns', () => {
  it('are taken by so many of one asker at once, the others wait in their order, and nobody waits for somebody else', async () => {
    const turns = new Turns({ atOnce: 2, waiting: 9 }, refusal)
    const [first, second] = [await turns.take('a'), await turns.take('a')]
    const met: string[] = []
    const third = turns.take('a').then((end) => (met.push('third'), end))
    const fourth = turns.take('a').then((end) => (met.push('fourth'), end))
    const other = await turns.take('b')
    expect(met).toEqual([])
    second()
    const endThird = await third
    expect(met).toEqual(['third'])
    endThird()
    const endFourth = await fourth
    expect(met).toEqual(['third', 'fourth'])
    for (const end of [first, endFourth, other]) end()

    // As many as before, after all of them have ended.
    await turns.take('a')
    await turns.take('a')
  })

  it('are given up by who goes while he waits, and refused to whom too many wait before', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 1 }, refusal)
    const first = await turns.take('a')
    const gone = new AbortController()
    const second = turns.take('a', { signal: gone.signal })
    await expect(turns.take('a')).rejects.toThrow('too many')
    gone.abort(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    await expect(turns.take('a', { signal: gone.signal })).rejects.toThrow('gone')
    const third = turns.take('a')
    first()

    expect(await third).toBeTypeOf('function')
  })

  it('are taken before all that begin, and never refused, by what goes on with something that had one', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 1 }, refusal)
    const first = await turns.take('a')
    const met: string[] = []
    const begins = turns.take('a').then((end) => (met.push('begins'), end))
    const goesOn = turns.take('a', { isGoingOn: true }).then((end) => (met.push('goes on'), end))
    first()
    const endGoingOn = await goesOn
    endGoingOn()
    await begins

    expect(met).toEqual(['goes on', 'begins'])
  })
})
