import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/database.ts'
import { aServer } from '../../test/support/server.ts'
import { aSyncWorld } from '../../test/support/world.ts'
import { withTransaction } from '../database/transaction.ts'
import { holdRegistry } from '../registry/edit.ts'
import { Turns, TURNS_OF_ONE } from './turns.ts'

const NEVER = new AbortController().signal

describe('turns', () => {
  it('are taken by so many of one asker at once, the others wait in their order, and nobody waits for somebody else', async () => {
    const turns = new Turns({ atOnce: 2, waiting: 9 })
    const [first, second] = [await turns.take('a', NEVER), await turns.take('a', NEVER)]
    const met: string[] = []
    const third = turns.take('a', NEVER).then((end) => (met.push('third'), end))
    const fourth = turns.take('a', NEVER).then((end) => (met.push('fourth'), end))
    const other = await turns.take('b', NEVER)
    expect(met).toEqual([])
    second()
    const endThird = await third
    expect(met).toEqual(['third'])
    endThird()
    const endFourth = await fourth
    expect(met).toEqual(['third', 'fourth'])
    for (const end of [first, endFourth, other]) end()

    // As many as before, after all of them have ended.
    await turns.take('a', NEVER)
    await turns.take('a', NEVER)
  })

  it('are given up by who goes while he waits, and refused to whom too many wait before', async () => {
    const turns = new Turns({ atOnce: 1, waiting: 1 })
    const first = await turns.take('a', NEVER)
    const gone = new AbortController()
    const second = turns.take('a', gone.signal)
    await expect(turns.take('a', NEVER)).rejects.toMatchObject({ code: 'too-many-requests' })
    gone.abort(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    await expect(turns.take('a', gone.signal)).rejects.toThrow('gone')
    const third = turns.take('a', NEVER)
    first()

    expect(await third).toBeTypeOf('function')
  })
})

it('others are answered while somebody asks for very much at once that has to wait', async () => {
  // As many as a server has.
  const test = await createTestDatabase({ max: 10 })
  const world = await aSyncWorld(test.db)
  await test.db.query('update setup set done_at = now()')
  const http = await aServer(world.engine)
  const [many, other] = [await http.as('operator'), await http.as('administrator')]
  const names = Array.from({ length: 30 }, (_, nth) => `group ${nth}`)
  const waiting = `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`
  let answered = 0
  const { asking, seen } = await withTransaction(test.db, async (tx) => {
    await holdRegistry(tx, 'alone')
    const asked = names.map((name) => many('POST', '/api/v1/groups', { name }))
    for (const one of asked) void one.then(() => (answered += 1))
    while (((await tx.query(waiting)).rowCount ?? 0) < TURNS_OF_ONE.atOnce) await setTimeout(5)
    return { asking: Promise.all(asked), seen: [(await other('GET', '/api/v1/users')).statusCode, answered] }
  })
  const statuses = (await asking).map(({ statusCode }) => statusCode)
  await http.stop()
  await world.stop()
  await test.drop()

  expect(seen).toEqual([200, 0])
  expect(statuses).toEqual(names.map(() => 201))
})
