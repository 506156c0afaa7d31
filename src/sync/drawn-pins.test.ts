import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry } from '../../test/support/planned.ts'
import { aSyncWorld, testSealing } from '../../test/support/world.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Sealing } from './engine.ts'
import { runSource } from './run.ts'
import { createLog } from '../base/log.ts'
import { exportUsers } from '../registry/export.ts'

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
const GENERATE = { users: { properties: { pin: 'generate' as const } } }

/** Draws these numbers one after the other. */
const draws = (...numbers: readonly number[]) => {
  const left = [...numbers]
  return () => left.shift() ?? expect.fail('more was drawn than the test foresaw')
}

async function pins(): Promise<string[]> {
  const found = await test.db.query<{ pin: string }>(
    `select u.user_name || ' ' || convert_from(c.lookup, 'UTF8') || ' ' || c.origin::text as pin
     from users u join credentials c on c.user_id = u.id where c.kind = 'pin' order by 1`,
  )
  return found.rows.map((row) => row.pin)
}

async function give(name: string, pin: string, held = true): Promise<void> {
  await test.db.query(
    `insert into credentials (user_id, kind, lookup, origin, held) select id, 'pin', convert_to('pin/' || $2::text, 'UTF8'), 'o', $3
     from users where user_name = $1`,
    [name, pin, held],
  )
}

describe('PINs that are drawn', () => {
  it('by default nobody gets one', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run({ randomInt: draws() })
    expect(await pins()).toEqual([])
  })

  it('whoever is created and whoever has none gets one; the others keep theirs, and a second plan is empty', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.user(B, { userPrincipalName: 'b@x' })
    await source.run()
    await give('b@x', '902817')
    await source.set(GENERATE)
    await source.user(C, { userPrincipalName: 'c@x' })

    const plan = await source.run({ randomInt: draws(482_913, 70_315) })

    expect(plan.credentials).toEqual({ added: 2, removed: 0 })
    expect(await pins()).toEqual(['a@x pin/482913 s', 'b@x pin/902817 o', 'c@x pin/070315 s'])
    expect((await source.run({ everybody: true, randomInt: draws() })).isEmpty).toBe(true)
  })

  it('an adopted local user gets one when he has none', async () => {
    await test.db.query(
      `with made as (insert into users (user_name) values ('a@x') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'a@x', 'a@x', 'o', true from made`,
    )
    const source = await aHandSource(test.db, GENERATE)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run({ randomInt: draws(482_913) })
    expect(await pins()).toEqual(['a@x pin/482913 s'])
  })

  it('D12: never one that is in use, parked, drawn in the same plan, or too easily guessed', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.user(B, { userPrincipalName: 'b@x' })
    await source.run()
    await give('a@x', '480001')
    await give('a@x', '480002', false)
    await source.set(GENERATE)
    await source.user(C, { userPrincipalName: 'c@x' })

    await source.run({ randomInt: draws(480_001, 123_456, 480_002, 111_111, 654_321, 0, 480_003, 480_003, 480_004) })

    expect(await pins()).toEqual(['a@x pin/480001 o', 'a@x pin/480002 o', 'b@x pin/480003 s', 'c@x pin/480004 s'])
  })

  it('D12: their length goes by how many people there will be, and each is another', async () => {
    const source = await aHandSource(test.db, GENERATE)
    for (let n = 0; n < 1_001; n += 1) await source.user(anId(n), { userPrincipalName: `u${n}@x` })
    await source.run()
    const found = await test.db.query<{ total: number; different: number; shortest: number; longest: number }>(
      `select count(*)::int as total, count(distinct lookup)::int as different, min(length(lookup)) - 4 as shortest,
         max(length(lookup)) - 4 as longest from credentials`,
    )
    expect(found.rows).toEqual([{ total: 1_001, different: 1_001, shortest: 7, longest: 7 }])
  })

  it('a plan has one hash whatever is drawn for it', async () => {
    const source = await aHandSource(test.db, GENERATE)
    for (const id of [A, B]) await source.user(id, { userPrincipalName: `${id}@x` })
    const one = await source.plan({ randomInt: draws(482_913, 70_315) })
    const two = await source.plan({ randomInt: draws(915_206, 380_044) })
    expect(two.hash).toBe(one.hash)
  })

  it('who loses his user name and is planned again gets one like everybody else', async () => {
    const source = await aHandSource(test.db, { users: { properties: { userName: 'mail', pin: 'generate' } } })
    await source.user(A, { mail: 'old@x' })
    await source.run({ randomInt: draws(482_913) })
    await test.db.query('delete from credentials')
    await source.user(A, { mail: 'same@x' })
    await source.user(B, { mail: 'same@x', createdDateTime: '2020-01-01T00:00:00Z' })
    const plan = await source.run({ randomInt: draws(70_315, 915_206, 380_044) })
    expect(plan.users).toMatchObject({ created: 1 })
    expect(await pins()).toHaveLength(2)
  })

  it('a PIN that an administrator set anew stays, through generate, attribute and none', async () => {
    const source = await aHandSource(test.db, GENERATE)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '731905' })
    await source.run({ randomInt: draws(482_913) })
    await source.set({ users: { properties: { pin: 'employeeId' } } })
    await source.run({ randomInt: draws() })
    expect(await pins()).toEqual(['a@x pin/731905 s'])
    await source.set(GENERATE)
    await source.run({ randomInt: draws() })
    expect(await pins()).toEqual(['a@x pin/731905 s'])
    await test.db.query(`delete from credentials`)
    await give('a@x', '902817')
    for (const settings of [GENERATE, {}, GENERATE]) {
      await source.set(settings)
      expect((await source.run({ randomInt: draws() })).isEmpty).toBe(true)
    }
    expect(await pins()).toEqual(['a@x pin/902817 o'])
  })

  it('where an attribute is mapped later, a drawn one goes like a given one, also when that is empty; mapped no more, it stays', async () => {
    const source = await aHandSource(test.db, GENERATE)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run({ randomInt: draws(482_913) })
    // Runs with the same setting leave it the source's.
    await source.run({ everybody: true, randomInt: draws() })
    expect(await pins()).toEqual(['a@x pin/482913 s'])

    await source.set({ users: { properties: { pin: 'employeeId' } } })
    expect((await source.plan({ randomInt: draws() })).credentials).toEqual({ added: 0, removed: 1 })
    await source.set({})
    expect((await source.run({ randomInt: draws() })).credentials).toEqual({ added: 0, removed: 0 })
    expect(await pins()).toEqual(['a@x pin/482913 o'])
  })

  it('the digits are nowhere: not in the plan, the history, the registry, the run or an export', async () => {
    const source = await aHandSource(test.db, GENERATE)
    await source.user(A, { userPrincipalName: 'a@x' })
    const lookup = (space: string, value: string) => createHash('sha256').update(`${space} ${value}`).digest()

    const plan = await source.run({ lookup, randomInt: draws(482_913) })

    expect(JSON.stringify(plan)).not.toContain('482913')
    await withTransaction(test.db, async (tx) => {
      const tables = await tx.query<{ name: string }>(
        `select table_name as name from information_schema.tables where table_schema = 'public'`,
      )
      const looked = new Map<string, number>()
      for (const { name } of tables.rows) {
        const found = await tx.query<{ text: string }>(`select t::text as text from ${name} t`)
        // Six digits of a second may be any.
        for (const { text } of found.rows) expect(text.replaceAll(/\.\d+\+/g, '')).not.toContain('482913')
        looked.set(name, found.rows.length)
      }
      expect(looked.get('plan_items')).toBe(2)
      expect(looked.get('credentials')).toBe(1)
      for await (const rows of exportUsers(tx, { vault: { open: () => expect.fail('there is no card') } }))
        expect(JSON.stringify(rows)).not.toContain('482913')
    })
    const kept = await test.db.query('select encode(lookup, $1) as lookup, sealed from credentials', ['hex'])
    expect(kept.rows).toEqual([{ lookup: lookup('pin', '482913').toString('hex'), sealed: null }])
  })

  it('a whole run draws one for everybody, and tells the digits to nobody: not in its log, its progress or its document', async () => {
    const w = await aSyncWorld(test.db, { settings: GENERATE, users: 40 })
    const drawn: string[] = []
    const told: string[] = []
    const lookup: Sealing['lookup'] = (space, value) => {
      if (space === 'pin') drawn.push(value)
      return testSealing.lookup(space, value)
    }
    const log = createLog({ level: 'debug', stream: { write: (line) => told.push(line) } })
    try {
      const document = await runSource(
        { ...w.engine, log, vault: { ...testSealing, lookup } },
        {
          source: w.source,
          kind: 'sync',
          mode: 'auto',
          trigger: 'manual',
          wait: false,
          signal: new AbortController().signal,
          onProgress: (progress) => told.push(JSON.stringify(progress)),
        },
      )
      const { created } = document.users
      expect(document).toMatchObject({ outcome: 'applied', credentials: { added: created, removed: 0 } })
      expect(created).toBeGreaterThan(20)
      told.push(JSON.stringify(document))
    } finally {
      await w.stop()
    }
    const kept = await test.db.query<{ lookup: string }>(`select encode(lookup, 'hex') as lookup from credentials`)
    const lookups = new Set(drawn.map((pin) => testSealing.lookup('pin', pin).toString('hex')))
    expect(kept.rows.filter((row) => lookups.has(row.lookup))).toHaveLength(kept.rows.length)
    expect(drawn.every((pin) => /^\d{6}$/.test(pin))).toBe(true)
    expect(told.length).toBeGreaterThan(3)
    // Digits of times and sizes stand alone: a PIN among them would be one by itself too.
    const words = new Set(told.flatMap((text) => text.split(/[^0-9a-z]+/i)))
    expect(drawn.filter((pin) => words.has(pin))).toEqual([])
  })

  it('randomness that never gives a free PIN ends the plan instead of running on', async () => {
    const source = await aHandSource(test.db, GENERATE)
    await source.user(A, { userPrincipalName: 'a@x' })
    await expect(source.plan({ randomInt: () => 111_111 })).rejects.toThrow('no PIN of 6 digits')
  })
})
