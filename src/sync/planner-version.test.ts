// The version of planning: another plan of the same tenant must not come without another number.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, type HandSource } from '../../test/support/planned.ts'
import type { Settings } from '../../test/support/world.ts'
import { PLANNER_VERSION } from './planning.ts'

/** Of {@link PLANNER_VERSION}: the hashes of the plans below. Raise the version in the commit that changes one of them. */
const PLANNED = {
  version: 3,
  hashes: {
    'first load': '2e8cbd97052fa7caa0d10e1147a292c432750d49c4572568335b28704503cfec',
    'a term later': 'bbe9f3a2f7da9cdcb9ee85c24a4e0affea082ad3cddfce64cfcf26edbf46cbbb',
    'other settings': '4cb96464f471da559e6845785b1f2c9ecc62ae9dc31b688cd32b064c6c5eb5c9',
    'gone, and what is due': '5d226261bdb51e1de4a48eef52201fb0e38694a5fbbceebcdfc6b8e88b195ce2',
  },
}

const WHAT_TO_DO =
  'The same tenant gives another plan than before: raise PLANNER_VERSION in planning.ts, so that the first run after the upgrade is held, and write version and hashes here'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => emptyRegistry(test.db))

const [ANN, BOB, CAROL, DAN, EVE, FAY, GUEST, NEW] = [1, 2, 3, 4, 5, 6, 7, 8].map(anId) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]
const [STAFF, TEAM, OLD, HIDDEN] = [11, 12, 13, 14].map(anId) as [string, string, string, string]

const SETTINGS: Settings = {
  adoptions: 'automatic',
  users: {
    guests: 'ignore',
    filter: { any: [{ all: [{ attribute: 'employeeType', ne: 'Robot' }] }] },
    properties: {
      aliases: ['mailNickname', 'upnPrefix'],
      cards: ['employeeId'],
      personalNumber: 'faxNumber',
      office: { template: '%city%/%officeLocation%' },
      notes: { expression: 'ToUpper([jobTitle])' },
      manager: 'manager',
      own: { badge: 'streetAddress' },
      company: { from: 'companyName', apply: 'whenEmpty' },
    },
    options: { pairBy: 'userName', deleteAfterDays: 10 },
  },
  groups: {
    ignoreContaining: ['hidden'],
    under: 'Entra ID',
    fromAttributes: [{ template: '%companyName%|%department%' }],
  },
}

const NOW = new Date('2026-03-01T08:00:00Z')
const later = (days: number) => new Date(NOW.getTime() + days * 86_400_000)

const person = (name: string, more: Record<string, unknown> = {}) => ({
  userPrincipalName: `${name}@contoso.com`,
  displayName: `${name} Example`,
  mail: `${name}@contoso.com`,
  mailNickname: `${name}.nick`,
  employeeId: `card ${name}`,
  faxNumber: `number ${name}`,
  city: 'Bern',
  officeLocation: '1',
  jobTitle: 'clerk',
  companyName: 'Contoso',
  department: 'Sales',
  accountEnabled: true,
  userType: 'Member',
  createdDateTime: '2020-01-01T00:00:00Z',
  ...more,
})

/** A school's first load: people, one of whom was here before, groups in groups, and two who want the same. */
async function firstLoad(source: HandSource): Promise<void> {
  await test.db.query(`insert into users (user_name, email) values ('fay@contoso.com', 'own@contoso.com')`)
  await test.db.query(
    `insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', user_name, user_name, 'o', true from users`,
  )
  await source.user(ANN, person('ann'))
  await source.user(BOB, person('bob', { employeeId: 'card ann', manager: ANN }))
  await source.user(CAROL, person('carol', { mailNickname: 'dan' }))
  await source.user(DAN, person('dan', { faxNumber: 'number carol', createdDateTime: '2019-01-01T00:00:00Z' }))
  await source.user(EVE, person('eve', { accountEnabled: false }))
  await source.user(FAY, person('fay'))
  await source.user(GUEST, person('guest', { userType: 'Guest' }))
  for (const [id, displayName] of [
    [STAFF, 'Staff'],
    [TEAM, 'Team'],
    [OLD, 'Old'],
    [HIDDEN, 'Hidden'],
  ] as const)
    await source.group(id, { displayName, securityEnabled: true })
  for (const [group, member] of [
    [STAFF, ANN],
    [STAFF, BOB],
    [TEAM, CAROL],
    [TEAM, EVE],
    [OLD, DAN],
    [HIDDEN, ANN],
  ] as const)
    await source.member(group, member)
  await source.nest(STAFF, TEAM)
}

/** What happens to all of them since: renamed, moved, disabled, deleted, out of scope, another card, and a name given on. */
async function aTermLater(source: HandSource): Promise<void> {
  await source.user(ANN, { userPrincipalName: 'anna@contoso.com', department: null })
  await source.user(BOB, { employeeId: 'card bob', department: 'IT' })
  await source.user(CAROL, {}, 's')
  await source.user(DAN, { employeeType: 'Robot' })
  await source.user(EVE, { accountEnabled: true })
  await source.user(FAY, { mail: null, streetAddress: 'B7', faxNumber: null })
  await source.user(NEW, person('ann', { employeeId: 'card new', faxNumber: 'number new' }))
  await source.group(TEAM, { displayName: 'Crew' })
  await source.group(OLD, {}, 'x')
  await source.member(TEAM, NEW)
  await source.noMember(STAFF, BOB)
}

it('O7: the same tenant is planned as ever, or the version of planning is raised', async () => {
  const source = await aHandSource(test.db, SETTINGS, anId(1_000))
  const hashes: Record<string, string> = {}
  const run = async (name: string, now: Date, overrides: Parameters<HandSource['run']>[0] = {}) => {
    hashes[name] = (await source.run({ ...overrides, now })).hash
  }
  await firstLoad(source)
  await run('first load', NOW)
  await aTermLater(source)
  await run('a term later', later(1), { everybody: false })
  await source.set({ ...SETTINGS, groups: { ...SETTINGS.groups, membership: 'transitive', under: 'Cloud' } })
  await run('other settings', later(2))
  await source.user(CAROL, {}, 'x')
  await run('gone, and what is due', later(20), { everybody: true })

  expect({ version: PLANNER_VERSION, hashes }, WHAT_TO_DO).toEqual(PLANNED)
})
