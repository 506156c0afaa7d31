// What a terminal is told of somebody: for every combination of what it may be told, that and nothing else.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { placeGroup } from '../../../test/support/registry.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { TELLS } from '../../contract/api/terminals.ts'

/** Each unlike anything else in an answer. */
const FIELDS = {
  language: 'xx-language',
  email: 'told@mail.example',
  phone: '+43 555 0199',
  department: 'the department',
  costCenter: 'the cost center',
  personalNumber: 'the personal number',
  storage: 'the storage',
}
const GROUP = 'Staff|The group'
/** Of the user, and told to no terminal. */
const NEVER = {
  notes: 'the notes',
  office: 'the office',
  jobTitle: 'the job',
  company: 'the company',
  manager: 'the boss',
}

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let terminal: Ask
let shown: readonly object[]
let user: { readonly id: string; readonly pin: string }
let group: number

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db)
  await test.db.query('update setup set done_at = now()')
  http = await aServer(world.engine)
  const admin = await http.as('administrator')
  const { personalNumber, ...fields } = FIELDS
  const made = await admin('POST', '/api/v1/users', {
    userName: 'ann@x',
    personalNumber,
    fields: { fullName: 'Ann Smith', ...fields, ...NEVER },
  })
  if (made.statusCode !== 201) throw new Error(made.body)
  const { id } = made.json<{ id: string }>()
  await admin('POST', `/api/v1/users/${id}/cards`, { card: 'card-1' })
  user = { id, pin: (await admin('POST', `/api/v1/users/${id}/pin`)).json<{ pin: string }>().pin }
  group = await placeGroup(test.db, GROUP)
  await test.db.query('insert into memberships (group_id, user_id, source_id, run_id) values ($1, $2, 0, 0)', [
    group,
    id,
  ])
  terminal = await http.asTerminal()
  shown = [
    { by: 'card', card: 'card-1' },
    { by: 'pin', pin: user.pin },
    { by: 'userNamePin', userName: 'ann@x', pin: user.pin },
  ]
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})

const COMBINATIONS = Array.from({ length: 2 ** TELLS.length }, (_, bits) =>
  TELLS.filter((_field, nth) => (bits & (1 << nth)) !== 0),
)

it('tells what the terminal may be told and nothing else, for every combination, and for each way', async () => {
  const values = { ...FIELDS, groups: [{ id: String(group), path: GROUP }] }
  for (const tells of COMBINATIONS) {
    await test.db.query('update terminals set tells = $1', [tells])
    const expected = {
      id: user.id,
      userName: 'ann@x',
      fullName: 'Ann Smith',
      ...Object.fromEntries(tells.map((field) => [field, values[field]])),
    }
    // The ways differ in how somebody is found, not in what is told of him.
    const isShort = tells.length < 2 || tells.length === TELLS.length
    for (const body of isShort ? shown : shown.slice(0, 1)) {
      const answer = await terminal('POST', '/api/v1/terminal/authenticate', body)
      expect(answer.json<{ user: object }>().user, `${JSON.stringify(tells)} ${answer.body}`).toEqual(expected)
      expect(Object.keys(answer.json<object>()).toSorted()).toEqual(['by', 'kind', 'registration', 'user'])
    }
  }

  expect(COMBINATIONS).toHaveLength(256)
})
