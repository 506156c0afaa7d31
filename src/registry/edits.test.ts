// Connections and sources changed one at a time: what is kept, refused and audited.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import type { PlainConnection } from '../contract/connection-settings.ts'
import { sourceSettings } from '../contract/sources.ts'
import { parseTenantId } from '../directory/ids.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, verifyAudit } from './audit.ts'
import { configure } from './configuration.ts'
import { listCredentials, openCredentials, requireConnection } from './connections.ts'
import { changeConnection, createConnection, removeConnection } from './edit-connections.ts'
import { changeSource, createSource, removeSource } from './edit-sources.ts'
import type { WantedConnection, WantedCredential } from './put-connection.ts'
import { listSources, requireSource } from './sources.ts'

const ID = parseTenantId('11111111-2222-3333-4444-555555555555')!
const OTHER = parseTenantId('99999999-2222-3333-4444-555555555555')!
const ann: Actor = { kind: 'account', name: 'ann', id: 1 }

let test: TestDatabase
let vault: Vault

beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.db.query('delete from sources')
  await test.db.query('delete from connections')
  await test.db.query('delete from audit')
  await test.db.query(`update audit_head set last_id = 0, digest = ''`)
})

const editing = () => ({ vault, clock: systemClock, actor: ann })
const secret = (value: string): WantedCredential => ({ kind: 'secret', value, thumbprint: null, expiresAt: null })
const certificate: WantedCredential = {
  kind: 'certificate',
  value: 'PEM',
  thumbprint: 'AB12',
  expiresAt: new Date('2027-01-01T00:00:00Z'),
}
const wanted = (more: Partial<PlainConnection> = {}, credentials = [secret('the-first-secret')]): WantedConnection => ({
  settings: {
    tenantId: ID,
    clientId: ID,
    cloud: 'global',
    signInWithMicrosoft: false,
    passwordsAtTerminals: false,
    ...more,
  },
  credentials,
})
const settings = (more: object = {}) => sourceSettings.parse({ connection: 'contoso', ...more })

async function audited() {
  const { rows } = await test.db.query<{ actor: string; action: string; subject: string; details: string }>(
    'select actor_name as actor, action, subject, details from audit order by id',
  )
  return rows.map((row) => ({ ...row, details: JSON.parse(row.details) as unknown }))
}

async function opened(): Promise<readonly unknown[]> {
  const { id } = await requireConnection(test.db, 'contoso')
  return openCredentials(test.db, { connectionId: id, vault })
}

const create = (more?: Partial<PlainConnection>, credentials?: WantedCredential[]) =>
  createConnection(test.db, { ...editing(), name: 'contoso', wanted: wanted(more, credentials) })
const change = (more?: Partial<PlainConnection>, credentials: WantedCredential[] = []) =>
  changeConnection(test.db, { ...editing(), name: 'contoso', wanted: wanted(more, credentials) })

describe('a connection', () => {
  it('is made with its secret sealed, and the audit knows who, what and no secret', async () => {
    await create()

    expect(await opened()).toMatchObject([{ kind: 'secret', secret: 'the-first-secret' }])
    expect(await audited()).toEqual([
      {
        actor: 'ann',
        action: 'connection.create',
        subject: 'connection contoso',
        details: {
          changes: [
            { at: 'tenantId', new: ID },
            { at: 'clientId', new: ID },
            { at: 'cloud', new: 'global' },
            { at: 'signInWithMicrosoft', new: false },
            { at: 'passwordsAtTerminals', new: false },
            { at: 'clientSecret', new: '(sealed)' },
          ],
        },
      },
    ])
    expect(JSON.stringify(await audited())).not.toContain('the-first-secret')
    expect(await verifyAudit(test.db, vault)).toMatchObject({ isWhole: true, entries: 1 })
  })

  it('keeps credentials that are not given, and a new one replaces the one of its kind', async () => {
    await create({}, [secret('the-first-secret'), certificate])
    await change({ signInWithMicrosoft: true })
    const kept = await opened()
    await change({ signInWithMicrosoft: true }, [secret('the-second-secret')])

    expect(kept).toHaveLength(2)
    expect(await opened()).toMatchObject([
      { kind: 'secret', secret: 'the-second-secret' },
      { kind: 'certificate', pem: 'PEM' },
    ])
    expect((await audited()).slice(1)).toMatchObject([
      { action: 'connection.change', details: { changes: [{ at: 'signInWithMicrosoft', old: false, new: true }] } },
      { details: { changes: [{ at: 'clientSecret', old: '(sealed)', new: '(sealed)' }] } },
    ])
  })

  it('changed to what it is writes nothing, nor into the audit', async () => {
    await create()
    const before = await listCredentials(test.db, (await requireConnection(test.db, 'contoso')).id)
    await change()
    await change({}, [secret('the-first-secret')])

    expect(await listCredentials(test.db, (await requireConnection(test.db, 'contoso')).id)).toEqual(before)
    expect(await audited()).toHaveLength(1)
  })

  it('does not send the secret on file to other addresses than it was given for', async () => {
    await create()
    const elsewhere = {
      cloud: 'custom' as const,
      authorityUrl: 'https://login.evil.example',
      graphUrl: 'https://graph.evil.example',
    }

    await expect(change(elsewhere)).rejects.toMatchObject({ problems: [{ at: 'clientSecret' }] })
    await expect(change({ cloud: 'usGov' })).rejects.toMatchObject({ problems: [{ at: 'clientSecret' }] })
    await expect(
      configure(test.db, {
        ...editing(),
        wanted: { connections: new Map([['contoso', wanted(elsewhere, [])]]), sources: new Map() },
        prune: false,
        dryRun: false,
      }),
    ).rejects.toMatchObject({ problems: [{ at: 'connections.contoso.clientSecret' }] })
    expect((await requireConnection(test.db, 'contoso')).cloud).toBe('global')

    await change(elsewhere, [secret('another')])
    expect((await requireConnection(test.db, 'contoso')).graphUrl).toBe('https://graph.evil.example')
  })

  it('may name another tenant and application; what that means the safeguard judges', async () => {
    await create()
    await change({ tenantId: OTHER, clientId: OTHER })

    expect((await audited())[1]?.details).toEqual({
      changes: [
        { at: 'tenantId', old: ID, new: OTHER },
        { at: 'clientId', old: ID, new: OTHER },
      ],
    })
  })

  it('is not made twice, also by two at once', async () => {
    const ended = await Promise.allSettled([create(), create()])

    expect(ended.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(create()).rejects.toMatchObject({ problems: [{ at: 'name' }] })
    expect(await audited()).toHaveLength(1)
  })

  it('goes with its credentials, but not while a source is fed by it', async () => {
    await create()
    await createSource(test.db, { ...editing(), name: 'staff', settings: settings() })
    const remove = () => removeConnection(test.db, { ...editing(), name: 'contoso' })

    await expect(remove()).rejects.toMatchObject({
      code: 'connection-in-use',
      message: expect.stringContaining('"staff"'),
    })
    await removeSource(test.db, { ...editing(), name: 'staff' })
    await remove()

    const { rows } = await test.db.query('select 1 from connection_credentials')
    expect(rows).toEqual([])
    await expect(remove()).rejects.toMatchObject({ code: 'not-found' })
    expect((await audited()).map((row) => [row.action, row.subject])).toEqual([
      ['connection.create', 'connection contoso'],
      ['source.create', 'source staff'],
      ['source.remove', 'source staff'],
      ['connection.remove', 'connection contoso'],
    ])
  })

  it('E16: a change that cannot be audited does not happen', async () => {
    await test.db.query('alter table audit_head rename to audit_away')
    await expect(create()).rejects.toThrow('audit_head')
    await test.db.query('alter table audit_away rename to audit_head')

    await expect(requireConnection(test.db, 'contoso')).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('a source', () => {
  beforeEach(() => create())
  const changeIt = (more: object, newName = 'staff') =>
    changeSource(test.db, { ...editing(), name: 'staff', newName, settings: settings(more) })

  it('is made, changed, renamed and removed, each told to the audit by what differs', async () => {
    await createSource(test.db, { ...editing(), name: 'staff', settings: settings() })
    await changeIt({ users: { guests: 'ignore' } })
    await changeIt({ users: { guests: 'ignore' } }, 'people')

    expect((await listSources(test.db)).map((source) => source.name)).toEqual(['people'])
    expect((await audited()).slice(2)).toMatchObject([
      {
        action: 'source.change',
        subject: 'source staff',
        details: { changes: [{ at: 'users.guests', old: 'import', new: 'ignore' }] },
      },
      {
        action: 'source.change',
        subject: 'source staff',
        details: { changes: [{ at: 'name', old: 'staff', new: 'people' }] },
      },
    ])
  })

  it('renamed keeps its id, and everybody of the tenant is planned anew: of equal priorities the name decides', async () => {
    await createSource(test.db, { ...editing(), name: 'staff', settings: settings() })
    await createSource(test.db, { ...editing(), name: 'other', settings: settings() })
    await test.db.query('update sources set marked_all = false')
    const { id } = await requireSource(test.db, 'staff')
    await changeIt({}, 'a-staff')

    expect(await requireSource(test.db, 'a-staff')).toMatchObject({ id, markedAll: true })
    expect(await requireSource(test.db, 'other')).toMatchObject({ markedAll: true })
  })

  it('is refused with all of what only the database and the calendar know', async () => {
    await createSource(test.db, { ...editing(), name: 'staff', settings: settings() })

    await expect(
      createSource(test.db, {
        ...editing(),
        name: 'staff',
        settings: settings({ connection: 'fabrikam', timezone: 'Mars', schedule: { delta: 'often' } }),
      }),
    ).rejects.toMatchObject({
      problems: [{ at: 'name' }, { at: 'connection' }, { at: 'timezone' }, { at: 'schedule.delta' }],
    })
    await expect(changeIt({ connection: 'fabrikam' })).rejects.toMatchObject({ problems: [{ at: 'connection' }] })
    expect(await audited()).toHaveLength(2)
  })

  it('takes the name of another one not even by two at once', async () => {
    for (const name of ['one', 'two']) await createSource(test.db, { ...editing(), name, settings: settings() })
    const rename = (name: string) =>
      changeSource(test.db, { ...editing(), name, newName: 'three', settings: settings() })
    const ended = await Promise.allSettled([rename('one'), rename('two')])

    expect(ended.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await listSources(test.db)).toHaveLength(2)
  })
})
