// Routes of sources and of the configuration, against an emulated tenant and a real database.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import type { SourceLine, SourceView } from '../../contract/api/sources.ts'
import { addMember, createGroup } from '../../emulator/memberships.ts'
import { hire, setManager } from '../../emulator/operations.ts'
import { requireSource } from '../../registry/sources.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
let connection: string
beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db)
  http = await aServer(world.engine)
  admin = await http.as('administrator')
  connection = world.source
  for (const [name, card] of [
    ['ann', '04A2B91C77'],
    ['bob', 'no card'],
    ['cyd', null],
    ['dan', null],
  ] as const) {
    hire(world.tenant, {
      userPrincipalName: `${name}@contoso.com`,
      displayName: `${name.toUpperCase()} Smith`,
      givenName: name,
      mail: `${name}@contoso.com`,
      employeeId: `1${name}`,
      department: 'Sales',
      accountEnabled: name !== 'dan',
      ...(card === null ? {} : { onPremisesExtensionAttributes: { extensionAttribute5: card } }),
    })
  }
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(() => test.db.query(`delete from sources where name like 'form%'`))

const create = (name: string, settings: object = {}) =>
  admin('POST', '/api/v1/sources', { name, settings: { connection, ...settings } })

describe('sources', () => {
  it('are made with every default told, changed, renamed and removed, each audited', async () => {
    const made = await create('form', { users: { guests: 'ignore' } })
    const { settings } = made.json<SourceView>()
    const changed = await admin('PUT', '/api/v1/sources/form', {
      name: 'form 2',
      settings: { ...settings, priority: 7 },
    })
    const removed = await admin('DELETE', `/api/v1/sources/${encodeURIComponent('form 2')}`)

    expect([made.statusCode, changed.statusCode, removed.statusCode]).toEqual([201, 200, 204])
    expect(settings).toMatchObject({ enabled: true, priority: 100, safeguard: { removals: { percent: 10 } } })
    expect(changed.json()).toMatchObject({ name: 'form 2', priority: 7, people: 0, lastRun: null, waiting: null })
    const { rows } = await test.db.query<{ action: string; subject: string; details: string }>(
      `select action, subject, details from audit where subject like 'source form%' order by id`,
    )
    expect(rows.map((row) => `${row.action} ${row.subject}`)).toEqual([
      'source.create source form',
      'source.change source form',
      'source.remove source form 2',
    ])
    expect(JSON.parse(rows[1]!.details)).toEqual({
      changes: [
        { at: 'name', old: 'form', new: 'form 2' },
        { at: 'priority', old: 100, new: 7 },
      ],
    })
    expect((await admin('GET', '/api/v1/sources/form')).statusCode).toBe(404)
  })

  it('sent back as they were given change nothing', async () => {
    await create('form', { safeguard: 'off', users: { properties: { fullName: 'none', pin: 'generate' } } })
    const { settings } = (await admin('GET', '/api/v1/sources/form')).json<SourceView>()
    const before = await requireSource(test.db, 'form')
    await admin('PUT', '/api/v1/sources/form', { settings })

    expect(await requireSource(test.db, 'form')).toEqual(before)
  })

  it('that somebody else changed meanwhile are not overwritten unseen', async () => {
    await create('form')
    const read = (await admin('GET', '/api/v1/sources/form')).json<SourceView>()
    const change = (priority: number, updatedAt?: string) =>
      admin('PUT', '/api/v1/sources/form', {
        settings: { ...read.settings, priority },
        ...(updatedAt === undefined ? {} : { updatedAt }),
      })
    const first = await change(7, read.updatedAt)
    const second = await change(8, read.updatedAt)
    const again = await change(8, first.json<SourceView>().updatedAt)

    expect([first.statusCode, second.statusCode, again.statusCode]).toEqual([200, 409, 200])
    expect(second.json()).toMatchObject({ code: 'changed-meanwhile' })
    expect((await change(9)).json()).toMatchObject({ priority: 9 })
  })

  it('are refused like the config file refuses them, all at once, by the path inside the settings', async () => {
    const answer = await create(' form', {
      users: { import: { groups: [] }, properties: { cards: [{ from: 'mail', transform: 'hex2dek' }] } },
    })
    const second = await create('form', { timezone: 'Mars', connection: 'fabrikam' })
    const at = (one: typeof answer) => one.json<{ problems: { at: string }[] }>().problems.map((problem) => problem.at)

    expect(answer.statusCode).toBe(400)
    expect(at(answer)).toEqual(['name', 'users.import.groups', 'users.properties.cards[0].transform'])
    expect(at(second)).toEqual(['connection', 'timezone'])
    await create('form')
    expect(at(await create('form'))).toEqual(['name'])
  })

  it('are listed with health, people, last run, the held one that waits, and the next slot', async () => {
    const run = await world.sync()
    const group = createGroup(world.tenant, { displayName: 'nobody' })
    for (let i = 0; i < 6; i++) hire(world.tenant, { userPrincipalName: `more${i}@contoso.com` })
    await world.configure({ safeguard: { removals: { percent: 0, count: 0 } } })
    const more = await world.sync()
    await world.configure({
      users: { import: { groups: [group.id] } },
      safeguard: { removals: { percent: 0, count: 0 } },
    })
    const held = await world.sync({ mode: 'full' })
    await create('form', { enabled: false })
    const { items } = (await admin('GET', '/api/v1/sources')).json<{ items: SourceLine[] }>()
    await world.configure({})

    expect([run.outcome, more.outcome, held.outcome]).toEqual(['applied', 'applied', 'held'])
    expect(items.map((line) => line.name)).toEqual(['form', connection].sort())
    expect(items.find((line) => line.name === connection)).toMatchObject({
      people: 9,
      health: { state: 'healthy', failures: 0 },
      running: null,
      lastRun: { run: held.run, outcome: 'held' },
      waiting: { run: held.run },
      next: { mode: expect.stringMatching(/full|delta/) },
    })
    expect(items.find((line) => line.name === 'form')).toMatchObject({
      people: 0,
      lastRun: null,
      next: null,
      awaitsFirstRun: false,
    })
    await test.db.query("update sources set enabled = true where name = 'form'")
    expect((await admin('GET', '/api/v1/sources/form')).json()).toMatchObject({ next: null, awaitsFirstRun: true })
    await admin('POST', `/api/v1/runs/${held.run}/reject`, { reason: 'tidy' })
  })

  it('are asked for in as many queries, however many there are', async () => {
    const count = async () => {
      let queries = 0
      const db = { query: (...args: Parameters<typeof test.db.query>) => ((queries += 1), test.db.query(...args)) }
      const { listSourceLines } = await import('../../registry/source-list.ts')
      await listSourceLines(db as never, { now: new Date() })
      return queries
    }
    const before = await count()
    for (let i = 0; i < 5; i++) await create(`form ${i}`)

    expect(await count()).toBe(before)
  })
})

describe('the impact of other settings', () => {
  const impact = (settings: object, more: object = {}) =>
    admin('POST', `/api/v1/sources/${connection}/impact`, { settings: { connection, ...settings }, ...more })

  it('is the plan that they would make, kept nowhere', async () => {
    await world.sync()
    const runs = await test.db.query('select count(*) from runs')
    const answer = await impact({ users: { properties: { office: 'department' }, disabledAccounts: 'import' } })

    expect(answer.json()).toMatchObject({
      isUnread: false,
      document: { outcome: 'planned', run: '', users: { created: 1 } },
      unreadAttributes: [],
      warnings: [{ at: 'users.disabledAccounts' }],
    })
    expect(await test.db.query('select count(*) from runs')).toMatchObject({ rows: runs.rows })
    expect(answer.body).not.toMatch(/"lookup"|"sealed"|"digest"/)
  })

  it('names attributes that were never read, and knows nothing of another tenant', async () => {
    await test.db.query(
      `insert into connections (name, tenant_id, client_id, cloud) values ('form-other', gen_random_uuid(), gen_random_uuid(), 'global') on conflict do nothing`,
    )
    const unread = await impact({ users: { properties: { notes: 'companyName' } } })
    const other = await impact({ connection: 'form-other' })

    expect(unread.json()).toMatchObject({ unreadAttributes: ['companyName'] })
    expect(other.json()).toMatchObject({ isUnread: true, items: [], document: { outcome: 'no-change' } })
  })

  it('of another priority, or another name, is that another source owns them', async () => {
    await create('form', { priority: 100 })
    const gained = async (settings: object, more: object = {}) =>
      (await admin('POST', '/api/v1/sources/form/impact', { settings: { connection, ...settings }, ...more })).json<{
        document: { users: { takenOver: number; skipped: number } }
      }>().document.users.takenOver
    // What the other source has read is not read by this one yet, so it is given the same mirror.
    await test.db.query(`insert into mirror_objects (source_id, object_id, kind, state, attributes)
      select (select id from sources where name = 'form'), object_id, kind, state, attributes from mirror_objects o
      where o.source_id = (select id from sources where name = '${connection}') on conflict do nothing`)

    expect(await gained({ priority: 200 })).toBe(0)
    expect(await gained({ priority: 50 })).toBeGreaterThan(0)
    expect(await gained({ priority: 100 }, { name: 'zzz' })).toBe(0)
    expect(await gained({ priority: 100 }, { name: 'aaa' })).toBeGreaterThan(0)
  })
})

describe('checking settings', () => {
  it('fills in every default, warns, and keeps nothing', async () => {
    const answer = await admin('POST', '/api/v1/source-check', {
      settings: { connection, safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } },
    })

    expect(answer.json()).toMatchObject({
      settings: { priority: 100, safeguard: 'off', users: { filter: 'none' } },
      warnings: [{ at: 'users.options.useAsAuthenticationServer' }, { at: 'safeguard' }],
    })
  })
})

describe('attributes to pick', () => {
  it('are offered with labels', async () => {
    const viewer = await http.as('viewer')

    expect((await viewer('GET', '/api/v1/attributes')).json()).toMatchObject({
      items: expect.arrayContaining([{ name: 'otherMails', label: 'Other emails', isList: true }]),
    })
  })
})

describe('the mapping of real users', () => {
  interface Mapped {
    readonly users: {
      userPrincipalName: string
      verdict: string
      rule: string | null
      values: Record<string, unknown>
      problems: { target: string; message: string }[]
    }[]
  }
  const map = async (properties: object, more: { users?: string[]; source?: string; settings?: object } = {}) => {
    const { settings, ...rest } = more
    const { users, ...others } = (settings ?? {}) as { users?: object }
    const answer = await admin('POST', '/api/v1/mapping-preview', {
      settings: { connection, ...others, users: { properties, ...users } },
      ...rest,
    })
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json<Mapped>().users
  }
  const CARD = 'onPremisesExtensionAttributes.extensionAttribute5'
  const ANN = { users: ['ann@contoso.com'] }

  it('is shown live before anything was read, with cards and PINs hidden', async () => {
    const mapping = { cards: [CARD], pin: { expression: 'Join("", "123456", [employeeId])' }, manager: 'manager' }
    const [ann] = await map(mapping, ANN)

    expect(ann).toMatchObject({
      userPrincipalName: 'ann@contoso.com',
      verdict: 'wanted',
      rule: null,
      values: { userName: 'ann@contoso.com', fullName: 'ANN Smith', cards: ['••••1C77'], pin: '••••', manager: null },
      problems: [],
    })
    expect(JSON.stringify(await map(mapping))).not.toMatch(/04A2B9|123456/)
  })

  it('is shown of three people whom the source wants, else of others with the rule', async () => {
    const three = await map({})
    const [dan] = await map({}, { users: ['dan@contoso.com'] })

    expect(three.map((user) => user.verdict)).toEqual(['wanted', 'wanted', 'wanted'])
    expect(dan).toMatchObject({ verdict: 'disabled', rule: 'users.disabledAccounts' })
  })

  it('is the same from the mirror, which needs no request; what was not read is asked for', async () => {
    const mapping = { office: 'department', notes: { template: '%givenName% %city%' } }
    const live = await map(mapping, ANN)
    await world.sync()
    const before = world.emulator.requests.length
    const mirrored = await map({ office: 'department' }, { ...ANN, source: connection })
    const after = world.emulator.requests.length
    const mixed = await map(mapping, { ...ANN, source: connection })

    expect(mirrored[0]!.values['office']).toBe('Sales')
    expect(after).toBe(before)
    expect(mixed).toEqual(live)
    expect(mixed[0]!.values['notes']).toBe('ann')
  })

  it('tells an error of one target with its place, and shows the others', async () => {
    const [ann] = await map(
      { notes: { expression: 'Left([mail], ' }, own: { x: 'nonsense', y: 'mail' }, office: 'city' },
      ANN,
    )

    expect(ann!.values).toMatchObject({ userName: 'ann@contoso.com', 'own.y': 'ann@contoso.com', office: null })
    expect(ann!.values).not.toHaveProperty('notes')
    expect(ann!.problems).toEqual([
      { target: 'notes', message: expect.stringMatching(/at character \d+/) },
      { target: 'own.x', message: expect.stringContaining('unknown attribute "nonsense"') },
    ])
  })

  it('tells values that this user cannot have, without the value', async () => {
    const [bob] = await map({ cards: [{ from: CARD, transform: 'hex2dec' }] }, { users: ['bob@contoso.com'] })

    expect(bob).toMatchObject({ values: { cards: [] }, problems: [{ target: 'cards' }] })
    expect(JSON.stringify(bob!.problems)).not.toContain('no card')
  })

  it('knows who is in the selected groups, from the mirror and live', async () => {
    const outer = createGroup(world.tenant, { displayName: 'outer' })
    const inner = createGroup(world.tenant, { displayName: 'inner' })
    const cyd = [...world.tenant.live('user')].find(
      (user) => user.properties['userPrincipalName'] === 'cyd@contoso.com',
    )!
    addMember(world.tenant, outer.id, inner.id)
    addMember(world.tenant, inner.id, cyd.id)
    const settings = { users: { import: { groups: [outer.id] } } }
    const named = { users: ['cyd@contoso.com', 'ann@contoso.com'], settings }
    const live = await map({}, named)
    await world.sync()
    const mirrored = await map({}, { ...named, source: connection })

    expect(live.map((user) => [user.verdict, user.rule])).toEqual([
      ['wanted', null],
      ['out-of-scope', 'users.import'],
    ])
    expect(mirrored).toEqual(live)
    expect((await map({}, { settings: { users: { import: { groups: [inner.id] } } } }))[0]).toMatchObject({
      userPrincipalName: 'cyd@contoso.com',
      verdict: 'wanted',
    })
  })

  it('shows managers by name', async () => {
    const [ann, bob] = ['ann', 'bob'].map(
      (name) => [...world.tenant.live('user')].find((user) => user.properties['givenName'] === name)!,
    )
    setManager(world.tenant, ann!.id, bob!.id)
    const [shown] = await map({ manager: 'manager' }, ANN)

    expect(shown!.values['manager']).toBe('bob@contoso.com')
  })

  it('is refused for mistakes elsewhere, and for somebody whom there is not', async () => {
    const wrong = await admin('POST', '/api/v1/mapping-preview', { settings: { connection, guests: 'x' } })
    const nobody = await admin('POST', '/api/v1/mapping-preview', {
      settings: { connection },
      users: ['x@contoso.com'],
    })

    expect([wrong.statusCode, nobody.statusCode]).toEqual([400, 404])
  })
})

describe('the configuration', () => {
  const get = async () => (await admin('GET', '/api/v1/configuration')).json<{ file: object }>().file
  const apply = (file: object, more: object = {}) => admin('POST', '/api/v1/configuration', { file, ...more })

  it('read and applied again changes nothing, nor writes into the audit', async () => {
    await create('form', { safeguard: 'off' })
    const before = await test.db.query(
      'select (select count(*) from audit) as audits, (select jsonb_agg(to_jsonb(s)) from sources s) as s',
    )
    const answer = await apply(await get(), { prune: true })

    expect(answer.json<{ changes: { action: string }[] }>().changes.map((change) => change.action)).toEqual(
      expect.arrayContaining(['unchanged']),
    )
    expect(new Set(answer.json<{ changes: { action: string }[] }>().changes.map((c) => c.action))).toEqual(
      new Set(['unchanged']),
    )
    const after = await test.db.query(
      'select (select count(*) from audit) as audits, (select jsonb_agg(to_jsonb(s)) from sources s) as s',
    )
    expect(after.rows).toEqual(before.rows)
  })

  it('is applied with the secrets that were read where the command runs, and with none of its own', async () => {
    const file = {
      connections: {
        'form-file': {
          tenantId: world.hosted.tenantId,
          clientId: world.hosted.clientId,
          clientSecret: { env: 'PATH' },
        },
      },
      sources: { 'form file': { connection: 'form-file', safeguard: 'off' } },
    }
    const lacking = await apply(file)
    const dry = await apply(file, { secrets: { 'form-file': { secret: 'the-sent-secret' } }, dryRun: true })
    const done = await apply(file, { secrets: { 'form-file': { secret: 'the-sent-secret' } } })

    expect(lacking.json()).toMatchObject({ status: 400, problems: [{ at: 'connections.form-file.clientSecret' }] })
    expect(dry.json()).toMatchObject({
      changes: [{ action: 'create' }, { action: 'create' }],
      warnings: [{ at: 'sources.form file.safeguard' }],
    })
    expect(done.statusCode).toBe(200)
    expect(JSON.stringify(await get())).not.toContain('the-sent-secret')
    const { rows } = await test.db.query<{ action: string }>('select action from audit order by id desc limit 3')
    expect(rows.map((row) => row.action).reverse()).toEqual([
      'configuration.apply',
      'connection.create',
      'source.create',
    ])
  })

  it('tried shows the plan of each source that it would change', async () => {
    await world.sync()
    const file = { sources: { [connection]: { connection, users: { properties: { office: 'department' } } } } }
    const answer = await apply(file, { dryRun: true })

    expect(answer.json()).toMatchObject({
      changes: [{ action: 'change', replans: true, changes: [{ at: 'users.properties.office', old: null }] }],
      plans: [{ source: connection, isUnread: false, document: { outcome: 'planned' } }],
    })
    expect((await requireSource(test.db, connection)).settings.users.properties.office).toBeNull()
  })

  it('with mistakes is refused by the paths of the file', async () => {
    const answer = await apply({ sources: { staff: { connection: 'nowhere', priority: 'x' } }, conections: {} })

    expect(answer.json<{ problems: { at: string }[] }>().problems.map((problem) => problem.at)).toEqual(
      expect.arrayContaining(['conections', 'sources.staff.priority']),
    )
  })
})
