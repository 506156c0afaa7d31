// Administrators are told when somebody guesses at a terminal, once an hour, and not when people mistype.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, sessionHeaders, sessionOf, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import { OVERALL_RULES } from '../../signin/terminal-misses.ts'

/** The middle of an hour, so that minutes do not end it. */
const BEGIN = Math.floor(Date.now() / 3_600_000) * 3_600_000 + 1_800_000
const HOUR_MS = 3_600_000
let test: TestDatabase
let world: SyncWorld
let http: TestServer
/** Time stands still but for this, in milliseconds. */
let later = 0
const clock = { ...systemClock, now: () => new Date(BEGIN + later), monotonicMs: () => later }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { clock })
  await test.db.query('update setup set done_at = now()')
  http = await aServer(world.engine)
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later = 0
  await test.db.query('truncate terminals, terminal_misses, alerts cascade')
  await test.db.query('truncate audit')
  await test.db.query(`update audit_head set last_id = 0, digest = ''`)
})

/** Tries in vain, each as soon as it may. */
async function guess(terminal: Ask, shown: (nth: number) => object, count: number): Promise<void> {
  for (let nth = 0; nth < count; ) {
    const answer = await terminal('POST', '/api/v1/terminal/authenticate', shown(nth))
    if (answer.statusCode === 429) later += Number(answer.headers['retry-after']) * 1_000
    else nth += 1
  }
}

const pin = (nth: number) => ({ by: 'pin', pin: `9${nth}` })
const card = (nth: number) => ({ by: 'card', card: `unknown ${nth}` })
const facts = async () =>
  (await test.db.query<{ facts: object }>('select facts from alerts order by id')).rows.map((row) => row.facts)
const audited = async () =>
  (
    await test.db.query<{ actor: string; subject: string | null; details: string }>(
      `select actor_kind as actor, subject, details from audit where action = 'terminal.guessed' order by id`,
    )
  ).rows.map(({ details, ...row }) => ({ ...row, details: JSON.parse(details) as object }))
async function concerns(): Promise<string[]> {
  const session = await sessionOf(world.engine, 'administrator')
  const answer = await http.asNobody('GET', '/api/v1/overview', undefined, sessionHeaders(session))
  const { concerns } = answer.json<{ concerns: { code: string; message: string }[] }>()
  return concerns.filter(({ code }) => code === 'terminal-guessed').map(({ message }) => message)
}

describe('guessing at a terminal', () => {
  it.each([
    ['PINs', pin, 14, 'secret', 'Somebody was guessing PINs or passwords at Door within the last day'],
    ['cards', card, 34, 'card', 'Somebody was guessing cards at Door within the last day'],
  ] as const)(
    'of %s is told where it goes on while the terminal waits, not before',
    async (_, shown, few, tried, words) => {
      const door = await http.asTerminal({ name: 'Door' })
      await guess(door, shown, few)
      const before = [await facts(), await concerns()]
      await guess(door, shown, 1)

      expect(before).toEqual([[], []])
      expect(await facts()).toEqual([{ kind: 'guessing', terminal: 'Door', tried, misses: few + 1 }])
      expect(await audited()).toEqual([
        { actor: 'terminal', subject: 'terminal Door', details: { tried, misses: few + 1 } },
      ])
      expect(await concerns()).toEqual([words])
    },
  )

  it('is told once an hour for each terminal, and concerns nobody after a day', async () => {
    const [door, printer] = [await http.asTerminal({ name: 'Door' }), await http.asTerminal({ name: 'Printer' })]
    await guess(door, pin, 17)
    await guess(printer, pin, 17)
    const first = await facts()
    later = HOUR_MS
    await guess(door, pin, 12)
    const second = await facts()
    const told = await concerns()
    later = 26 * HOUR_MS

    expect(first).toMatchObject([{ terminal: 'Door' }, { terminal: 'Printer' }])
    expect(second).toMatchObject([{ terminal: 'Door' }, { terminal: 'Printer' }, { terminal: 'Door' }])
    expect(told).toHaveLength(2)
    expect(await concerns()).toEqual([])
  })

  it('over all terminals is told when the stricter rules begin, once, however many go on', async () => {
    await test.db.query(`insert into terminal_misses (bucket, misses, missed_at) values ('overall card', $1, $2)`, [
      OVERALL_RULES.card.free - 1,
      clock.now(),
    ])
    await guess(await http.asTerminal(), card, 1)
    const before = await facts()
    await guess(await http.asTerminal(), card, 2)
    await guess(await http.asTerminal(), card, 2)
    const { rows } = await test.db.query<{ last_value: string }>('select last_value from alerts_id_seq')
    await guess(await http.asTerminal(), card, 2)

    expect(before).toEqual([])
    expect(await facts()).toEqual([
      { kind: 'guessing', terminal: null, tried: 'card', misses: OVERALL_RULES.card.free + 1 },
    ])
    expect(await concerns()).toEqual(['Somebody was guessing cards at many terminals within the last day'])
    // A storm uses up no numbers.
    expect((await test.db.query('select last_value from alerts_id_seq')).rows).toEqual(rows)
  })

  it('is not seen in people who mistype now and then, nor in those who are right', async () => {
    const door = await http.asTerminal({ name: 'Door' })
    for (let nth = 0; nth < 30; nth += 1) {
      await guess(door, pin, 1)
      later += 10 * 60_000
    }

    expect(await facts()).toEqual([])
    expect(await audited()).toEqual([])
  })
})
