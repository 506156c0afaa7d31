// Routes of users over a real database: pages, what a search finds them by, who may change what, and what is refused with its owner.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { aServer, type Ask, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import type { UserLine, UserView } from '../../contract/api/users.ts'
import type { Role } from '../../contract/api/endpoint.ts'
import { hire } from '../../emulator/operations.ts'

let database: TestDatabase
let world: SyncWorld
let server: TestServer
let ask: Readonly<Record<Role, Ask>>
let synced: UserView
let local: UserView

beforeAll(async () => {
  database = await createTestDatabase()
  world = await aSyncWorld(database.db, {
    users: 12,
    settings: {
      users: { properties: { aliases: ['mailNickname'], cards: ['employeeId'], personalNumber: 'employeeType' } },
    },
  })
  hire(world.tenant, {
    userPrincipalName: 'ann@contoso.com',
    displayName: 'Ann van der Berg',
    mail: 'a.berg@contoso.com',
    mailNickname: 'annie',
    employeeId: 'CARD-4711',
    employeeType: 'P-77',
  })
  await world.sync()
  server = await aServer(world.engine)
  const roles = ['viewer', 'helpdesk', 'operator', 'administrator'] as const
  const asked = await Promise.all(roles.map((role) => server.as(role)))
  ask = Object.fromEntries(roles.map((role, n) => [role, asked[n]])) as typeof ask
  const [found] = await search('ann@')
  synced = await view(found!.id)
  const made = await ask.operator('POST', '/api/v1/users', { userName: 'lodger', fields: { fullName: 'A Lodger' } })
  local = made.json()
})
afterAll(async () => {
  await server.stop()
  await world.stop()
  await database.drop()
})

async function search(text: string, more = ''): Promise<readonly UserLine[]> {
  const answer = await ask.viewer('GET', `/api/v1/users?search=${encodeURIComponent(text)}${more}`)
  // In a body it is the same.
  if (more === '') {
    const posted = await ask.viewer('POST', '/api/v1/users/search', { search: text })
    expect([posted.statusCode, posted.json()]).toEqual([answer.statusCode, answer.json()])
  }
  expect(answer.statusCode).toBe(200)
  return answer.json().items
}

const view = async (id: string): Promise<UserView> => (await ask.viewer('GET', `/api/v1/users/${id}`)).json()
const at = (user: UserView, rest = '') => `/api/v1/users/${user.id}${rest}`

describe('the list of users', () => {
  it('comes in pages by user name, everybody once, whatever the size of a page', async () => {
    for (const limit of [1, 5, 500]) {
      const names: string[] = []
      for (let cursor = ''; ; ) {
        const page = (await ask.viewer('GET', `/api/v1/users?status=all&limit=${limit}${cursor}`)).json()
        names.push(...page.items.map((user: UserLine) => user.userName))
        if (page.next === null) break
        expect(page.items).toHaveLength(limit)
        cursor = `&cursor=${encodeURIComponent(page.next)}`
      }

      const { rows } = await database.db.query<{ count: number }>('select count(*)::int as count from users')
      expect(names).toHaveLength(rows[0]!.count)
      expect(names).toEqual([...new Set(names)])
      expect(names.map((name) => name.toLowerCase())).toEqual(names.map((name) => name.toLowerCase()).sort())
    }
  })

  it.each([
    ['ann@contoso.com', 'userName'],
    ['annie', 'alias'],
    ['a.berg@', 'email'],
    ['p-77', 'personalNumber'],
    ['card-4711', 'card'],
    ['van der', 'fullName'],
    ['bérg', 'fullName'],
  ])('finds by %s and says that it was by %s', async (text, foundBy) => {
    expect((await search(text)).map((user) => [user.userName, user.foundBy])).toContainEqual([
      'ann@contoso.com',
      foundBy,
    ])
  })

  it('shows those of a source, and those of none', async () => {
    const ofSource = (await ask.viewer('GET', `/api/v1/users?source=${world.source}&limit=500`)).json().items
    const ofNone = (await ask.viewer('GET', '/api/v1/users?local=true')).json().items

    expect(ofSource.map((user: UserLine) => user.userName)).toContain('ann@contoso.com')
    expect(ofNone.map((user: UserLine) => user.userName)).toEqual(['lodger'])
  })

  it.each([
    ['cursor=nonsense', 'cursor'],
    ['limit=0', 'limit: must be at least 1, but is 0'],
    ['limit=many', 'limit'],
    ['status=gone', 'status'],
  ])('answers %s with a problem that names its place', async (query, place) => {
    const answer = await ask.viewer('GET', `/api/v1/users?${query}`)

    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).toContain(place)
  })
})

describe('one user', () => {
  it('is shown with who decides about each field, and without the whole card', () => {
    const owners = new Map(synced.fields.map(({ field, owner }) => [field, owner]))

    expect(owners.get('fullName')).toBe(world.source)
    expect(owners.get('notes')).toBeNull()
    expect(synced.cards.map(({ value, origin }) => [value, origin])).toEqual([
      [expect.stringMatching(/^•+4711$/), 'source'],
    ])
    expect(JSON.stringify(synced)).not.toContain('CARD-4711')
  })

  it('that there is not is a problem, and so is an id that is none', async () => {
    expect((await ask.viewer('GET', '/api/v1/users/999999')).json()).toMatchObject({ status: 404, code: 'not-found' })
    expect((await ask.viewer('GET', '/api/v1/users/none')).statusCode).toBe(400)
  })

  it('keeps what a source owns: the refusal names the source and the field', async () => {
    const refused = await ask.helpdesk('PATCH', at(synced), { version: synced.version, fields: { fullName: 'X' } })

    expect(refused.statusCode).toBe(409)
    expect(refused.json()).toMatchObject({ code: 'owned-by-source' })
    expect(refused.json().detail).toContain(world.source)
    expect(refused.json().detail).toContain('fullName')
    expect((await view(synced.id)).version).toBe(synced.version)
    expect((await ask.operator('DELETE', at(synced))).json().detail).toContain(world.source)
  })

  it('is changed where the registry owns it, and not by who saw an older state', async () => {
    const version = (await view(synced.id)).version
    const changed = await ask.helpdesk('PATCH', at(synced), { version, fields: { notes: 'left-handed' } })
    const late = await ask.helpdesk('PATCH', at(synced), { version, fields: { notes: 'right-handed' } })

    expect(changed.statusCode).toBe(200)
    expect(changed.json().fields).toContainEqual({ field: 'notes', value: 'left-handed', owner: null })
    expect(late.json()).toMatchObject({ status: 409, code: 'changed-meanwhile' })
  })

  it('has no history where nobody was ever called so', async () => {
    expect((await ask.viewer('GET', '/api/v1/users/2147483647/history')).json()).toMatchObject({
      status: 404,
      code: 'not-found',
    })
  })

  it('has a history of both, the newest first', async () => {
    const history = (await ask.viewer('GET', at(synced, '/history'))).json().items

    expect(history[0]).toMatchObject({ by: 'helpdesk', run: null, object: 'user', action: 'update' })
    expect(history.at(-1)).toMatchObject({ by: null, run: expect.any(String), source: world.source })
  })

  it('a card is revealed to who may, and added without being shown', async () => {
    const added = await ask.helpdesk('POST', at(local, '/cards'), { card: 'SECRET-0815' })
    const card = added.json().cards[0].id
    const revealed = await ask.operator('POST', at(local, `/cards/${card}/reveal`))

    expect(added.statusCode).toBe(201)
    expect(added.body).not.toContain('SECRET-0815')
    expect(revealed.json()).toEqual({ card: 'SECRET-0815' })
  })

  it('unknown keys and unusable values are refused at their place, without the value', async () => {
    const unknown = await ask.operator('POST', '/api/v1/users', { userName: 'x', password: 'y' })
    const unusable = await ask.operator('POST', '/api/v1/users', { userName: 'a\u0000b' })

    expect(unknown.statusCode).toBe(400)
    expect(unusable.statusCode).toBe(400)
    expect(unusable.json().problems[0].at).toContain('userName')
    expect(unusable.body).not.toContain('a\\u0000b')
  })
})

describe('rights', () => {
  const cases: readonly (readonly [string, string, object | undefined, Role])[] = [
    ['POST', '/api/v1/users', { userName: 'somebody' }, 'operator'],
    ['PATCH', '', { version: -1, fields: { notes: 'x' } }, 'helpdesk'],
    ['PUT', '/protected', { version: -1, protected: true }, 'administrator'],
    ['DELETE', '', undefined, 'operator'],
    ['POST', '/deactivate', { version: -1, reason: 'x' }, 'operator'],
    ['POST', '/restore', { version: -1 }, 'operator'],
    ['POST', '/cards', { card: 'c' }, 'helpdesk'],
    ['POST', '/cards/1/reveal', undefined, 'operator'],
    ['POST', '/pin', undefined, 'helpdesk'],
  ]
  const ladder = ['viewer', 'helpdesk', 'operator', 'administrator'] as const

  it.each(cases)('%s %s is refused below its role, and nobody is changed', async (method, path, body, role) => {
    const url = path.startsWith('/api') ? path : at(synced, path)
    const before = await view(synced.id)
    for (const below of ladder.slice(0, ladder.indexOf(role))) {
      const answer = await ask[below](method, url, body)
      expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden' })
    }

    expect(await view(synced.id)).toEqual(before)
  })
})
