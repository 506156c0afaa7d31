// Options of a source beside mapping and scope: for each, what it does and what happens where it is not set.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, people } from '../../test/support/planned.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { aSyncWorld, type Settings } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { parseConfigFile } from '../contract/config-file.ts'
import { sourceSettings } from '../contract/sources.ts'
import { withTransaction } from '../database/transaction.ts'
import { configure } from '../registry/configuration.ts'
import { exportUsers } from '../registry/export.ts'
import { MYQ_COLUMNS, myqCells } from '../registry/myq.ts'
import { nextRun, scheduleProblems } from '../registry/schedules.ts'
import { requireSource } from '../registry/sources.ts'
import type { Vault } from '../vault/keys.ts'
import { holdReasons, NOTHING_SPENT } from './safeguard.ts'

let test: TestDatabase
let vault: Vault
beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
})
beforeEach(() => emptyRegistry(test.db))
afterEach(() => emptyRegistry(test.db))
afterAll(() => test.drop())

const ANN = anId(1)

/** Applies a config file with one source of these settings. */
function applied(settings: Settings & { readonly connection?: string }) {
  const connection = { tenantId: ANN, clientId: ANN, clientSecret: { env: 'S' } }
  const file = parseConfigFile(
    { connections: { contoso: connection }, sources: { staff: { connection: 'contoso', ...settings } } },
    new Set(),
  )
  const credentials = [{ kind: 'secret' as const, value: 's', thumbprint: null, expiresAt: null }]
  return configure(test.db, {
    vault,
    wanted: {
      connections: new Map(
        Object.entries(file.connections).map(([name, its]) => [name, { settings: its, credentials }]),
      ),
      sources: new Map(Object.entries(file.sources)),
    },
    prune: false,
    dryRun: false,
    clock: systemClock,
    actor: { kind: 'command line', name: 'test' },
  })
}

/** A local user of this name and number. */
async function aLocalUser(name: string, number: string | null = null): Promise<void> {
  await test.db.query(
    `with made as (insert into users (user_name, personal_number, personal_number_key, canonical_number) values ($1, $2, $2, $2) returning id)
     insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', $1, $1, 'o', true from made`,
    [name, number],
  )
}

describe('option users.options.useAsAuthenticationServer', () => {
  /** The column of MyQ's layout for somebody whom the source imported. */
  async function authServer() {
    const { id } = await requireSource(test.db, 'staff')
    await test.db.query(
      `with u as (insert into users (tenant_id, object_id, source_id, user_name) values ($1, $1, $2, 'ann') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'ann', 'ann', 's', true from u`,
      [ANN, id],
    )
    return withTransaction(test.db, async (tx) => {
      for await (const [user] of exportUsers(tx, { vault })) {
        return user === undefined ? undefined : myqCells(user)[MYQ_COLUMNS.indexOf('AUTHSERVER')]
      }
      return undefined
    })
  }

  it('option users.options.useAsAuthenticationServer: effect: stored, told by apply, and exported as the name of the connection', async () => {
    await applied({})
    const changes = await applied({ users: { options: { useAsAuthenticationServer: true } } })

    expect(changes.flatMap((change) => change.changes)).toEqual([
      { at: 'users.options.useAsAuthenticationServer', old: false, new: true },
    ])
    expect((await requireSource(test.db, 'staff')).settings.users.options.useAsAuthenticationServer).toBe(true)
    expect(await authServer()).toBe('contoso')
  })

  it('option users.options.useAsAuthenticationServer: default: off, and the column stays empty', async () => {
    await applied({})

    expect(await authServer()).toBe('')
  })
})

describe('option users.options.pairByObjectId', () => {
  const renamed = async (options: { pairByObjectId?: boolean }) => {
    const source = await aHandSource(test.db, { adoptions: 'automatic', users: { options } })
    await source.user(ANN, { userPrincipalName: 'ann@x' })
    await source.run()
    await aLocalUser('bo@x')
    await source.user(ANN, { userPrincipalName: 'bo@x' })
    const plan = await source.run()
    const found = await test.db.query<{ name: string; active: boolean; linked: boolean }>(
      'select user_name as name, active, object_id is not null as linked from users order by id',
    )
    return { adopted: plan.users.adopted, users: found.rows }
  }

  it('option users.options.pairByObjectId: effect: off, the record of the name gets the object id and the old one becomes missing', async () => {
    expect(await renamed({ pairByObjectId: false })).toEqual({
      adopted: 1,
      users: [
        { name: 'ann@x', active: false, linked: false },
        { name: 'bo@x', active: true, linked: true },
      ],
    })
  })

  it('option users.options.pairByObjectId: default: on, the link comes first and the name stays with who has it', async () => {
    expect(await renamed({})).toEqual({
      adopted: 0,
      users: [
        { name: 'ann@x', active: true, linked: true },
        { name: 'bo@x', active: true, linked: false },
      ],
    })
  })
})

describe('option users.options.pairBy', () => {
  const paired = async (options: { pairBy?: 'personalNumber' | 'none' }) => {
    const properties = { personalNumber: 'employeeId' }
    const source = await aHandSource(test.db, { adoptions: 'automatic', users: { properties, options } })
    await aLocalUser('ann@x')
    await aLocalUser('old', '7')
    await source.user(ANN, { userPrincipalName: 'ann@x', employeeId: '7' })
    await source.run()
    const found = await test.db.query<{ id: number; name: string | null }>(
      'select user_name as name from users where object_id is not null',
    )
    const local = await test.db.query<{ name: string }>(
      'select user_name as name from users where object_id is null order by 1',
    )
    return { linked: found.rows.map((row) => row.name), local: local.rows.map((row) => row.name) }
  }

  it('option users.options.pairBy: effect: by personal number', async () => {
    expect((await paired({ pairBy: 'personalNumber' })).local).toEqual(['ann@x'])
  })

  it('option users.options.pairBy: effect: by nothing', async () => {
    expect((await paired({ pairBy: 'none' })).local).toEqual(['ann@x', 'old'])
  })

  it('option users.options.pairBy: default: by user name', async () => {
    expect(await paired({})).toEqual({ linked: ['ann@x'], local: ['old'] })
  })
})

describe('option priority', () => {
  const owner = async (...priorities: readonly (number | undefined)[]) => {
    const tenant = randomUUID()
    const sources = []
    for (const [n, priority] of priorities.entries()) {
      const properties = { department: { template: `%city%${n}` } }
      const source = await aHandSource(
        test.db,
        { ...(priority === undefined ? {} : { priority }), users: { properties } },
        tenant,
      )
      await source.user(ANN, { userPrincipalName: 'ann@x', city: 'of' })
      sources.push(source)
    }
    for (const source of [...sources, ...sources]) await source.run({ everybody: true })
    const found = await test.db.query<{ department: string }>('select department from users')
    return found.rows.map((row) => row.department)
  }

  it('option priority: effect: the lowest number owns him', async () => {
    expect(await owner(20, 10)).toEqual(['of1'])
    await emptyRegistry(test.db)
    expect(await owner(10, 20)).toEqual(['of0'])
  })

  it('option priority: default: 100', async () => {
    expect(await owner(undefined, 99)).toEqual(['of1'])
    await emptyRegistry(test.db)
    expect(await owner(undefined, 101)).toEqual(['of0'])
  })
})

describe('option adoptions', () => {
  const heldBy = async (settings: Settings) => {
    const source = await aHandSource(test.db, settings)
    await aLocalUser('ann@x')
    await source.user(ANN, { userPrincipalName: 'ann@x' })
    return (await source.plan()).held.map((reason) => reason.rule)
  }

  it('option adoptions: effect: automatic holds nothing', async () => {
    expect(await heldBy({ adoptions: 'automatic' })).toEqual([])
  })

  it('option adoptions: default: hold', async () => {
    expect(await heldBy({})).toEqual(['adoptions'])
  })
})

describe('options enabled, name, schedule and timezone', () => {
  it('option enabled: effect: a disabled source does not run and says so', async () => {
    const world = await aSyncWorld(test.db)
    await test.db.query('update sources set enabled = false where name = $1', [world.source])

    await expect(world.sync()).rejects.toThrow('the source is disabled')
    await world.stop()
  })

  it('option enabled: default: on', async () => {
    await applied({})

    expect((await requireSource(test.db, 'staff')).enabled).toBe(true)
  })

  it('option connection: effect: whose tenant is read, and one that there is not is refused', async () => {
    await applied({})

    expect((await requireSource(test.db, 'staff')).connection).toMatchObject({ name: 'contoso', tenantId: ANN })
    expect(sourceSettings.safeParse({}).error?.issues.map((issue) => issue.path.join('.'))).toEqual(['connection'])
    expect(() => applied({ connection: 'fabrikam' })).toThrow('there is no connection "fabrikam"')
  })

  it('option name: effect: it is the source’s key, and unique', async () => {
    await applied({})

    await expect(
      test.db.query(
        `insert into sources (name, connection_id, enabled, priority, settings) select name, connection_id, true, 1, settings from sources`,
      ),
    ).rejects.toThrow('sources_name')
  })

  // What fires when, by delta, full and timezone: scheduling.test.ts.
  it('what a schedule is given is kept, none is no schedule, and nonsense is refused', () => {
    const given = sourceSettings.parse({
      connection: 'c',
      schedule: { delta: '0 * * * *', full: 'none' },
      timezone: 'Europe/Prague',
    })

    expect([given.schedule, given.timezone]).toEqual([{ delta: '0 * * * *', full: null }, 'Europe/Prague'])
    expect(scheduleProblems(given)).toEqual([])
    expect(
      scheduleProblems({ schedule: { delta: 'often', full: null }, timezone: 'Mars/Olympus' }).map((p) => p.at),
    ).toEqual(['timezone', 'schedule.delta'])
  })

  it('option schedule, option timezone: default: every 15 minutes, and everything each day, in UTC', () => {
    const { schedule, timezone } = sourceSettings.parse({ connection: 'c' })
    const after = (at: string) => {
      const now = new Date(at)
      const due = nextRun({ schedule, timezone }, { now, notBefore: null, through: { delta: now, full: now } })
      return `${due?.at.toISOString()} ${due?.mode}`
    }

    expect(['02:31', '02:45', '03:00'].map((time) => after(`2026-07-01T${time}:00Z`))).toEqual([
      '2026-07-01T02:45:00.000Z delta',
      '2026-07-01T03:00:00.000Z full',
      '2026-07-01T03:15:00.000Z delta',
    ])

    expect({ schedule, timezone }).toEqual({ schedule: { delta: '*/15 * * * *', full: '0 3 * * *' }, timezone: 'UTC' })
  })
})

describe('option safeguard', () => {
  const figures = {
    usersBefore: 10_000,
    groupsBefore: 10_000,
    membershipsBefore: 1_000_000,
    credentialsBefore: 10_000,
    usersRemoved: 0,
    groupsDeleted: 0,
    membershipsRemoved: 0,
    credentialsRemoved: 0,
    rewrites: { userName: 0, card: 0, pin: 0, personalNumber: 0, email: 0 },
    cleared: new Map(),
    groupsEmptied: 0,
    adoptions: 0,
  }
  const always = {
    noUsersWhereSome: false,
    usersKnown: 0,
    connectionChanged: false,
    upgraded: false,
    adoptions: 'hold',
    reverted: 0,
    clearedEverywhere: [],
  } as const
  const of = {
    removals: (count: number) => ({ usersRemoved: count, groupsDeleted: count }),
    memberships: (count: number) => ({ membershipsRemoved: count }),
    credentials: (count: number) => ({ credentialsRemoved: count }),
    rewrites: (count: number) => ({
      rewrites: { userName: count, card: count, pin: count, personalNumber: count, email: count },
    }),
  }
  /** How many rules hold this many. */
  const held = (key: keyof typeof of, o: { count: number; before?: number; safeguard?: Settings['safeguard'] }) => {
    const { before } = o
    const base =
      before === undefined
        ? {}
        : { usersBefore: before, groupsBefore: before, membershipsBefore: before, credentialsBefore: before }
    const limits = sourceSettings.parse({ connection: 'c', safeguard: o.safeguard }).safeguard
    return holdReasons({ ...figures, ...base, ...of[key](o.count) }, { limits, always, spent: NOTHING_SPENT }).length
  }

  it.each([
    ['removals', 500, 10, 5, 2],
    ['memberships', 20_000, 10, 100, 1],
    ['credentials', 1_000, 20, 10, 1],
    ['rewrites', 1_000, 20, 10, 5],
  ] as const)(
    'option safeguard.%s: default: at most %i, and at most %i % of what there is, but always %i',
    (key, most, percent, least, rules) => {
      const share = 10 * percent
      expect([held(key, { count: most }), held(key, { count: most + 1 })]).toEqual([0, rules])
      expect([held(key, { count: share, before: 1_000 }), held(key, { count: share + 1, before: 1_000 })]).toEqual([
        0,
        rules,
      ])
      expect([held(key, { count: least, before: least }), held(key, { count: least + 1, before: least + 1 })]).toEqual([
        0,
        rules,
      ])
    },
  )

  it.each([
    ['removals', 2],
    ['memberships', 1],
    ['credentials', 1],
    ['rewrites', 5],
  ] as const)('option safeguard.%s: effect: another number and another share', (key, rules) => {
    const number = { [key]: { count: 7 } }
    expect([held(key, { count: 7, safeguard: number }), held(key, { count: 8, safeguard: number })]).toEqual([0, rules])
    const share = { [key]: { percent: 30, count: 100_000 } }
    expect([
      held(key, { count: 300, before: 1_000, safeguard: share }),
      held(key, { count: 301, before: 1_000, safeguard: share }),
    ]).toEqual([0, rules])
  })

  it('option safeguard: effect: off holds nothing', () => {
    expect(held('removals', { count: 10_000, safeguard: 'off' })).toBe(0)
  })
})

type Properties = NonNullable<NonNullable<Settings['users']>['properties']>

describe('options apply, mode and pin of a target', () => {
  /** Ann with cards from this entry, after her card and her PIN's attribute became others. */
  const after = async (properties: Properties) => {
    const source = await aHandSource(test.db, { users: { properties } })
    const before = { userPrincipalName: 'ann@x', employeeId: '1', department: 'Sales', postalCode: '730511' }
    await source.user(ANN, before)
    await source.run()
    await source.user(ANN, { employeeId: '2', department: 'Finance', postalCode: '418803' })
    await source.run()
    return { credentials: (await people(test.db))[ANN]?.cards }
  }

  /** What the target has after each of these values, which Entra gives one after another. */
  const course = async (entry: Properties['office'], values: readonly (string | null)[]) => {
    const source = await aHandSource(test.db, { users: { properties: { office: entry } } })
    const had: (string | null)[] = []
    for (const department of values) {
      await source.user(ANN, { userPrincipalName: 'ann@x', department })
      await source.run()
      const found = await test.db.query<{ office: string | null }>('select office from users')
      had.push(found.rows[0]?.office ?? null)
    }
    return had
  }

  it.each([
    ['always', ['Sales', 'Finance', null], [null, 'Sales', null]],
    [undefined, ['Sales', 'Finance', null], [null, 'Sales', null]],
    ['whenCreated', ['Sales', 'Sales', 'Sales'], [null, null, null]],
    ['whenEmpty', ['Sales', 'Sales', 'Sales'], [null, 'Sales', 'Sales']],
  ] as const)('option apply: effect and default (always): %s', async (apply, given, filled) => {
    const entry = { from: 'department', ...(apply === undefined ? {} : { apply }) }

    expect(await course(entry, ['Sales', 'Finance', null])).toEqual(given)
    await emptyRegistry(test.db)
    expect(await course(entry, [null, 'Sales', null])).toEqual(filled)
  })

  it.each([
    ['append', ['card/1', 'card/2']],
    ['replace', ['card/2']],
    [undefined, ['card/2']],
  ] as const)('option mode: effect and default (replace): %s', async (mode, cards) => {
    const entry = { from: 'employeeId', ...(mode === undefined ? {} : { mode }) }

    expect((await after({ cards: [entry] })).credentials).toEqual(cards)
  })

  it('option users.properties.pin: effect: from an attribute, and drawn', async () => {
    expect((await after({ pin: { from: 'postalCode' } })).credentials).toEqual(['pin/418803'])
    await emptyRegistry(test.db)
    expect((await after({ pin: 'generate' })).credentials).toEqual([expect.stringMatching(/^pin\/\d{6}$/)])
  })

  it('option transform: effect: the card is written by it; default: as it is given', async () => {
    const cards = [{ from: 'employeeId', transform: 'lpad(4,0)' }, 'employeeId']

    expect((await after({ cards })).credentials).toEqual(['card/0002', 'card/2'])
  })

  it('option users.properties.pin: default: none', async () => {
    expect((await after({})).credentials).toEqual([])
  })
})
