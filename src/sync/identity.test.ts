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
/** CHAINS=1000 takes some ten seconds longer. */
const CHAINS = Number(process.env['CHAINS'] ?? 300)
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
  it('D2: by one new person after the other gives none of them what a leaver had, in hundreds of chains', async () => {
    const steps = fc.array(
      fc.record({
        /** Soft-deleted or gone. */
        state: fc.constantFrom('s', 'x'),
        /** Leaver and new person come in one run. */
        atOnce: fc.boolean(),
        /** Entra still tells the leaver's name. */
        named: fc.boolean(),
        /** Whether the new person has a card, a PIN and a number of his own. */
        has: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    )
    const chains = fc.sample(steps, { numRuns: CHAINS, seed: 20261123 })
    const source = await aHandSource(test.db, {
      safeguard: 'off',
      users: { properties: { cards: ['employeeId'], pin: 'postalCode', personalNumber: 'faxNumber' } },
    })
    const G = anId(9_000_000)
    await source.group(G, { displayName: 'G' })
    const id = (chain: number, n: number) => anId(1 + chain * 10 + n)
    const hasOwn = (chain: number, n: number) => n === 0 || chains[chain]![n - 1]!.has
    const valuesOf = (chain: number, n: number) =>
      hasOwn(chain, n)
        ? {
            employeeId: `card${chain}.${n}`,
            postalCode: `${730_000_000 + chain * 10 + n}`,
            faxNumber: `n${chain}.${n}`,
          }
        : {}
    const joining = (chain: number, n: number) => ({
      objectId: id(chain, n),
      attributes: { userPrincipalName: `jo${chain}@x`, displayName: `Jo ${chain} ${n}`, ...valuesOf(chain, n) },
    })
    await source.users(chains.map((_, chain) => joining(chain, 0)))
    for (const chain of chains.keys()) if (chain % 10 === 0) await source.member(G, id(chain, 0))
    await source.run()
    // What an administrator gave the first ones by hand is theirs too.
    await test.db.query(
      `insert into user_names (user_id, kind, value, key, origin, held)
         select id, 'a', 'nick ' || user_name, 'nick ' || user_name, 'o', true from users`,
    )
    for (let n = 0; n < 4; n += 1) {
      const going = [...chains.entries()].filter(([, list]) => n < list.length)
      const leaving = going.map(([chain, list]) => ({
        objectId: id(chain, n),
        attributes: list[n]!.named ? { userPrincipalName: `jo${chain}@x` } : {},
        state: list[n]!.state,
      }))
      const coming = (atOnce: boolean) =>
        going.filter(([, list]) => list[n]!.atOnce === atOnce).map(([chain]) => joining(chain, n + 1))
      await source.users([...leaving, ...coming(true)])
      await source.run()
      await source.users(coming(false))
      await source.run()
    }

    const registry = await people(test.db)
    expect(Object.keys(registry)).toHaveLength(chains.reduce((sum, list) => sum + list.length + 1, 0))
    const wrong: unknown[] = []
    for (const [chain, list] of chains.entries()) {
      for (let n = 0; n <= list.length; n += 1) {
        const { active, name, aliases, cards, groups, number } = registry[id(chain, n)]!
        const own = valuesOf(chain, n)
        const expected = {
          active: n === list.length,
          name: `jo${chain}@x`,
          aliases: n === 0 ? [`nick jo${chain}@x`] : [],
          cards: hasOwn(chain, n) ? [`card/${own.employeeId}`, `pin/${own.postalCode}`] : [],
          groups: n === 0 && chain % 10 === 0 ? ['G'] : [],
          number: own.faxNumber ?? null,
        }
        const found = { active, name, aliases, cards, groups, number }
        if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ chain, n, found, expected })
      }
    }
    expect(wrong).toEqual([])
    expect(await issues()).toEqual([])
    // Everybody's history begins with his own creation, and nobody is created twice.
    const { rows } = await test.db.query<{ people: number; begun: number; created: unknown }>(
      `select count(*) as people, count(*) filter (where first = 'create') as begun, sum(creations) as created from (
         select user_id, (array_agg(action order by run_id, seq))[1] as first, count(*) filter (where action = 'create') as creations
           from plan_items where user_id is not null group by user_id) h`,
    )
    const all = Object.keys(registry).length
    expect(rows.map((row) => [row.people, row.begun, Number(row.created)])).toEqual([[all, all, all]])
  }, 180_000)
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
