import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/database.ts'
import { type Ask, aServer } from '../../test/support/server.ts'
import { aSyncWorld } from '../../test/support/world.ts'
import { withTransaction } from '../database/transaction.ts'
import { holdRegistry } from '../registry/edit.ts'
import { TURNS_OF_ONE } from './route.ts'

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

it('others are answered while one terminal asks for very much at once that waits for its own row', async () => {
  const test = await createTestDatabase({ max: 10 })
  const world = await aSyncWorld(test.db)
  await test.db.query('update setup set done_at = now()')
  const http = await aServer(world.engine)
  const [many, other, page] = [await http.asTerminal(), await http.asTerminal(), await http.as('viewer')]
  const show = (ask: Ask, body: object) => ask('POST', '/api/v1/terminal/authenticate', body)
  const waiting = 'select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))'
  const { rows } = await test.db.query<{ id: number }>('select min(id) as id from terminals')
  let answered = 0
  const { asking, seen } = await withTransaction(test.db, async (tx) => {
    await tx.query('select from terminals where id = $1 for update', [rows[0]!.id])
    const asked = Array.from({ length: 120 }, (_, nth) =>
      nth % 2 === 0
        ? show(many, { by: 'pin', pin: `${nth}` })
        : show(many, { by: 'card', card: `nobody's card ${nth}` }),
    )
    for (const one of asked) void one.then(() => (answered += 1))
    while (((await tx.query(waiting)).rowCount ?? 0) === 0) await setTimeout(5)
    const others = [
      (await show(other, { by: 'card', card: 'another card' })).statusCode,
      (await show(other, { by: 'pin', pin: '424242' })).statusCode,
      (await page('GET', '/api/v1/users')).statusCode,
    ]
    return { asking: Promise.all(asked), seen: [...others, answered] }
  })
  const statuses = new Set((await asking).map(({ statusCode }) => statusCode))
  await http.stop()
  await world.stop()
  await test.drop()

  expect(seen).toEqual([200, 200, 200, 0])
  expect(statuses).toEqual(new Set([200, 429]))
})
