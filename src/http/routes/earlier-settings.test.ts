// What the settings of a source were, who saved them, and the way back, against an emulated tenant and a real database.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, registryView, type SyncWorld } from '../../../test/support/world.ts'
import type { KeptSettingsView, SavedSettings, SourceView } from '../../contract/api/sources.ts'
import type { Problem } from '../../contract/api/endpoint.ts'
import { createGroup } from '../../emulator/memberships.ts'
import { requireSource } from '../../registry/sources.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
let connection: string
/** A group without members. */
let nobody: string

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 40 })
  http = await aServer(world.engine, { openGraphWith: (access) => world.openGraphWith(access) })
  admin = await http.as('administrator')
  connection = world.source
  nobody = createGroup(world.tenant, { displayName: 'Nobody' }).id
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(() => test.db.query(`delete from sources where name like 'form%'`))

const create = (settings: object = {}) =>
  admin('POST', '/api/v1/sources', { name: 'form', settings: { connection, ...settings } })
const put = (settings: object, more: object = {}) =>
  admin('PUT', '/api/v1/sources/form', { settings: { connection, ...settings }, ...more })
const list = async (name = 'form') =>
  (await admin('GET', `/api/v1/sources/${name}/settings`)).json<{ items: SavedSettings[] }>().items
const read = (number: number) => admin('GET', `/api/v1/sources/form/settings/${number}`)
const restore = (number: number, body: object = {}) =>
  admin('POST', `/api/v1/sources/form/settings/${number}/restore`, body)

describe('the settings of a source as they were saved', () => {
  it('O4: are kept with who saved what and when, also by a config file; equal ones and other names are none', async () => {
    await create({ priority: 5 })
    await put({ priority: 6, users: { guests: 'ignore' } })
    await put({ priority: 6, users: { guests: 'ignore' } })
    await put({ priority: 6, users: { guests: 'ignore' } }, { name: 'form two' })
    const token = await http.withToken('configure')
    const file = { sources: { 'form two': { connection, priority: 7, users: { guests: 'ignore' } } } }
    await token('POST', '/api/v1/configuration', { file, dryRun: true })
    await token('POST', '/api/v1/configuration', { file })
    const items = await list(encodeURIComponent('form two'))

    expect(items.map(({ number, isCurrent, changes }) => ({ number, isCurrent, changes }))).toEqual([
      { number: 3, isCurrent: true, changes: [{ at: 'priority', old: 6, new: 7 }] },
      {
        number: 2,
        isCurrent: false,
        changes: [
          { at: 'priority', old: 5, new: 6 },
          { at: 'users.guests', old: 'import', new: 'ignore' },
        ],
      },
      { number: 1, isCurrent: false, changes: [] },
    ])
    expect(items.map(({ savedBy }) => savedBy?.kind)).toEqual(['token', 'account', 'account'])
    const times = items.map(({ savedAt }) => savedAt)
    expect(times).toEqual(times.toSorted().toReversed())
  })

  it('O4: are the last fifty, whose numbers go on', async () => {
    await create({ priority: 0 })
    for (let priority = 1; priority <= 52; priority++) await put({ priority })
    const items = await list()

    expect(items.map(({ number }) => number)).toEqual(Array.from({ length: 50 }, (_, n) => 53 - n))
    expect(items.at(-1)?.changes).toEqual([])
    const gone = await read(3)
    expect([gone.statusCode, gone.json<Problem>().detail]).toEqual([404, expect.stringContaining('kept are 4 to 53')])
  })

  it('O4: begin with what held before, where nothing was kept of it', async () => {
    await create({ priority: 5 })
    await test.db.query('delete from source_settings')
    expect(await list()).toEqual([])
    await put({ priority: 6 })

    expect((await list()).map(({ savedBy, changes }) => [savedBy?.kind, changes])).toEqual([
      ['account', [{ at: 'priority', old: 5, new: 6 }]],
      [undefined, []],
    ])
  })

  it('O4: go with their source, and hold no secret of its connection', async () => {
    const secret = 'kept-nowhere~8Q.secret'
    const { tenantId, clientId } = world.hosted
    const root = world.emulator.graphUrl
    const cloud = { cloud: 'custom', authorityUrl: root, graphUrl: root }
    const file = {
      connections: { sealed: { tenantId, clientId, clientSecret: { env: 'SECRET' }, ...cloud } },
      sources: { form: { connection: 'sealed' } },
    }
    await admin('POST', '/api/v1/configuration', { file, secrets: { sealed: { secret } } })
    const { rows } = await test.db.query<{ text: string }>('select settings::text as text from source_settings')
    await admin('DELETE', '/api/v1/sources/form')
    const left = await test.db.query(
      'select from source_settings k join sources s on s.id = k.source_id where s.name = $1',
      ['form'],
    )

    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(secret)
    expect(left.rowCount).toBe(0)
    expect((await admin('GET', '/api/v1/sources/form/settings')).statusCode).toBe(404)
  })
})

describe('going back to earlier settings', () => {
  it('O4: is told with its differences from now, saved under its number, audited, and can be taken back itself', async () => {
    await create({ priority: 5, safeguard: 'off', users: { properties: { fullName: 'none' } } })
    await put({ priority: 6 })
    const kept = (await read(1)).json<KeptSettingsView>()
    const restored = await restore(1, { updatedAt: kept.updatedAt })
    const again = await restore(2)

    expect(kept).toMatchObject({ number: 1, settings: { priority: 5, safeguard: 'off' } })
    expect(kept.differences.map(({ at }) => at).toSorted()).toEqual([
      'priority',
      'safeguard',
      'users.properties.fullName',
    ])
    expect(restored.json()).toMatchObject({ settings: kept.settings, name: 'form' })
    expect(again.json()).toMatchObject({ settings: { priority: 6, safeguard: { removals: { percent: 10 } } } })
    expect((await list()).map(({ number }) => number)).toEqual([4, 3, 2, 1])
    const { rows } = await test.db.query<{ details: string }>(
      `select details from audit where action = 'source.change' and subject = 'source form' order by id desc limit 2`,
    )
    expect(rows.map(({ details }) => (JSON.parse(details) as { restored?: number }).restored)).toEqual([2, 1])
  })

  it('O4: keeps the name, and saving what holds already saves nothing', async () => {
    await create({ priority: 5 })
    await put({ priority: 6 }, { name: 'form two' })
    const same = await admin('POST', `/api/v1/sources/${encodeURIComponent('form two')}/settings/2/restore`, {})

    expect(same.json()).toMatchObject({ name: 'form two', priority: 6 })
    expect(await list(encodeURIComponent('form two'))).toHaveLength(2)
  })

  it('O4: is refused where somebody saved meanwhile, and where they are mistakes by now', async () => {
    await test.db.query(
      `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url)
         select 'short-lived', tenant_id, client_id, cloud, authority_url, graph_url from connections where name = $1`,
      [connection],
    )
    await create({ connection: 'short-lived' })
    const { updatedAt } = (await admin('GET', '/api/v1/sources/form')).json<SourceView>()
    await put({})
    await test.db.query(`delete from connections where name = 'short-lived'`)
    const late = await restore(1, { updatedAt })
    const gone = await restore(1)

    expect(late.json()).toMatchObject({ status: 409, code: 'changed-meanwhile' })
    expect(gone.json()).toMatchObject({ status: 400, problems: [{ at: 'connection' }] })
    expect((await restore(9)).statusCode).toBe(404)
    expect((await requireSource(test.db, 'form')).settings.connection).toBe(connection)
  })

  it('O4: for an attribute that the tenant has no more it is refused, as for settings that are typed', async () => {
    const badge = `extension_${'a'.repeat(32)}_badge`
    world.tenant.behaviour.unregisteredExtensions = 'ignored'
    world.tenant.extensions.add(badge)
    await create({ users: { properties: { notes: badge } } })
    await put({})
    world.tenant.extensions.delete(badge)

    expect((await restore(1)).json()).toMatchObject({ status: 400, problems: [{ at: 'users.properties.notes' }] })
  })
})

describe('a mistake in the settings', () => {
  const own = (settings: object) => ({ connection, ...settings })
  const properties = (change: object) => ({ users: { properties: change } })

  it.each<[string, () => object]>([
    [
      'a filter turned round',
      () => ({ users: { filter: { any: [{ all: [{ attribute: 'userPrincipalName', absent: true }] }] } } }),
    ],
    ['the wrong selected group', () => ({ users: { import: { groups: [nobody] } } })],
    ['user names from mail nicknames', () => properties({ userName: { template: 'x%userPrincipalName%' } })],
    ['full names from user names', () => properties({ fullName: 'userPrincipalName' })],
    ['emails from a word for everybody', () => properties({ email: 'userType' })],
    ['groups left out', () => ({ groups: { import: false } })],
  ])('O4: %s: is shown by the impact, and gone with the earlier settings, which change nobody', async (_, mistake) => {
    const url = `/api/v1/sources/${connection}`
    await admin('PUT', url, { settings: own({}) })
    await world.sync()
    const before = await registryView(test.db)
    const { settings: right } = (await admin('GET', url)).json<SourceView>()
    const impact = await admin('POST', `${url}/impact`, { settings: own(mistake()) })
    await admin('PUT', url, { settings: own(mistake()) })
    const held = await world.sync()
    const earlier = (await list(connection)).find(({ isCurrent }) => !isCurrent)!
    await admin('POST', `${url}/settings/${earlier.number}/restore`, {})
    const back = await world.sync()

    expect(impact.json()).toMatchObject({ document: { outcome: 'planned' } })
    expect(held.outcome, JSON.stringify(held.held)).not.toBe('no-change')
    expect((await admin('GET', url)).json()).toMatchObject({ settings: right })
    if (held.outcome === 'held') expect(back.outcome).toBe('no-change')
    expect(await registryView(test.db)).toEqual(before)
  })
})
