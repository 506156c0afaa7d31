// Looking up cards: many at once are few questions, each is answered by itself, and no terminal makes another one wait behind all its own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { listening } from '../../test/support/registry.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import { CardLookUps } from './card-look-ups.ts'
import type { TerminalIdentity } from './identity.ts'
import type { SignInParts } from './parts.ts'
import { changeTerminal, createTerminal, findTerminal, revokeTerminal } from './terminals.ts'
import { digestOf } from './random.ts'

const ACTOR = { kind: 'command line', name: 'test' } as const
const CARDS = ['04A1B2C3D401', '04A1B2C3D402', '04A1B2C3D403']
let test: TestDatabase
let parts: SignInParts
let userIds: readonly number[]

beforeAll(async () => {
  test = await createTestDatabase()
  parts = { db: test.db, vault: await createTestVault(test.db), clock: systemClock }
  userIds = await Promise.all(CARDS.map((card, nth) => aHolder(`person ${nth}`, card)))
})
afterAll(() => test.drop())

async function aHolder(name: string, card: string): Promise<number> {
  const { rows } = await test.db.query<{ id: number }>(`insert into users (user_name) values ($1) returning id`, [name])
  const { id } = rows[0]!
  await test.db.query(
    `insert into credentials (user_id, kind, origin, sealed, lookup, held) values ($1, 'card', 'o', $2, $3, true)`,
    [id, parts.vault.seal(card, 'card'), parts.vault.lookup('card', card.toLowerCase())],
  )
  return id
}

async function aTerminal(name: string, tells: readonly 'groups'[] = []): Promise<TerminalIdentity> {
  const settings = { name, may: ['card'], tells, unknownCard: 'refuse', cardTransform: null, days: null } as const
  const { token } = await createTerminal(parts, settings, ACTOR)
  return (await findTerminal(parts, digestOf(token)))!
}

const lookup = (card: string) => parts.vault.lookup('card', card.toLowerCase())

describe('cards that are looked up', () => {
  it('are looked up together when many are asked for, each found or not by itself', async () => {
    const [plain, told] = [await aTerminal('Plain'), await aTerminal('Told', ['groups'])]
    const { db, asked } = listening(test.db)
    const cards = new CardLookUps({ db, clock: systemClock })
    const found = await Promise.all(
      Array.from({ length: 60 }, (_, nth) =>
        cards.find({
          terminal: nth % 2 === 0 ? plain : told,
          lookup: lookup(nth < 3 ? CARDS[nth]! : nth === 59 ? CARDS[0]! : `none ${nth}`),
        }),
      ),
    )

    expect(found.slice(0, 3).map((one) => one?.person?.id)).toEqual(userIds)
    expect(found[59]?.person?.id).toBe(userIds[0])
    expect(found.slice(3, 59).filter((one) => one === undefined || one.person !== undefined)).toEqual([])
    expect([found[0]?.person?.groups, found[1]?.person?.groups]).toEqual([null, []])
    expect(asked).toHaveLength(1)
  })

  it('are not, at a terminal that was revoked or changed, also among those of others in one question', async () => {
    const [revoked, changed, other] = [await aTerminal('Revoked'), await aTerminal('Changed'), await aTerminal('Other')]
    const { db, asked } = listening(test.db)
    const cards = new CardLookUps({ db, clock: systemClock })
    const all = () =>
      Promise.all([revoked, changed, other].map((terminal) => cards.find({ terminal, lookup: lookup(CARDS[1]!) })))
    const before = await all()
    await revokeTerminal(parts, revoked.id, ACTOR)
    await changeTerminal(
      parts,
      { id: changed.id, change: { tells: ['groups'] }, seen: undefined, checkProof: () => {} },
      ACTOR,
    )
    const after = await all()

    expect(before.map((found) => found?.person?.id)).toEqual([userIds[1], userIds[1], userIds[1]])
    expect(after.map((found) => found?.person?.id)).toEqual([undefined, undefined, userIds[1]])
    expect(after.slice(0, 2)).toEqual([undefined, undefined])
    expect(asked).toHaveLength(2)
  })

  it('by a terminal with one are answered with the next question, however many another one asks for', async () => {
    const [many, one] = [await aTerminal('Many'), await aTerminal('One')]
    const cards = new CardLookUps(parts)
    let answered = 0
    const flood = Array.from({ length: 2_000 }, async () => {
      await cards.find({ terminal: many, lookup: lookup(CARDS[0]!) })
      answered += 1
    })
    const found = await cards.find({ terminal: one, lookup: lookup(CARDS[1]!) })
    const before = answered
    await Promise.all(flood)

    expect(found?.person?.id).toBe(userIds[1])
    expect(answered).toBe(2_000)
    expect(before).toBeLessThanOrEqual(200)
  })

  it('take two connections to the database at most', async () => {
    const terminal = await aTerminal('Busy')
    let [now, most] = [0, 0]
    const prepared: SignInParts['db']['prepared'] = async (sql, params) => {
      now += 1
      most = Math.max(most, now)
      return test.db.prepared<never>(sql, params).finally(() => (now -= 1))
    }
    const cards = new CardLookUps({ db: { ...test.db, prepared }, clock: systemClock })
    const found = await Promise.all(
      Array.from({ length: 1_000 }, () => cards.find({ terminal, lookup: lookup(CARDS[2]!) })),
    )

    expect(new Set(found.map((each) => each?.person?.id))).toEqual(new Set([userIds[2]]))
    expect(most).toBe(2)
  })

  it('that cannot be looked up are an error for whoever asked, and the next question is asked all the same', async () => {
    const terminal = await aTerminal('Away')
    const db = { ...test.db, prepared: () => Promise.reject(new Error('the database is away')) }
    const failing = new CardLookUps({ db, clock: systemClock })

    await expect(failing.find({ terminal, lookup: lookup(CARDS[0]!) })).rejects.toThrow('the database is away')
    await expect(failing.find({ terminal, lookup: lookup(CARDS[0]!) })).rejects.toThrow('the database is away')
  })
})
