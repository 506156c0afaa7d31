// Routes of groups over a real database: the tree, members with chains, what is by hand and what is a source's.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { aServer, type Ask, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { addMember, createGroup } from '../../emulator/memberships.ts'
import { hire } from '../../emulator/operations.ts'

let database: TestDatabase
let world: SyncWorld
let server: TestServer
let viewer: Ask
let helpdesk: Ask
let operator: Ask

beforeAll(async () => {
  database = await createTestDatabase()
  world = await aSyncWorld(database.db, { settings: { groups: { under: 'Entra', membership: 'transitive' } } })
  const people = ['ann', 'bob', 'cem', 'dora', 'eve'].map((name) =>
    hire(world.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name }),
  )
  const staff = createGroup(world.tenant, { displayName: 'Staff' })
  const sales = createGroup(world.tenant, { displayName: 'Sales' })
  addMember(world.tenant, staff.id, sales.id)
  for (const { id } of people.slice(0, 4)) addMember(world.tenant, sales.id, id)
  await world.sync()
  server = await aServer(world.engine)
  viewer = await server.as('viewer')
  helpdesk = await server.as('helpdesk')
  operator = await server.as('operator')
})
afterAll(async () => {
  await server.stop()
  await world.stop()
  await database.drop()
})

interface Line {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly source: string | null
}

const listed = async (query: string): Promise<readonly Line[]> =>
  (await viewer('GET', `/api/v1/groups${query}`)).json().items
const named = async (name: string) => (await listed(`?search=${name}`)).find((group) => group.name === name)!
const userId = async (name: string): Promise<string> =>
  (await viewer('GET', `/api/v1/users?search=${name}`)).json().items[0].id
const membersOf = async (group: Line) =>
  (await viewer('GET', `/api/v1/groups/${group.id}/members?limit=500`)).json().items

describe('groups', () => {
  it('are a tree: a level of paths first, and the groups below it', async () => {
    expect(await listed('')).toMatchObject([{ id: null, name: 'Entra', children: 2 }])
    expect((await listed('?under=Entra')).map(({ name }) => name)).toEqual(['Sales', 'Staff'])
  })

  it('are found anywhere by the beginning of their names', async () => {
    expect((await listed('?search=sta')).map(({ path }) => path)).toEqual(['Entra|Staff'])
    expect(await listed('?search=nothing')).toEqual([])
  })

  it('tell for each member the chain of groups that makes him one', async () => {
    const members = await membersOf(await named('Staff'))

    expect(members.map((member: { userName: string }) => member.userName)).toEqual(
      ['ann', 'bob', 'cem', 'dora'].map((name) => `${name}@contoso.com`),
    )
    expect(members[0]).toMatchObject({ sources: [world.source], byHand: false, chain: ['Sales', 'Staff'] })
  })

  it('list members by pages, each once', async () => {
    const { id } = await named('Sales')
    const names: string[] = []
    for (let cursor = ''; ; ) {
      const page = (await viewer('GET', `/api/v1/groups/${id}/members?limit=1${cursor}`)).json()
      names.push(...page.items.map((member: { userName: string }) => member.userName))
      if (page.next === null) break
      cursor = `&cursor=${encodeURIComponent(page.next)}`
    }

    expect(names).toEqual(['ann', 'bob', 'cem', 'dora'].map((name) => `${name}@contoso.com`))
  })
})

describe('a group of very many', () => {
  it('is counted up to 1,000 in lists, which say so, and to the end on its own page', async () => {
    const { id } = (await operator('POST', '/api/v1/groups', { name: 'Crowd' })).json<Line>()
    const join = (from: number, to: number, active: boolean) =>
      database.db.query(
        `with made as (insert into users (user_name, active, deactivated_by, deactivated_reason, deactivated_at)
           select 'crowd' || n, $3, case when not $3 then 'source' end, case when not $3 then 'gone' end, case when not $3 then now() end
           from generate_series($1::int, $2::int) n returning id)
         insert into memberships (group_id, user_id, source_id, run_id)
         select $4::int, made.id, by, 0 from made, unnest(array[0, 1]) by`,
        [from, to, active, id],
      )
    const counts = async () => {
      const [listed, found, own] = [
        (await viewer('GET', '/api/v1/groups?limit=500')).json().items.find((group: Line) => group.id === id),
        (await viewer('GET', '/api/v1/groups?search=crowd')).json().items[0],
        (await viewer('GET', `/api/v1/groups/${id}`)).json(),
      ]
      return [listed, found, own].map(({ members, hasMoreMembers }) => [members, hasMoreMembers])
    }
    // Who is deactivated does not count, nor twice who is in it by hand and by a source.
    await join(1, 1_100, false)
    await join(2_001, 3_000, true)
    expect(await counts()).toEqual([
      [1_000, false],
      [1_000, false],
      [1_000, false],
    ])
    await join(3_001, 3_001, true)

    expect(await counts()).toEqual([
      [1_000, true],
      [1_000, true],
      [1_001, false],
    ])
    await operator('DELETE', `/api/v1/groups/${id}`)
    await database.db.query(`delete from users where user_name like 'crowd%'`)
  })
})

describe('by hand', () => {
  it('somebody is put into a group and taken out, and whom a source gives stays', async () => {
    const sales = await named('Sales')
    const [ann, eve] = [await userId('ann'), await userId('eve')]

    expect((await helpdesk('PUT', `/api/v1/groups/${sales.id}/members/${eve}`)).statusCode).toBe(204)
    expect((await membersOf(sales)).at(-1)).toMatchObject({ userName: 'eve@contoso.com', byHand: true, sources: [] })
    expect((await helpdesk('DELETE', `/api/v1/groups/${sales.id}/members/${eve}`)).statusCode).toBe(204)
    expect(await membersOf(sales)).toHaveLength(4)
    const refused = await helpdesk('DELETE', `/api/v1/groups/${sales.id}/members/${ann}`)
    expect(refused.statusCode).toBe(409)
    expect(refused.json().detail).toContain(world.source)
    expect(await membersOf(sales)).toHaveLength(4)
  })

  it('a local group is made, moved and removed; one of a source is none of these', async () => {
    const made = await operator('POST', '/api/v1/groups', { name: 'Visitors' })
    const { id } = made.json()
    const moved = await operator('PATCH', `/api/v1/groups/${id}`, { under: 'House', name: 'Guests' })
    const sales = await named('Sales')
    const refused = await operator('PATCH', `/api/v1/groups/${sales.id}`, { name: 'Marketing' })

    expect(made.statusCode).toBe(201)
    expect(moved.json()).toMatchObject({ path: 'House|Guests', source: null })
    expect(refused.statusCode).toBe(409)
    expect(refused.json().detail).toContain(world.source)
    expect((await operator('DELETE', `/api/v1/groups/${id}`)).statusCode).toBe(204)
    expect((await viewer('GET', `/api/v1/groups/${id}`)).json()).toMatchObject({ status: 404, code: 'not-found' })
  })

  it('a local group that somebody else moved meanwhile is not moved back unseen', async () => {
    const { id, path } = (await operator('POST', '/api/v1/groups', { name: 'Loans' })).json<Line>()
    const moved = await operator('PATCH', `/api/v1/groups/${id}`, { under: 'House', name: 'Loans', seen: path })
    const late = await operator('PATCH', `/api/v1/groups/${id}`, { under: '', name: 'Lending', seen: path })
    const again = await operator('PATCH', `/api/v1/groups/${id}`, {
      under: 'House',
      name: 'Lending',
      seen: moved.json<Line>().path,
    })

    expect([moved.statusCode, late.statusCode, again.statusCode]).toEqual([200, 409, 200])
    expect(late.json()).toMatchObject({ code: 'changed-meanwhile' })
    expect(again.json()).toMatchObject({ path: 'House|Lending' })
    await operator('DELETE', `/api/v1/groups/${id}`)
  })

  it('is refused below its role', async () => {
    const { id } = await named('Sales')
    const eve = await userId('eve')
    const answers = [
      await viewer('PUT', `/api/v1/groups/${id}/members/${eve}`),
      await viewer('POST', '/api/v1/groups', { name: 'Mine' }),
      await helpdesk('POST', '/api/v1/groups', { name: 'Mine' }),
      await helpdesk('DELETE', `/api/v1/groups/${id}`),
    ]

    expect(answers.map((answer) => answer.statusCode)).toEqual([403, 403, 403, 403])
    expect(await listed('?search=mine')).toEqual([])
  })
})
