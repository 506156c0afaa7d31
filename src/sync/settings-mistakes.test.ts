// What mistakes in a source's settings do to a tenant that was right before: each is held, or does nothing that hurts.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { anId } from '../../test/support/planned.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import {
  aLargeTenant,
  GROUP_OF_49,
  GROUP_OF_50,
  type LargeTenant,
  MAPPED,
  SCOPE_GROUP,
  SETTINGS,
} from '../../test/support/large-tenant.ts'
import { aSyncWorld, registryView, type Settings, type SyncWorld } from '../../test/support/world.ts'

type Users = NonNullable<Settings['users']>
type Properties = NonNullable<Users['properties']>

/** 60 people: at most 6 may leave, 12 of a value be rewritten, 24 credentials and 100 memberships go, 5 groups be deleted. */
const SIZE = 60
const DAY_MS = 86_400_000

let test: TestDatabase
let t: LargeTenant
beforeAll(async () => {
  test = await createTestDatabase()
  t = await aLargeTenant(test.db, SIZE)
})
afterEach(() => t.restore())
afterAll(() => test.drop())

const users = (change: Partial<Users>): Settings => ({ users: { ...SETTINGS.users, ...change } })
const maps = (change: Properties): Settings => users({ properties: { ...SETTINGS.users.properties, ...change } })
const filter = (clause: Record<string, unknown>): Settings =>
  users({ filter: { any: [{ all: [{ attribute: 'employeeType', ...clause }] }] } })
const groups = (change: NonNullable<Settings['groups']>): Settings => ({ ...SETTINGS, groups: change })

/** Mistakes that would take something from somebody, with the limits that hold them. */
const HELD: readonly (readonly [string, Settings, readonly string[]])[] = [
  ['the wrong selected group', users({ import: { groups: [anId(800_000_000)] } }), ['removals.users']],
  ['a selected group that is too small', users({ import: { groups: [GROUP_OF_50] } }), ['removals.users']],
  ['another that is too small', users({ import: { groups: [GROUP_OF_49] } }), ['removals.users']],
  ['a filter turned round', filter({ eq: 'Robot' }), ['removals.users']],
  ['a filter turned round the other way', filter({ ne: 'Employee' }), ['removals.users']],
  ['absent for present', filter({ absent: true }), ['removals.users']],
  ['a filter misspelt', filter({ eq: 'Employe' }), ['removals.users']],
  ['a filter on an attribute that nobody has', filter({ attribute: 'country', present: true }), ['removals.users']],
  ['a filter on another attribute', filter({ attribute: 'jobTitle', eq: 'Employee' }), ['removals.users']],
  ['a pattern that fits nobody', filter({ matches: '^$' }), ['removals.users']],
  ['a filter that fits half', filter({ attribute: 'userPrincipalName', contains: '5' }), ['removals.users']],
  ['two clauses that exclude each other', filterBoth(), ['removals.users']],
  ['user names from mail', maps({ userName: 'mail' }), ['rewrites.userName']],
  ['user names cut to the prefix', maps({ userName: 'upnPrefix' }), ['rewrites.userName']],
  ['user names in capitals', maps({ userName: { expression: 'ToUpper([userPrincipalName])' } }), ['rewrites.userName']],
  ['user names with text before them', maps({ userName: { template: 'x%userPrincipalName%' } }), ['rewrites.userName']],
  ['cards from another attribute', maps({ cards: ['mailNickname'] }), ['credentials', 'rewrites.card']],
  ['cards from an attribute that nobody has', maps({ cards: ['country'] }), ['credentials']],
  ['one card for everybody', maps({ cards: ['employeeType'] }), ['credentials']],
  ['all cards transformed', transformed('ltrim(1)'), ['credentials', 'rewrites.card']],
  ['all cards the same by a transformation', transformed('left(1)'), ['credentials']],
  ['PINs from another attribute', maps({ pin: { template: '99%postalCode%' } }), ['credentials', 'rewrites.pin']],
  ['PINs from an attribute that nobody has', maps({ pin: 'country' }), ['credentials']],
  ['numbers from another attribute', maps({ personalNumber: 'employeeId' }), ['rewrites.personalNumber']],
  ['one number for everybody', maps({ personalNumber: 'employeeType' }), ['cleared.personalNumber']],
  ['mail from another attribute', maps({ email: 'userPrincipalName' }), ['rewrites.email']],
  ['aliases from an attribute that nobody has', maps({ aliases: ['country'] }), ['cleared.aliases']],
  [
    'other mails from an attribute that nobody has',
    maps({ alternateEmails: ['country'] }),
    ['cleared.alternateEmails'],
  ],
  ['an own field from an attribute that nobody has', maps({ own: { badge: 'country' } }), ['cleared.own.badge']],
  ...Object.keys(MAPPED)
    // Without a full name people go by their display name, which nobody has here.
    .map(
      (field) =>
        [`${field} from an attribute that nobody has`, maps({ [field]: 'country' }), [`cleared.${field}`]] as const,
    ),
  ['no groups', groups({ import: false }), ['groups-emptied', 'memberships', 'removals.groups']],
  [
    'every group ignored by its name',
    groups({ ignoreContaining: ['GROUP'] }),
    ['groups-emptied', 'memberships', 'removals.groups'],
  ],
  [
    'a type that no group is of',
    groups({ types: ['microsoft365'] }),
    ['groups-emptied', 'memberships', 'removals.groups'],
  ],
  ['six groups ignored', groups({ ignore: [0, 1, 2, 3, 4, 5].map((n) => anId(800_000_000 + n)) }), ['removals.groups']],
]

function filterBoth(): Settings {
  const all = [
    { attribute: 'employeeType', eq: 'Employee' },
    { attribute: 'userType', eq: 'Guest' },
  ]
  return users({ filter: { any: [{ all }] } })
}

function transformed(transform: string): Settings {
  return maps({ cards: [{ from: 'employeeId', transform }] })
}

const ALL_NONE: Properties = Object.fromEntries(
  [...Object.keys(MAPPED), 'aliases', 'alternateEmails', 'cards', 'pin'].map((to) => [to, 'none']),
)

/** Mistakes that take nothing from anybody: at most an issue, or something more than before. */
const HARMLESS: readonly (readonly [string, Settings])[] = [
  ['a selected group that is not there', users({ import: { groups: [anId(999)] } })],
  ['everybody for a selected group', users({ import: 'all' })],
  ['no filter', users({ filter: null })],
  ['guests imported', users({ guests: 'import' })],
  ['disabled accounts imported', users({ disabledAccounts: 'import' })],
  ['disabled accounts ignored', users({ disabledAccounts: 'ignore' })],
  ['user names from an attribute that nobody has', maps({ userName: 'country' })],
  ['user names by an expression that fails', maps({ userName: { expression: 'Item(Split([mail], "@"), 9)' } })],
  ['cards not mapped', maps({ cards: 'none' })],
  ['cards that the transformation refuses', transformed('dec2hex')],
  ['cards appended from another attribute', maps({ cards: [{ from: 'mailNickname', mode: 'append' }] })],
  ['PINs not mapped', maps({ pin: 'none' })],
  ['PINs to be drawn', maps({ pin: 'generate' })],
  ['PINs that are too short', maps({ pin: { expression: 'Left([postalCode], 4)' } })],
  ['numbers not mapped', maps({ personalNumber: 'none' })],
  ['mail not mapped', maps({ email: 'none' })],
  ['aliases not mapped', maps({ aliases: 'none' })],
  ['own fields not mapped', maps({ own: {} })],
  ['no target mapped but the user name', users({ properties: ALL_NONE })],
  ['user names in small letters', users({ options: { lowercaseUserNames: true } })],
  ['pairing by personal number', users({ options: { pairBy: 'personalNumber', pairByObjectId: false } })],
  ['no new people', users({ options: { addNewUsers: false } })],
  ['missing people kept', users({ options: { deactivateMissingUsers: false } })],
  ['deletion after a day', users({ options: { deleteAfterDays: 1 } })],
  ['everything under another group', groups({ under: 'Entra ID' })],
  ['nested members counted', groups({ membership: 'transitive' })],
  ['groups from an attribute', groups({ fromAttributes: [{ template: '%department%', makeDefault: true }] })],
  ['the safeguard off', { ...SETTINGS, safeguard: 'off' }],
]

const heldBy = (plan: { readonly held: readonly { readonly rule: string }[] }) => plan.held.map((r) => r.rule).sort()

/** What an item takes away: people, credentials, memberships, groups, and the values that open doors. */
async function lossesOf(runId: number): Promise<string[]> {
  const found = await test.db.query<{ loss: string }>(
    `select distinct i.object || ' ' || i.action || coalesce(' ' || k.key, '') as loss from plan_items i
       left join lateral jsonb_each(case when jsonb_typeof(i.old) = 'object' then i.old else '{}' end) k
         on i.action not in ('deactivate', 'delete', 'remove') and k.key in ('userName', 'personalNumber', 'email', 'aliases') and k.value <> 'null' and k.value <> '[]'
     where i.run_id = $1 and (i.action in ('deactivate', 'delete', 'remove') or k.key is not null)`,
    [runId],
  )
  return found.rows.map((row) => row.loss)
}

describe('O4: a mistake in the settings', () => {
  it.each(HELD)('O4: %s: is held', async (_, settings, rules) => {
    await t.source.set(settings)

    const plan = await t.source.plan({ everybody: true })

    expect(heldBy(plan)).toEqual(rules)
  })

  it.each(HARMLESS)('O4: %s: takes nothing from anybody', async (_, settings) => {
    await t.source.set(settings)

    const plan = await t.source.plan({ everybody: true })

    expect(heldBy(plan)).toEqual([])
    expect(await lossesOf(plan.runId)).toEqual([])
  })

  it('O4: one user name for everybody: one person gets it, the others keep theirs and are issues', async () => {
    await t.source.set(maps({ userName: 'employeeType' }))

    const plan = await t.source.plan({ everybody: true })

    expect(heldBy(plan)).toEqual([])
    expect(plan.users).toMatchObject({ renamed: 1, deactivated: 0 })
    const issues = await test.db.query(
      `select count(*)::int as count from issues where code = 'user-name-conflict' and source_id = $1`,
      [t.source.id],
    )
    expect(issues.rows).toEqual([{ count: SIZE - 1 }])
  })

  it('O4: the wrong selected group with days of grace: nobody goes while they last, and then it is held', async () => {
    await t.source.set(users({ import: { groups: [GROUP_OF_50] }, options: { graceDays: 30 } }))
    await t.source.run({ everybody: true })
    const within = await t.source.plan({ everybody: true })
    const after = await t.source.plan({ everybody: true, now: new Date(Date.now() + 31 * DAY_MS) })

    expect(within.users.deactivated).toBe(0)
    expect(heldBy(after)).toEqual(['removals.users'])
    expect(after.users.deactivated).toBe(10)
  })

  it('O4: without Pair by Object ID and with user names that others have, the adoptions are held', async () => {
    await test.db.query(
      `with u as (insert into users (user_name) values ('other1') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'other1', 'other1', 'o', true from u`,
    )
    await t.source.set(
      users({
        properties: {
          ...SETTINGS.users.properties,
          userName: { expression: 'Replace([mailNickname], "nick", "other")' },
        },
        options: { pairByObjectId: false },
      }),
    )

    const plan = await t.source.plan({ everybody: true })
    await test.db.query('delete from users where object_id is null')

    expect(heldBy(plan)).toEqual(['adoptions', 'rewrites.userName'])
  })

  it('O4: a connection that names another tenant is held at every run, and put right again it has left nothing behind', async () => {
    const own = await createTestDatabase()
    const [right, wrong] = [await aSyncWorld(own.db, { users: 20 }), await aSyncWorld(own.db, { users: 20, seed: 2 })]
    const connectTo = ({ hosted }: SyncWorld) =>
      own.db.query(
        `update connections set tenant_id = $2, client_id = $3, authority_url = $4, graph_url = $4
         where id = (select connection_id from sources where name = $1)`,
        [right.source, hosted.tenantId, hosted.clientId, right.emulator.graphUrl],
      )
    await right.sync()
    const before = await registryView(own.db)
    const asWrong = { ...right, sync: () => wrong.sync({ source: right.source }) }
    await connectTo(wrong)

    const first = await asWrong.sync()
    const second = await asWrong.sync()
    const meanwhile = await registryView(own.db)
    await connectTo(right)
    const after = await right.sync()
    const end = await registryView(own.db)
    for (const world of [right, wrong]) await world.stop()
    await own.drop()

    for (const run of [first, second]) {
      expect({ outcome: run.outcome, error: run.error }).toEqual({ outcome: 'held', error: null })
      expect(run.held?.reasons.map((reason) => reason.rule)).toContain('connection-changed')
    }
    expect(meanwhile).toEqual(before)
    expect(after.outcome).toBe('no-change')
    expect(end).toEqual(before)
  })

  it.each([SCOPE_GROUP])('O4: put right again, a held mistake has left nothing behind', async (group) => {
    await t.source.set(filter({ eq: 'Robot' }))
    await t.source.plan({ everybody: true })
    await t.source.set(users({ import: { groups: [group] } }))

    expect((await t.source.plan({ everybody: true })).isEmpty).toBe(true)
  })
})
