// What somebody registers at a terminal that Entra gave him is Entra's still.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Ask, aServer, sessionHeaders, sessionOf, type TestServer } from '../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { hire, update } from '../emulator/operations.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let door: Ask

beforeAll(async () => {
  test = await createTestDatabase()
  const properties = { cards: ['employeeId'] }
  world = await aSyncWorld(test.db, { settings: { safeguard: 'off', users: { properties } } })
  http = await aServer(world.engine)
  door = await http.asTerminal({ unknownCard: 'register' })
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})

/** Somebody of Entra with a card and a PIN. */
async function aPerson(name: string, card: string) {
  const { id: objectId } = hire(world.tenant, {
    userPrincipalName: `${name}@contoso.test`,
    displayName: name,
    employeeId: card,
  })
  expect((await world.sync()).outcome).toBe('applied')
  const { rows } = await test.db.query<{ id: number }>('select id from users where object_id = $1', [objectId])
  const { id } = rows[0]!
  const headers = sessionHeaders(await sessionOf(world.engine, 'administrator'))
  const { pin } = (await http.asNobody('POST', `/api/v1/users/${id}/pin`, undefined, headers)).json<{ pin: string }>()
  const cards = async () =>
    (
      await test.db.query<{ origin: string; held: boolean }>(
        `select origin::text, held from credentials where user_id = $1 and kind = 'card' order by id`,
        [id],
      )
    ).rows
  const audited = async () =>
    (await test.db.query(`select from audit where action = 'card.add' and subject = $1`, [`user ${id}`])).rowCount
  return { id, objectId, pin, cards, audited }
}

const show = (body: object) => door('POST', '/api/v1/terminal/authenticate', body)

/** Identifies himself by PIN and registers a card. @returns the status, or the code of a refusal */
async function register(pin: string, card: string): Promise<string | number> {
  const told = (await show({ by: 'pin', pin })).json<{ registration: { code: string } }>()
  const answer = await door('POST', '/api/v1/terminal/cards', { registration: told.registration.code, card })
  return answer.statusCode === 204 ? 204 : answer.json<{ code: string }>().code
}

it('a card that his source gave him is withdrawn by the next run all the same, and is none of the three that he may register', async () => {
  const cara = await aPerson('cara', 'OLD-77')

  expect(await register(cara.pin, ' old-77 ')).toBe(204)
  expect(await cara.cards()).toEqual([{ origin: 's', held: true }])
  expect(await cara.audited()).toBe(0)
  update(world.tenant, cara.objectId, { employeeId: 'NEW-77' })
  await world.sync()

  expect((await show({ by: 'card', card: 'OLD-77' })).json()).toMatchObject({ reason: 'unknown-card' })
  expect((await show({ by: 'card', card: 'NEW-77' })).json()).toMatchObject({ user: { id: String(cara.id) } })
  for (const card of ['1', '2', 'new-77', '3']) expect(await register(cara.pin, card), card).toBe(204)
  expect(await register(cara.pin, '4')).toBe('too-many-cards')
  expect(await cara.audited()).toBe(3)
})

it('a card that was parked is found again, and is his source’s still', async () => {
  const dan = await aPerson('dan', 'DAN-88')
  await test.db.query('update credentials set held = false where user_id = $1', [dan.id])
  await test.db.query(`update credentials set held = true where user_id = $1 and kind = 'pin'`, [dan.id])

  expect(await register(dan.pin, 'DAN-88')).toBe(204)

  expect(await dan.cards()).toEqual([{ origin: 's', held: true }])
  expect(await dan.audited()).toBe(1)
  update(world.tenant, dan.objectId, { employeeId: null })
  await world.sync()
  expect((await show({ by: 'card', card: 'DAN-88' })).json()).toMatchObject({ reason: 'unknown-card' })
})
