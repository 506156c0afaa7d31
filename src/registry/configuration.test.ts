import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import { type ConfigFile, parseConfigFile } from '../contract/config-file.ts'
import type { ConfigurationChange } from '../contract/configuration.ts'
import type { Vault } from '../vault/keys.ts'
import { configure } from './configuration.ts'
import type { WantedCredential } from './put-connection.ts'
import { listCredentials, openCredentials, requireConnection } from './connections.ts'
import { listSources, requireSource } from './sources.ts'

const ID = '11111111-2222-3333-4444-555555555555'

let test: TestDatabase
let vault: Vault

beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
})
afterAll(() => test.drop())

function fileWith(change: { staff?: object; connection?: object; sources?: object } = {}): ConfigFile {
  return parseConfigFile(
    {
      connections: {
        contoso: { tenantId: ID, clientId: ID, clientSecret: { env: 'S' }, ...change.connection },
      },
      sources: change.sources ?? { staff: { connection: 'contoso', ...change.staff } },
    },
    new Set(),
  )
}

const secret = (value: string): WantedCredential => ({ kind: 'secret', value, thumbprint: null, expiresAt: null })

function apply(
  file: ConfigFile,
  options: { credentials?: readonly WantedCredential[]; prune?: boolean; dryRun?: boolean } = {},
): Promise<readonly ConfigurationChange[]> {
  const credentials = options.credentials ?? [secret('first')]
  return configure(test.db, {
    vault,
    wanted: {
      connections: new Map(Object.entries(file.connections).map(([n, settings]) => [n, { settings, credentials }])),
      sources: new Map(Object.entries(file.sources)),
    },
    prune: options.prune ?? false,
    dryRun: options.dryRun ?? false,
    clock: systemClock,
    actor: { kind: 'command line', name: 'test' },
  })
}

async function contents(): Promise<unknown> {
  const { rows } = await test.db.query(`
    select (select jsonb_agg(to_jsonb(c) order by id) from connections c) as connections,
           (select jsonb_agg(to_jsonb(k) order by id) from connection_credentials k) as credentials,
           (select jsonb_agg(to_jsonb(s) order by id) from sources s) as sources`)
  return rows[0]
}

describe('configure', () => {
  it('creates connections and sources, and applying the same file again writes nothing', async () => {
    const created = await apply(fileWith())
    const before = await contents()
    const again = await apply(fileWith())

    expect(created.map((c) => [c.kind, c.name, c.action])).toEqual([
      ['connection', 'contoso', 'create'],
      ['source', 'staff', 'create'],
    ])
    expect(again.map((c) => [c.action, c.changes])).toEqual([
      ['unchanged', []],
      ['unchanged', []],
    ])
    expect(await contents()).toEqual(before)
  })

  it('reads a source back as the file said it, with its connection resolved', async () => {
    const file = fileWith({ staff: { safeguard: 'off', schedule: { delta: 'none' }, groups: { under: 'Entra ID' } } })
    await apply(file)

    const source = await requireSource(test.db, 'staff')

    expect(source.settings).toEqual(file.sources.staff)
    expect(source.connection).toMatchObject({
      name: 'contoso',
      tenantId: ID,
      cloud: 'global',
      authorityUrl: 'https://login.microsoftonline.com',
      graphUrl: 'https://graph.microsoft.com',
    })
    await apply(fileWith())
  })

  it('a changed mapping marks everybody and raises the version; what only decides when to run does not', async () => {
    await test.db.query('update sources set marked_all = false, fence = 7')
    const { settingsVersion } = await requireSource(test.db, 'staff')

    const schedule = await apply(fileWith({ staff: { schedule: { full: '0 4 * * *' }, enabled: false } }))
    const unmarked = await requireSource(test.db, 'staff')
    const mapping = await apply(fileWith({ staff: { users: { options: { lowercaseUserNames: true } } } }))
    const marked = await requireSource(test.db, 'staff')

    expect(schedule[1]).toMatchObject({ action: 'change', replans: false })
    expect(unmarked).toMatchObject({ settingsVersion, markedAll: false, enabled: false })
    expect(mapping[1]).toMatchObject({
      action: 'change',
      replans: true,
      changes: expect.arrayContaining([{ at: 'users.options.lowercaseUserNames', old: false, new: true }]),
    })
    expect(marked).toMatchObject({ settingsVersion: settingsVersion + 1, markedAll: true, markedAllAt: 7 })
  })

  it('enabled again, a source plans everybody: while it was not, another may have dropped its people', async () => {
    await apply(fileWith({ staff: { enabled: false } }))
    await test.db.query('update sources set marked_all = false')
    await apply(fileWith())
    expect(await requireSource(test.db, 'staff')).toMatchObject({ enabled: true, markedAll: true })
  })

  it('an omitted key means the default again', async () => {
    await apply(fileWith({ staff: { priority: 5, users: { guests: 'ignore' } } }))
    await apply(fileWith())

    expect(await requireSource(test.db, 'staff')).toMatchObject({
      priority: 100,
      settings: { users: { guests: 'import' } },
    })
  })

  it('O2: replaces a secret only when its value differs, and never tells or stores it in the open', async () => {
    const { id } = await requireConnection(test.db, 'contoso')
    const before = await listCredentials(test.db, id)

    const same = await apply(fileWith(), { credentials: [secret('first')] })
    const other = await apply(fileWith(), { credentials: [secret('second-value')] })

    expect(same[0]?.action).toBe('unchanged')
    expect(other[0]).toMatchObject({
      action: 'change',
      changes: [{ at: 'clientSecret', old: '(sealed)', new: '(sealed)' }],
    })
    expect(before).toHaveLength(1)
    expect(await openCredentials(test.db, { connectionId: id, vault })).toMatchObject([
      { kind: 'secret', secret: 'second-value' },
    ])
    expect(JSON.stringify([other, await contents()])).not.toContain('second-value')
    const { rows } = await test.db.query<{ n: number }>(
      `select count(*) as n from connection_credentials where position('second-value'::bytea in sealed) > 0`,
    )
    expect(rows[0]?.n).toBe(0)
  })

  it('O2: keeps a secret and a certificate side by side and drops the one that the file no longer names', async () => {
    const certificate: WantedCredential = {
      kind: 'certificate',
      value: 'pem',
      thumbprint: 'AB12',
      expiresAt: new Date('2030-01-01T00:00:00Z'),
    }
    await apply(fileWith(), { credentials: [secret('second-value'), certificate] })
    const { id } = await requireConnection(test.db, 'contoso')
    const both = (await openCredentials(test.db, { connectionId: id, vault })).map((c) => c.kind)
    const dropped = await apply(fileWith(), { credentials: [certificate] })

    expect(both.sort()).toEqual(['certificate', 'secret'])
    expect(dropped[0]?.changes).toEqual([{ at: 'clientSecret', old: '(sealed)', new: undefined }])
    expect((await openCredentials(test.db, { connectionId: id, vault })).map((c) => c.kind)).toEqual(['certificate'])
  })

  it('a dry run tells the same and writes nothing', async () => {
    const before = await contents()
    const file = fileWith({
      connection: { signInWithMicrosoft: true },
      sources: { pupils: { connection: 'contoso' } },
    })

    const told = await apply(file, { dryRun: true, prune: true, credentials: [secret('third')] })

    expect(told.map((c) => [c.kind, c.name, c.action])).toEqual([
      ['connection', 'contoso', 'change'],
      ['source', 'pupils', 'create'],
      ['source', 'staff', 'remove'],
    ])
    expect(await contents()).toEqual(before)
  })

  it('without prune what the file lacks stays', async () => {
    await apply(fileWith({ sources: { pupils: { connection: 'contoso' } } }))

    expect((await listSources(test.db)).map((s) => s.name)).toEqual(['pupils', 'staff'])
  })

  it('O6: a pruned source leaves its people, groups, memberships and history as they are', async () => {
    const { id } = await requireSource(test.db, 'staff')
    await test.db.query(
      `insert into groups (id, tenant_id, object_id, source_id, name) values (901, $1, $1, $2, 'Staff')`,
      [ID, id],
    )
    await test.db.query(
      `insert into users (id, tenant_id, object_id, source_id, user_name) values (902, $1, $1, $2, 'ada@example.com')`,
      [ID, id],
    )
    await test.db.query(`insert into user_names values (902, 'n', 'ada@example.com', 'ada@example.com', 's', true)`)
    await test.db.query(
      `insert into credentials (user_id, kind, lookup, origin, held) values (902, 'card', '\\x01', 's', true)`,
    )
    await test.db.query('insert into memberships values (901, 902, $1, 1)', [id])
    await test.db.query('insert into claims values (902, $1)', [id])
    const mirror = await test.db.query<{ key: number }>(
      `insert into mirror_objects (source_id, object_id, kind, state) values ($1, gen_random_uuid(), 'g', 'l'),
         ($1, gen_random_uuid(), 'u', 'l') returning key`,
      [id],
    )
    const [group, user] = mirror.rows.map((row) => row.key)
    await test.db.query('insert into mirror_members values ($1, $2)', [group, user])
    await test.db.query(
      `insert into runs (source_id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started,
         settings_version) values ($1, 'staff', 'sync', 'full', 'manual', 'ended', 'applied', 1, 'h', 1, 'x', 1)`,
      [id],
    )
    await test.db.query(
      `insert into plan_items (run_id, seq, object, action, user_id, rule, reason)
         select id, 1, 'user', 'create', 902, 'users.import', 'new' from runs`,
    )

    const told = await apply(fileWith({ sources: { pupils: { connection: 'contoso' } } }), { prune: true })

    expect(told.at(-1)).toMatchObject({ kind: 'source', name: 'staff', action: 'remove' })
    const { rows } = await test.db.query(`
      select (select jsonb_build_array(source_id, active, user_name, object_id) from users where id = 902) as "user",
             (select jsonb_build_array(source_id, hidden, name) from groups where id = 901) as "group",
             (select count(*) from memberships where user_id = 902) as memberships,
             (select count(*) from user_names where user_id = 902 and held and origin = 's') as names,
             (select count(*) from credentials where user_id = 902 and held) as cards,
             (select count(*) from claims) as claims,
             (select count(*) from mirror_objects) as objects,
             (select count(*) from mirror_members) as members,
             (select count(*) from runs where source_id is null and source_name = 'staff') as runs,
             (select count(*) from plan_items) as items`)
    expect(rows[0]).toEqual({
      user: [null, true, 'ada@example.com', ID],
      group: [null, false, 'Staff'],
      memberships: 1,
      names: 1,
      cards: 1,
      claims: 0,
      objects: 0,
      members: 0,
      runs: 1,
      items: 1,
    })
  })

  it('prune removes a connection that neither the file nor a source needs any more', async () => {
    const told = await configure(test.db, {
      vault,
      wanted: { connections: new Map(), sources: new Map() },
      prune: true,
      dryRun: false,
      clock: systemClock,
      actor: { kind: 'command line', name: 'test' },
    })

    expect(told.map((c) => [c.kind, c.name, c.action])).toEqual([
      ['source', 'pupils', 'remove'],
      ['connection', 'contoso', 'remove'],
    ])
    expect(await contents()).toEqual({ connections: null, credentials: null, sources: null })
  })
})
