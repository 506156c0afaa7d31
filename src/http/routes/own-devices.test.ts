// Where somebody was identified, as he sees it on his own page.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, sessionHeaders, sessionOf, type TestServer } from '../../../test/support/server.ts'
import { personSession } from '../../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import { removeEnded } from '../../signin/upkeep.ts'

const BEGIN = Date.now()
const DAY_MS = 86_400_000
let test: TestDatabase
let world: SyncWorld
let http: TestServer
let ann: Somebody
let bob: Somebody
/** Time stands still but for this, in milliseconds. */
let later = 0
const clock = { ...systemClock, now: () => new Date(BEGIN + later) }
const at = () => clock.now().toISOString()

interface Somebody {
  readonly id: number
  readonly card: string
  readonly pin: string
}

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, {
    users: 4,
    settings: { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } },
    clock,
  })
  await world.sync()
  await test.db.query('update setup set done_at = now()')
  await test.db.query('update connections set sign_in_with_microsoft = true')
  http = await aServer(world.engine)
  const { rows } = await test.db.query<{ id: number }>('select id from users where active order by id limit 2')
  const [first, second] = await Promise.all(rows.map(({ id }) => equip(id)))
  ann = first!
  bob = second!
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later += 60_000
  await test.db.query('truncate terminals, terminal_sightings cascade')
})

async function equip(id: number): Promise<Somebody> {
  const admin = await http.as('administrator')
  const card = `CARD-${id}`
  expect((await admin('POST', `/api/v1/users/${id}/cards`, { card })).statusCode).toBe(201)
  return { id, card, pin: (await admin('POST', `/api/v1/users/${id}/pin`)).json<{ pin: string }>().pin }
}

async function asPerson({ id }: Somebody): Promise<Ask> {
  const { rows } = await test.db.query<{ id: number }>('select id from connections')
  const session = await personSession(world.engine, { userId: id, connectionId: rows[0]!.id, role: null })
  return (method, url, body) => http.asNobody(method, url, body, sessionHeaders(session))
}

const devicesOf = async (who: Somebody) => (await (await asPerson(who))('GET', '/api/v1/me/devices')).json()
const identify = async (terminal: Ask, shown: object) => {
  expect((await terminal('POST', '/api/v1/terminal/authenticate', shown)).json()).toMatchObject({ kind: 'identified' })
  await http.parts.terminals.flush(test.db)
}

describe('where somebody was identified', () => {
  it('is told to himself: by terminal and way, how often, and when last', async () => {
    const door = await http.asTerminal({ name: 'Door' })
    const printer = await http.asTerminal({ name: 'Printer' })
    await identify(door, { by: 'card', card: ann.card })
    const first = at()
    later += 1_000
    await identify(printer, { by: 'pin', pin: ann.pin })
    const second = at()
    later += 1_000
    await identify(printer, { by: 'card', card: ann.card })
    later += 1_000
    await identify(printer, { by: 'card', card: ann.card })
    await identify(door, { by: 'card', card: bob.card })
    // What is tried in vain, e.g. by somebody else, is no identification.
    await door('POST', '/api/v1/terminal/authenticate', { by: 'pin', pin: `${ann.pin}0` })
    await http.parts.terminals.flush(test.db)

    expect(await devicesOf(ann)).toEqual({
      items: [
        { terminal: 'Printer', way: 'card', times: 2, lastAt: at() },
        { terminal: 'Printer', way: 'pin', times: 1, lastAt: second },
        { terminal: 'Door', way: 'card', times: 1, lastAt: first },
      ],
    })
    expect(await devicesOf(bob)).toEqual({ items: [{ terminal: 'Door', way: 'card', times: 1, lastAt: at() }] })
  })

  it('is told after the terminal was revoked too, and forgotten after 30 days', async () => {
    const door = await http.asTerminal({ name: 'Door' })
    await identify(door, { by: 'card', card: ann.card })
    await test.db.query('update terminals set revoked_at = $1', [clock.now()])
    later += 29 * DAY_MS
    await removeEnded(test.db, clock.now())
    const before = await devicesOf(ann)
    later += 2 * DAY_MS
    const hidden = await devicesOf(ann)
    await removeEnded(test.db, clock.now())

    expect(before.items).toHaveLength(1)
    expect(hidden.items).toEqual([])
    expect((await test.db.query('select 1 from terminal_sightings')).rowCount).toBe(0)
  })

  it('is told to nobody else: no administrator, no token, no terminal', async () => {
    const headers = sessionHeaders(await sessionOf(world.engine, 'administrator', 'Ada'))
    const administrator: Ask = (method, url, body) => http.asNobody(method, url, body, headers)
    const asked = [administrator, await http.withToken('read', 'administer'), await http.asTerminal()]
    const statuses = await Promise.all(asked.map(async (ask) => (await ask('GET', '/api/v1/me/devices')).statusCode))

    expect(statuses).toEqual([403, 403, 403])
    expect((await http.asNobody('GET', '/api/v1/me/devices')).statusCode).toBe(401)
  })
})
