// Who is who when names, cards, PINs and numbers wander: no two share one, nobody inherits, nothing of anybody's own is lost.
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, people } from '../../test/support/planned.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(async () => {
  await emptyRegistry(test.db)
})
afterAll(async () => {
  await test.drop()
})

const [A, B, C] = [anId(1), anId(2), anId(3)] as const
const CARDS = { users: { properties: { cards: ['employeeId'] } } }

async function aLocalUser(name: string, o: { administrator?: boolean } = {}): Promise<void> {
  await test.db.query(
    `with made as (insert into users (user_name, administrator) values ($1, $2) returning id)
     insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', $1, lower($1), 'o', true from made`,
    [name, o.administrator ?? false],
  )
}

async function issues() {
  const found = await test.db.query<{ code: string; object_id: string; message: string }>(
    'select code, object_id, message from issues order by object_id, code',
  )
  return found.rows
}

describe('a user name that is used again', () => {
  it('D2: by one new person after the other gives none of them what a leaver had', async () => {
    const steps = fc.array(fc.record({ state: fc.constantFrom('s', 'x'), atOnce: fc.boolean(), named: fc.boolean() }), {
      minLength: 3,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        await emptyRegistry(test.db)
        const source = await aHandSource(test.db, CARDS)
        const G = anId(91)
        await source.group(G, { displayName: 'G' })
        const join = async (n: number) => {
          await source.user(anId(n), { userPrincipalName: 'jo@x', displayName: `Jo ${n}`, employeeId: `card${n}` })
          if (n === 0) await source.member(G, anId(n))
        }
        await join(0)
        await source.run()
        for (const [n, step] of list.entries()) {
          await source.user(anId(n), step.named ? { userPrincipalName: 'jo@x' } : {}, step.state)
          if (!step.atOnce) await source.run()
          await join(n + 1)
          await source.run()
        }
        const registry = await people(test.db)
        expect(Object.keys(registry)).toHaveLength(list.length + 1)
        for (let n = 0; n <= list.length; n += 1) {
          expect(registry[anId(n)]).toMatchObject({
            active: n === list.length,
            name: 'jo@x',
            cards: [`card/card${n}`],
            groups: n === 0 ? ['G'] : [],
          })
        }
        expect(await issues()).toEqual([])
      }),
      { numRuns: 6, seed: 20261123 },
    )
  })
})

describe('somebody who was deleted and created again', () => {
  it('D4: is a new person; the deleted one, restored, stays deactivated with an issue that names both', async () => {
    const source = await aHandSource(test.db, CARDS)
    await source.user(A, { userPrincipalName: 'jo@x', employeeId: '1' })
    await source.run()
    await source.user(A, {}, 's')
    await source.user(B, { userPrincipalName: 'jo@x', employeeId: '1' })
    await source.run()
    expect(await people(test.db)).toMatchObject({
      [A]: { active: false, cards: ['card/1'] },
      [B]: { active: true, cards: ['card/1'] },
    })

    await source.user(A, {}, 'l')
    await source.run()

    expect((await people(test.db))[A]).toMatchObject({ active: false, cards: ['card/1'] })
    expect(await issues()).toMatchObject([{ code: 'user-name-conflict', object_id: A }])
    expect((await issues())[0]!.message).toContain(B)
  })

  it('D4: while the deleted one is kept active, the new one is an issue that names both', async () => {
    const source = await aHandSource(test.db, { users: { options: { deactivateMissingUsers: false } } })
    await source.user(A, { userPrincipalName: 'jo@x' })
    await source.run()
    await source.user(A, {}, 's')
    await source.user(B, { userPrincipalName: 'jo@x' })
    await source.run()
    expect(Object.keys(await people(test.db))).toEqual([A])
    expect(await issues()).toMatchObject([{ code: 'user-name-conflict', object_id: B }])
    expect((await issues())[0]!.message).toContain(A)
  })
})

describe('values that wander', () => {
  const COUNT = 6
  /** Who has which value next: a permutation, in which some give theirs up. */
  const assignment = fc
    .tuple(
      fc.shuffledSubarray(
        Array.from({ length: COUNT }, (_, n) => n),
        { minLength: COUNT, maxLength: COUNT },
      ),
      fc.array(fc.boolean(), { minLength: COUNT, maxLength: COUNT }),
    )
    .map(([order, kept]) => order.map((n, index) => (kept[index] === true || index % 2 === 0 ? n : null)))
  const round = fc.record({
    names: fc.shuffledSubarray(
      Array.from({ length: COUNT }, (_, n) => n),
      { minLength: COUNT, maxLength: COUNT },
    ),
    cards: assignment,
    pins: assignment,
    numbers: assignment,
    aliases: assignment,
  })

  it('D6: any permutation of names, aliases, cards, PINs and numbers in one run ends as Entra says, with no issue', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 3 }), async (rounds) => {
        await emptyRegistry(test.db)
        const source = await aHandSource(test.db, {
          safeguard: 'off',
          users: {
            properties: {
              cards: ['city'],
              pin: 'state',
              personalNumber: 'employeeId',
              aliases: ['mailNickname'],
            },
            options: { keepOldUserName: false },
          },
        })
        const write = async (to: typeof round extends fc.Arbitrary<infer R> ? R : never) => {
          for (let n = 0; n < COUNT; n += 1) {
            const value = (prefix: string, which: number | null) => (which === null ? null : `${prefix}${which}`)
            await source.user(anId(n), {
              userPrincipalName: `name${to.names[n]!}`,
              mailNickname: value('alias', to.aliases[n]!),
              city: value('card', to.cards[n]!),
              state: value('pinpin', to.pins[n]!),
              employeeId: value('number', to.numbers[n]!),
            })
          }
        }
        const own = Array.from({ length: COUNT }, (_, n) => n)
        await write({ names: own, cards: own, pins: own, numbers: own, aliases: own })
        await source.run()
        for (const to of rounds) {
          await write(to)
          await source.run()
          const found = await test.db.query<Record<string, unknown>>(
            `select u.user_name as name, u.personal_number as number, u.personal_number_key as key,
               (select n.value from user_names n where n.user_id = u.id and n.kind = 'a' and n.held) as alias,
               (select convert_from(c.lookup, 'UTF8') from credentials c where c.user_id = u.id and c.kind = 'card' and c.held) as card,
               (select convert_from(c.lookup, 'UTF8') from credentials c where c.user_id = u.id and c.kind = 'pin' and c.held) as pin
             from users u order by u.object_id`,
          )
          const text = (prefix: string, which: number | null | undefined) =>
            which === null || which === undefined ? null : `${prefix}${which}`
          expect(found.rows).toEqual(
            own.map((n) => ({
              name: `name${to.names[n]!}`,
              alias: text('alias', to.aliases[n]),
              card: text('card/card', to.cards[n]),
              pin: text('pin/pinpin', to.pins[n]),
              number: text('number', to.numbers[n]),
              key: text('number', to.numbers[n]),
            })),
          )
          expect(await issues()).toEqual([])
        }
        expect((await source.run({ everybody: true })).isEmpty).toBe(true)
      }),
      { numRuns: 8, seed: 20261123 },
    )
  })
})

describe('names that look or fold alike', () => {
  it.each([
    ['straße@x', 'STRASSE@x'],
    ['ſam@x', 'Sam@x'],
    ['\u212aelvin@x', 'kelvin@x'],
    ['İlker@x', 'ilker@x'],
    ['ｆｕｌｌ@x', 'full@x'],
  ])('D8: %s and %s are one user name: who has it keeps it', async (one, other) => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: one })
    await source.run()
    await source.user(B, { userPrincipalName: other })
    await source.run()
    expect(await issues()).toMatchObject([{ code: 'user-name-conflict', object_id: B }])
    await source.user(A, {}, 's')
    await source.run()
    expect(await people(test.db)).toMatchObject({
      [A]: { active: false, name: one },
      [B]: { active: true, name: other },
    })
  })

  it('D9: letters of another script that look the same are other letters: nobody is paired, nobody loses a name', async () => {
    const lookalikes = ['аnn@x', 'ann\u200b@x', 'ann@х', 'ɑnn@x', '\u202eann@x']
    await aLocalUser('ann@x')
    const source = await aHandSource(test.db)
    for (const [n, name] of lookalikes.entries()) await source.user(anId(n), { userPrincipalName: name })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 0, created: lookalikes.length, skipped: 0 })
    const registry = await people(test.db)
    expect(lookalikes.map((_, n) => registry[anId(n)]!.name)).toEqual(lookalikes)
    expect(registry['local-ann@x']).toMatchObject({ active: true })
  })

  it('D21: the user name of a local administrator, in any spelling, is paired with nobody and taken by nobody', async () => {
    await aLocalUser('root@x', { administrator: true })
    const before = (await test.db.query('select * from users')).rows
    const source = await aHandSource(test.db, { adoptions: 'automatic' })
    await source.user(A, { userPrincipalName: 'ROOT@x' })
    await source.user(B, { userPrincipalName: 'ｒｏｏｔ@x' })
    await source.user(C, { userPrincipalName: 'c@x' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 0, created: 1, skipped: 2 })
    expect((await issues()).map((i) => [i.code, i.object_id])).toEqual([
      ['pairing-refused', A],
      ['pairing-refused', B],
    ])
    expect((await test.db.query('select * from users where administrator')).rows).toEqual(before)
    // Neither by changing one's name later.
    await source.user(C, { userPrincipalName: 'Root@x' })
    await source.run()
    expect((await people(test.db))[C]).toMatchObject({ name: 'c@x' })
    expect((await test.db.query('select * from users where administrator')).rows).toEqual(before)
  })
})

describe('an alias that an administrator added', () => {
  const names = async () =>
    (
      await test.db.query<{ name: string }>(
        `select u.user_name || ' ' || n.value || case when n.held then '' else ' parked' end as name
         from users u join user_names n on n.user_id = u.id and n.kind = 'a' order by 1`,
      )
    ).rows.map((row) => row.name)

  it('that somebody took while its owner was away is an issue, and comes back by itself when it is free', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run()
    await test.db.query(
      `insert into user_names (user_id, kind, value, key, origin, held) select id, 'a', 'Boss', 'boss', 'o', true from users`,
    )
    await source.user(A, {}, 's')
    await source.run()
    await source.user(B, { userPrincipalName: 'boss' })
    await source.run()
    await source.user(A, {}, 'l')
    await source.run()

    expect(await names()).toEqual(['a@x Boss parked'])
    expect(await issues()).toMatchObject([{ code: 'alias-conflict', object_id: A }])
    expect((await source.run()).isEmpty).toBe(true)
    // While somebody else has it, it is nobody's to read either.
    await source.user(A, { displayName: 'Ann' })
    await source.run()
    expect(await names()).toEqual(['a@x Boss parked'])

    await source.user(B, {}, 's')
    const plan = await source.run()

    expect(plan.users).toMatchObject({ updated: 1, deactivated: 1 })
    const item = await test.db.query(`select old, new from plan_items where run_id = $1 and action = 'update'`, [
      plan.runId,
    ])
    expect(item.rows).toEqual([{ old: { aliases: [] }, new: { aliases: ['Boss'] } }])
    expect(await names()).toEqual(['a@x Boss'])
    expect(await issues()).toEqual([])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })
})

it('D7: people of two tenants never merge, whatever they are called', async () => {
  const one = await aHandSource(test.db, CARDS)
  const other = await aHandSource(test.db, CARDS)
  await one.user(A, { userPrincipalName: 'jo@x', employeeId: '1' })
  await one.run()
  await other.user(A, { userPrincipalName: 'jo@x', employeeId: '1' })
  await other.user(B, { userPrincipalName: 'bo@x', employeeId: '1' })
  const plan = await other.run()
  expect(plan.users).toMatchObject({ created: 1, adopted: 0, skipped: 1 })
  const found = await test.db.query(
    `select u.tenant_id, u.user_name, array(select convert_from(c.lookup, 'UTF8') from credentials c where c.user_id = u.id) as cards
     from users u order by u.user_name`,
  )
  expect(found.rows).toEqual([
    { tenant_id: other.tenantId, user_name: 'bo@x', cards: [] },
    { tenant_id: one.tenantId, user_name: 'jo@x', cards: ['card/1'] },
  ])
})
