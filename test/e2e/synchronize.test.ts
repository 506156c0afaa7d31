// From an endpoint given as `cloud: custom` to what other systems read, through the command line alone.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../../src/emulator/memberships.ts'
import { disable, hire, remove, rename, restore, update } from '../../src/emulator/operations.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import type { DirectoryObject } from '../../src/emulator/object.ts'
import type { Json } from '../support/emulated.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { expectedFrom, MAPPING } from '../support/expected.ts'
import { callMuster, documentOf, type MusterResult } from '../support/muster.ts'

let test: TestDatabase
let home: string
let emulator: Emulator
let contoso: HostedTenant
let graphUrl: string

beforeAll(async () => {
  test = await createTestDatabase()
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-e2e-`))
  emulator = new Emulator({ seed: 3, signingCertificate: createSigningCertificate(systemClock.now()) })
  const size = { users: 300, groups: 40, memberships: 1_500, seed: 11 }
  contoso = emulator.host(generateTenant({ ...size, clock: emulator.clock }))
  graphUrl = (await emulator.listen()).graphUrl
  await writeFile(join(home, 'secret'), contoso.clientSecret)
  await writeFile(join(home, 'muster.yaml'), JSON.stringify(configuration()))
})
afterAll(async () => {
  await emulator.stop()
  await test.drop()
  await rm(home, { recursive: true })
})

function configuration(source: object = MAPPING): object {
  const { tenantId, clientId } = contoso
  return {
    connections: {
      contoso: {
        tenantId,
        clientId,
        clientSecret: { file: 'secret' },
        cloud: 'custom',
        authorityUrl: graphUrl,
        graphUrl,
      },
    },
    sources: { staff: { connection: 'contoso', ...source } },
  }
}

function muster(...args: string[]): Promise<MusterResult> {
  return callMuster([...args, '--home', home, '--database-url', test.url])
}

/** Runs a command that must succeed, and answers its document. */
async function must(...args: string[]): Promise<Json> {
  const result = await muster(...args, '--json')
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return documentOf(result)
}

type Kind = 'users' | 'groups' | 'memberships'

/** The registry's rows as `muster export` writes them, through the command line. */
async function exported(kind: Kind): Promise<Json[]> {
  const result = await muster('export', kind, '--format', 'ndjson')
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return parseLines(result.stdout)
}

function parseLines(lines: string): Json[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

const byObjectId = (a: { objectId: string }, b: { objectId: string }) => (a.objectId < b.objectId ? -1 : 1)

/** The registry as other systems read it, in the form of what the tenant implies. */
async function registry(): Promise<unknown> {
  const users = (await exported('users'))
    .filter((user) => user.active)
    .map(({ id: _id, active: _active, source, tenantId, ...user }) => {
      expect({ source, tenantId }).toEqual({ source: 'staff', tenantId: contoso.tenantId })
      return user
    })
  const groups = (await exported('groups')).map(({ objectId, name, path }) => ({ objectId, name, path }))
  const memberships = (await exported('memberships')).map((m) => `${m.groupObjectId} ${m.userObjectId}`)
  return { users: users.sort(byObjectId), groups: groups.sort(byObjectId), memberships: memberships.sort() }
}

function person(index: number): DirectoryObject {
  const people = [...contoso.tenant.live('user')].filter(
    (user) => user.properties['accountEnabled'] === true && user.properties['userType'] === 'Member',
  )
  return people[index]!
}

function isActiveWithCapitals({ properties }: DirectoryObject): boolean {
  return properties['accountEnabled'] !== false && /[A-Z]/.test(String(properties['userPrincipalName']))
}

describe('a tenant behind a custom endpoint', () => {
  it('apply, plan and sync make exactly the registry that the tenant implies', async () => {
    const applied = await must('apply', '-f', join(home, 'muster.yaml'))
    const planned = await must('plan', 'staff')
    const nothingYet = await registry()
    const synced = await must('sync', 'staff')

    const expected = expectedFrom(contoso.tenant)
    expect(applied['changes'].map((c: { action: string }) => c.action)).toEqual(['create', 'create'])
    expect(planned).toMatchObject({ outcome: 'planned', mode: 'full', users: { created: expected.users.length } })
    expect(nothingYet).toEqual({ users: [], groups: [], memberships: [] })
    expect(synced).toMatchObject({
      outcome: 'applied',
      source: 'staff',
      error: null,
      users: { created: expected.users.length },
      groups: { created: expected.groups.length },
      memberships: { added: expected.memberships.length, removed: 0 },
    })
    expect(await registry()).toEqual(expected)
  })

  it('S4: running again asks Graph two things and changes nothing', async () => {
    const before = await registry()

    const again = await must('sync', 'staff')

    expect(again).toMatchObject({ outcome: 'no-change', mode: 'delta', graph: { requests: 2 } })
    expect(await registry()).toEqual(before)
  })

  it('changes in the tenant arrive by delta, each as what it is', async () => {
    const { tenant } = contoso
    const [renamed, left, disabled, moved] = [person(3), person(5), person(7), person(9)]
    const oldName = String(renamed.properties['userPrincipalName'])
    const ada = hire(tenant, {
      displayName: 'Ada Lovelace',
      userPrincipalName: 'ada.lovelace@contoso.com',
      mail: 'ada.lovelace@contoso.com',
      employeeId: 'ADA-1',
      onPremisesExtensionAttributes: { extensionAttribute5: 'AD:A0:00:01' },
    })
    const group = createGroup(tenant, { displayName: 'Analysts | engines' })
    addMember(tenant, group.id, ada.id)
    addMember(tenant, group.id, moved.id)
    rename(tenant, renamed.id, 'brand.new.name@contoso.com')
    update(tenant, moved.id, { department: null, mobilePhone: '+420 777 000 111' })
    remove(tenant, left.id)
    disable(tenant, disabled.id)
    renameGroup(tenant, [...tenant.live('group')][0]!.id, 'Renamed in Entra')

    const synced = await must('sync', 'staff')

    expect(synced).toMatchObject({
      outcome: 'applied',
      mode: 'delta',
      users: { created: 1, renamed: 1, deactivated: 2 },
      groups: { created: 1, renamed: 1 },
    })
    const { users, ...rest } = expectedFrom(tenant)
    // The kept old user name is the registry's own doing and no part of what the tenant implies.
    const withOldName = users.map((user) =>
      user.objectId === renamed.id ? { ...user, aliases: [...user.aliases, oldName].sort() } : user,
    )
    expect(await registry()).toEqual({ ...rest, users: withOldName })
  })

  it('a full compare after that finds nothing to do', async () => {
    const full = await must('sync', 'staff', '--full')

    expect(full).toMatchObject({ outcome: 'no-change', mode: 'full' })
  })

  it('a full compare while somebody is in the recycle bin, then a restore, brings back every membership', async () => {
    const { tenant } = contoso
    const away = [...tenant.live('user')].find(
      (u) => u.memberOf.length >= 3 && u.properties['accountEnabled'] === true,
    )!
    const before = (await exported('users')).find((user) => user['objectId'] === away.id)
    remove(tenant, away.id)
    await must('sync', 'staff')
    await must('sync', 'staff', '--full')
    const gone = (await exported('memberships')).filter((m) => m['userObjectId'] === away.id)
    restore(tenant, away.id)

    await must('sync', 'staff')

    expect(gone).toEqual([])
    expect((await exported('users')).find((user) => user['objectId'] === away.id)).toEqual(before)
  })

  it('a changed setting is previewed, then reaches everybody without being asked for from Microsoft anew', async () => {
    const changed = join(home, 'lower.yaml')
    const lower = {
      ...MAPPING,
      users: { ...MAPPING.users, options: { lowercaseUserNames: true, keepOldUserName: false } },
    }
    await writeFile(changed, JSON.stringify(configuration({ ...lower, safeguard: 'off' })))
    rename(contoso.tenant, person(20).id, 'MiXeD.CaSe@contoso.com')
    await must('sync', 'staff')

    const renamed = [...contoso.tenant.live('user')].filter(isActiveWithCapitals).length
    const preview = await must('apply', '-f', changed, '--dry-run')
    await must('apply', '-f', changed)
    const synced = await must('sync', 'staff')

    expect(preview['plans']).toHaveLength(1)
    expect(preview['plans'][0]).toMatchObject({
      source: 'staff',
      outcome: 'planned',
      users: { renamed },
    })
    expect(synced).toMatchObject({ outcome: 'applied', users: { renamed }, graph: { requests: 2 } })
    expect((await exported('users')).some((user) => user['userName'] === 'mixed.case@contoso.com')).toBe(true)
  })

  it('removing a member is a membership removed and nothing else', async () => {
    const { tenant } = contoso
    const group = [...tenant.live('group')].find((g) => g.members.some((no) => tenant.at(no).kind === 'user'))!
    const member = group.members
      .map((no) => tenant.at(no))
      .find((m) => m.kind === 'user' && m.presence === 'live' && m.properties['accountEnabled'] === true)!
    removeMember(tenant, group.id, member.id)

    const synced = await must('sync', 'staff')

    expect(synced).toMatchObject({ outcome: 'applied', memberships: { added: 0, removed: 1 }, users: { updated: 0 } })
  })

  it('exports as JSON and CSV carry the same people', async () => {
    const people = await must('export', 'users')
    const csv = await muster('export', 'users', '--format', 'csv')
    const myq = await muster('export', 'users', '--csv-dialect', 'myq')

    const { parse } = await import('csv-parse/sync')
    const rows: Record<string, string>[] = parse(csv.stdout, { columns: true, record_delimiter: '\r\n' })
    expect(rows.map((row) => row['objectId'])).toEqual(people.map((user: Json) => user['objectId']))
    expect(rows.map((row) => row['cards'])).toEqual(people.map((user: Json) => user['cards'].join(';')))
    const lines: string[][] = parse(myq.stdout, { record_delimiter: '\r\n' })
    expect(lines[0]).toEqual([
      'FULLNAME',
      'USERNAME_ALIASES',
      'EMAIL',
      'CARDS',
      'GROUPS',
      'CODE',
      'SCANSTORAGE',
      'PIN',
      'AUTHSERVER',
    ])
    expect(lines).toHaveLength(people.filter((user: Json) => user['active']).length + 1)
    expect(lines.slice(1).every((line) => line[7] === '')).toBe(true)
  })
})
