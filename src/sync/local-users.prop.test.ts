// O5: synchronization is switched on where there are people already. Whatever a tenant wants and does, nothing of those whom no
// source owns changes unless somebody approves that one of them is taken over.
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry } from '../../test/support/planned.ts'
import { canonical } from '../directory/canonical.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

/** Few values for many people, so that locals and people of Entra want the same ones. */
const value = fc.constantFrom<string>('ann', 'bo', 'cy', 'di', 'Ann', 'BO', 'ﬁ', 'fi')
const local = fc.record({
  name: value,
  alias: fc.option(value),
  card: fc.option(value),
  pin: fc.option(value),
  number: fc.option(value),
  standing: fc.constantFrom('active', 'deactivated', 'protected', 'administrator'),
})
const person = fc.record({ name: value, alias: value, card: value, pin: value, number: value })
/** What a person of Entra is on each of three days; null: not there. */
const life = fc.array(fc.option(person, { freq: 4 }), { minLength: 3, maxLength: 3 })

type Local = typeof local extends fc.Arbitrary<infer T> ? T : never

/** Makes them one by one; what somebody has already the next one does without. */
async function make(locals: readonly Local[]): Promise<void> {
  const taken = new Set<string>()
  const take = (space: string, text: string | null) => {
    if (text === null || taken.has(`${space} ${canonical(text)}`)) return undefined
    taken.add(`${space} ${canonical(text)}`)
    return text
  }
  for (const [n, { name, alias, card, pin, number, standing }] of locals.entries()) {
    const active = standing !== 'deactivated'
    const userName = take('name', name) ?? `local ${n}`
    const its = active ? take('number', number) : undefined
    const made = await test.db.query<{ id: number }>(
      `insert into users (user_name, department, active, deactivated_by, protected, administrator, personal_number, personal_number_key, canonical_number)
       values ($1, 'here', $2, $3, $4, $5, $6, $7, $7) returning id`,
      [
        userName,
        active,
        active ? null : 'administrator',
        standing === 'protected',
        standing === 'administrator',
        its ?? null,
        its === undefined ? null : canonical(its),
      ],
    )
    const { id } = made.rows[0]!
    const names = [['n', userName] as const, ['a', take('name', alias)] as const]
    for (const [kind, text] of names)
      if (text !== undefined)
        await test.db.query(`insert into user_names values ($1, $2, $3, $4, $5, $6)`, [
          id,
          kind,
          text,
          canonical(text),
          kind === 'n' ? 's' : 'o',
          active,
        ])
    for (const [kind, text] of [['card', take('card', card)] as const, ['pin', take('pin', pin)] as const])
      if (text !== undefined)
        await test.db.query(
          `insert into credentials (user_id, kind, sealed, lookup, origin, held) values ($1, $2, $3, $4, 'o', $5)`,
          [id, kind, kind === 'card' ? Buffer.from(text) : null, Buffer.from(`${kind}/${canonical(text)}`), active],
        )
  }
  // A group of the registry's own, with everybody in it by hand, of the name that a group of Entra has.
  await test.db.query(
    `with g as (insert into groups (name) values ('Staff') returning id)
     insert into memberships (group_id, user_id, source_id, run_id) select g.id, u.id, 0, 0 from g, users u`,
  )
}

/** Every row that concerns whom no source owns, and the groups that none reads. */
async function localRows(): Promise<unknown> {
  const rows = async (sql: string) => (await test.db.query(sql)).rows
  const own = `(select id from users where object_id is null)`
  return {
    users: await rows('select * from users where object_id is null order by id'),
    names: await rows(`select * from user_names where user_id in ${own} order by user_id, kind, key`),
    credentials: await rows(`select * from credentials where user_id in ${own} order by user_id, kind, lookup`),
    memberships: await rows(`select * from memberships where user_id in ${own} order by group_id, user_id, source_id`),
    // The key by which a path is looked up is worked out when it is first needed.
    groups: await rows(`select to_jsonb(g) - 'path_key' as row from groups g where object_id is null order by id`),
    claims: await rows(`select * from claims where user_id in ${own}`),
  }
}

const ANN = { name: 'ann', alias: 'bo', card: 'cy', pin: 'di', number: 'ann' }
const LOCAL_ANN = { ...ANN, standing: 'active' } as const

describe('people whom no source owns', () => {
  it.each(['userName', 'personalNumber', 'none'] as const)(
    'O5: stay as they are, paired by %s, while Entra’s people come, change and go',
    async (pairBy) => {
      let adoptions = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(local, { minLength: 1, maxLength: 6 }),
          fc.array(life, { minLength: 1, maxLength: 6 }),
          async (locals, lives) => {
            await emptyRegistry(test.db)
            await make(locals)
            const before = await localRows()
            const properties = {
              aliases: ['city'],
              cards: ['faxNumber'],
              pin: { from: 'postalCode' },
              personalNumber: 'employeeId',
            }
            const source = await aHandSource(test.db, { users: { properties, options: { pairBy } } })
            await source.group(anId(91), { displayName: 'Staff' })
            for (const day of [0, 1, 2]) {
              for (const [n, days] of lives.entries()) {
                const now = days[day] ?? null
                const was = day === 0 ? null : (days[day - 1] ?? null)
                if (now === null && was === null && days.slice(0, day).every((past) => past === null)) continue
                const attributes =
                  now === null
                    ? {}
                    : {
                        userPrincipalName: now.name,
                        city: now.alias,
                        faxNumber: now.card,
                        postalCode: now.pin,
                        employeeId: now.number,
                        department: 'Entra',
                      }
                await source.user(anId(n + 1), attributes, now === null ? 's' : 'l')
              }
              const plan = await source.plan()
              // As a run does: whatever is held is not applied. Adoptions are, and nothing else here.
              if (plan.held.length > 0) {
                expect(plan.held.map(({ rule }) => rule)).toEqual(['adoptions'])
                adoptions += 1
                continue
              }
              await source.run()
            }

            expect(await localRows()).toEqual(before)
          },
        ),
        { numRuns: 5, examples: [[[LOCAL_ANN], [[{ ...ANN, name: 'Ann' }, null, ANN]]]] },
      )
      // Where there is a key, some were to be adopted, and none was without being asked.
      expect(adoptions > 0).toBe(pairBy !== 'none')
    },
    300_000,
  )
})
