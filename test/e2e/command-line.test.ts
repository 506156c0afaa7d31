// The command line as a process of its own: exit codes, one JSON document, no terminal, Ctrl-C.
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { runDocument } from '../../src/contract/runs.ts'
import { addCertificate } from '../../src/emulator/applications.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { disable, enable, remove } from '../../src/emulator/operations.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import type { Json } from '../support/emulated.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  callMuster,
  documentOf,
  type MusterOptions,
  type MusterResult,
  runMuster,
  startMuster,
} from '../support/muster.ts'

let test: TestDatabase
let home: string
let emulator: Emulator
let contoso: HostedTenant
let graphUrl: string

beforeAll(async () => {
  test = await createTestDatabase()
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-cli-`))
  emulator = new Emulator({ seed: 5, signingCertificate: createSigningCertificate(systemClock.now()) })
  contoso = emulator.host(generateTenant({ users: 60, groups: 6, memberships: 150, seed: 4, clock: emulator.clock }))
  graphUrl = (await emulator.listen()).graphUrl
  await writeFile(join(home, 'contoso.secret'), contoso.clientSecret)
  await writeFile(join(home, 'muster.yaml'), configuration())
  await must('apply', '-f', join(home, 'muster.yaml'))
})
afterAll(async () => {
  await emulator.stop()
  await test.drop()
  await rm(home, { recursive: true })
})

function configuration(
  sources: object = { staff: { connection: 'contoso' }, off: { connection: 'contoso', enabled: false } },
): string {
  const { tenantId, clientId } = contoso
  const clientSecret = { file: 'contoso.secret' }
  const connection = { tenantId, clientId, clientSecret, cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  return JSON.stringify({ connections: { contoso: connection }, sources })
}

function environment(): Record<string, string> {
  return { MUSTER_HOME: home, MUSTER_DATABASE_URL: test.url }
}

/** As a process of its own. */
function spawned(args: readonly string[], options: MusterOptions = {}): Promise<MusterResult> {
  return runMuster(args, { ...options, env: environment() })
}

/** In this process. */
function muster(args: readonly string[]): Promise<MusterResult> {
  return callMuster(args.length === 0 ? args : [...args, '--home', home, '--database-url', test.url])
}

async function must(...args: string[]): Promise<Json> {
  const result = await muster([...args, '--json'])
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return documentOf(result)
}

/** The document of a command that must end with this code; checks that standard output carries nothing else. */
async function ends(code: number, args: readonly string[]): Promise<Json> {
  const result = await muster([...args, '--json'])
  expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: '' })
  return documentOf(result)
}

/** Waits until a run is under way. */
async function running(): Promise<void> {
  const sql = `select 1 from runs where state = 'running'`
  while ((await test.db.query(sql)).rowCount === 0) await systemClock.sleep(20)
}

/** The exit code of a started process, and what it printed. */
async function ended(child: ReturnType<typeof startMuster>): Promise<MusterResult> {
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout: await stdout, stderr: await stderr }
}

describe('usage', () => {
  it('2: what is misused is told on standard error, with --json as a document, and nothing is done', async () => {
    const misuses = [
      [[], 'Usage: muster'],
      [['synchronise'], "unknown command 'synchronise'"],
      [['sync'], "missing required argument 'source'"],
      [['sync', 'staff', '--fast'], "unknown option '--fast'"],
      [['approve', 'x', '--hash', 'h', '--reason', 'r'], 'A run has a number'],
      [['approve', '4711', '--hash', 'abcdefabcdef', '--reason', ' '], 'Say why in some words'],
      [['reject', '4711', '--reason', ''], 'Say why in some words'],
      [['revert', '4711', '--reason', '\t'], 'Say why in some words'],
      [['runs', '1', '--action', 'deactivat'], 'Allowed choices are create, adopt, take over'],
      [['plan', 'staff', '--action', 'add members'], 'Allowed choices are create, adopt, take over'],
      [['settings', 'staff', 'first'], 'Saved settings have a number'],
      [['settings', 'staff', '--restore'], '--restore needs the number'],
      [['settings', 'staff', '1', '--dry-run'], '--dry-run goes with --restore'],
      [['export', 'printers'], 'Allowed choices are users, groups, memberships'],
      [['export', 'groups', '--csv-dialect', 'myq'], 'is a layout of users'],
      [['sync', 'nobody'], 'There is no source "nobody"; there is "off", "staff"'],
      [['issues', '--source', 'nobody'], 'There is no source "nobody"; there is "off", "staff"'],
      [['runs', '--source', 'nobody'], 'There is no source "nobody"; there is "off", "staff"'],
      [['emulator', '--users', '3', '--groups', '2', '--memberships', '7'], '3 users in 2 groups have room for 6'],
      [['check', 'nobody'], 'There is no connection "nobody"; there is "contoso"'],
      [['sync', 'off'], 'the source is disabled'],
      [['approve', '4711', '--hash', 'abcdefabcdef', '--reason', 'r'], 'There is no run "4711"'],
      [['apply', '-f', '/nowhere/muster.yaml'], 'there is no such file'],
    ] as const
    for (const [args, message] of misuses) {
      const plain = await muster(args)
      expect({ args, code: plain.code, stdout: plain.stdout }).toEqual({ args, code: 2, stdout: '' })
      expect(plain.stderr).toContain(message)
      expect(plain.stderr).not.toMatch(/\n +at /)
    }
    const codes = []
    for (const [args] of misuses.slice(1)) codes.push((await ends(2, args)).error.code)
    expect(new Set(codes)).toEqual(new Set(['usage', 'not-found', 'config-invalid']))
  })

  it('0: every command explains itself with an example', async () => {
    const { stdout, code } = await muster(['--help'])
    const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map((match) => match[1]!)

    expect(code).toBe(0)
    expect(commands).toEqual(
      expect.arrayContaining('demo emulator apply check plan sync approve reject cancel runs issues export'.split(' ')),
    )
    for (const command of commands.filter((name) => name !== 'help' && /^[a-z]+$/.test(name)).slice(0, 12)) {
      const help = await muster([command, '--help'])
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expect([command, help.stdout]).toEqual([command, expect.stringMatching(/\nExamples?:\n/)])
    }
  })

  it('works from any folder', async () => {
    const result = await spawned(['runs', '--json'], { cwd: '/' })

    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(documentOf(result)).toMatchObject({ runs: [] })
  })
})

describe('apply', () => {
  it('reads standard input, and tells every mistake at once', async () => {
    const input = JSON.stringify({
      connections: { contoso: { tenantId: 'x', clientId: 'y', clientSecret: 'z' } },
      sources: { staff: { connection: 'contoso', shedule: {} } },
    })

    const result = await spawned(['apply', '-f', '-', '--json'], { input })

    expect(result).toMatchObject({ code: 2, stderr: '' })
    const told: Json = documentOf(result)
    expect(told.error.problems.map((p: Json) => p.at)).toEqual([
      'connections.contoso.tenantId',
      'connections.contoso.clientId',
      'connections.contoso.clientSecret',
      'sources.staff.shedule',
    ])
  })

  it('tells schedules, time zones and certificates that cannot be used', async () => {
    await writeFile(join(home, 'no.pem'), 'no certificate')
    const input = JSON.stringify({
      connections: {
        other: { tenantId: contoso.tenantId, clientId: contoso.clientId, certificate: { file: join(home, 'no.pem') } },
      },
      sources: { staff: { connection: 'other', timezone: 'Moon', schedule: { delta: '* *' } } },
    })

    await writeFile(join(home, 'bad.json'), input)
    const told = await ends(2, ['apply', '-f', join(home, 'bad.json')])

    expect(told.error.problems.map((p: Json) => p.at)).toEqual([
      'sources.staff.timezone',
      'sources.staff.schedule.delta',
      'connections.other.certificate.file',
    ])
  })

  it('--prune without --yes names what would go and removes nothing', async () => {
    const less = join(home, 'less.yaml')
    await writeFile(less, configuration({ staff: { connection: 'contoso' } }))

    const refused = await muster(['apply', '-f', less, '--prune'])
    const unchanged = await must('apply', '-f', join(home, 'muster.yaml'))
    const removed = await ends(0, ['apply', '-f', less, '--prune', '--yes'])

    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('source off')
    expect(unchanged.changes.map((c: Json) => c.action)).toEqual(['unchanged', 'unchanged', 'unchanged'])
    expect(removed.changes.map((c: Json) => [c.name, c.action])).toEqual([
      ['contoso', 'unchanged'],
      ['staff', 'unchanged'],
      ['off', 'remove'],
    ])
    await must('apply', '-f', join(home, 'muster.yaml'))
  })

  it('says of a new source that it waits for its first synchronization', async () => {
    const more = join(home, 'more.yaml')
    const [staff, off] = [{ connection: 'contoso' }, { connection: 'contoso', enabled: false }]
    await writeFile(more, configuration({ staff, off, fresh: staff, asleep: off }))

    const made = await muster(['apply', '-f', more])
    const again = await muster(['apply', '-f', more])
    await must('apply', '-f', join(home, 'muster.yaml'), '--prune', '--yes')

    expect(made.stdout.match(/^\S+ waits for its first synchronization/gm)).toEqual([
      'fresh waits for its first synchronization',
    ])
    expect(again.stdout).toContain('Nothing to change.')
    expect(again.stdout).not.toContain('waits for')
  })
})

describe('a run', () => {
  it('0: without a terminal it prints a table for people, or exactly the document of the contract', async () => {
    const planned = runDocument.parse(await ends(0, ['plan', 'staff']))
    const synced = await spawned(['sync', 'staff'])
    const nothing = runDocument.parse(await ends(0, ['sync', 'staff']))

    expect(planned.outcome).toBe('planned')
    expect(synced).toMatchObject({ code: 0, stderr: '' })
    expect(synced.stdout).toContain('applied.')
    expect(synced.stdout).toContain('users created')
    expect(synced.stdout).not.toContain('\x1b')
    expect(nothing.outcome).toBe('no-change')
    expect((await must('runs')).runs.map((run: Json) => [run.kind, run.outcome])).toEqual([
      ['sync', 'no-change'],
      ['sync', 'applied'],
      ['plan', 'planned'],
    ])
  })

  it('S6: 3: a plan above the safeguard is held; it is rejected with a reason, or approved by its hash', async () => {
    const people = [...contoso.tenant.live('user')].filter((u) => u.properties['accountEnabled'] === true).slice(0, 12)
    for (const { id } of people) disable(contoso.tenant, id)

    const held = runDocument.parse(await ends(3, ['sync', 'staff']))
    const shown = await muster(['sync', 'staff'])
    const [superseding] = (await must('runs', '--limit', '1')).runs
    const late = await ends(1, [
      'approve',
      held.run,
      '--hash',
      held.planHash!,
      '--reason',
      'from the mail of yesterday',
    ])
    const nobody = await ends(2, ['runs', superseding.run, '--items', '--user', 'nobody@contoso.com'])
    const other = [...contoso.tenant.live('user')].find(({ id }) => !people.some((leaver) => leaver.id === id))
    const untouched = await muster(['runs', superseding.run, '--user', other!.id, '--action', 'delete'])
    const created = await muster(['plan', 'staff', '--action', 'create'])
    const wrong = await ends(1, ['approve', superseding.run, '--hash', '0123456789ab', '--reason', 'test'])
    const rejected = await ends(0, ['reject', superseding.run, '--reason', 'a mistake in Entra'])
    const again = runDocument.parse(await ends(3, ['sync', 'staff']))
    const approved = runDocument.parse(
      await ends(0, ['approve', again.run, '--hash', again.planHash!, '--reason', 'they left']),
    )
    const twice = await ends(1, ['approve', again.run, '--hash', again.planHash!, '--reason', 'again'])

    expect(held.held?.reasons).toEqual([{ rule: 'removals.users', count: 12, limit: expect.any(Number) }])
    expect(shown.code).toBe(3)
    expect(shown.stdout).toContain(`muster approve ${superseding.run} --hash ${superseding.planHash}`)
    expect(late.error.message).toMatch(`superseded already; run ${superseding.run} waits now`)
    expect(nobody.error.message).toContain('There is no user "nobody@contoso.com"')
    expect(untouched.stdout).toContain('The plan has no such items.')
    expect(created.stdout).not.toContain('user deactivate')
    expect(wrong.error.code).toBe('hash-mismatch')
    expect(rejected).toEqual({ run: superseding.run, decision: 'rejected' })
    expect(approved).toMatchObject({ outcome: 'applied', users: { deactivated: 12 } })
    expect(twice.error.code).toBe('already-decided')
    for (const { id } of people) enable(contoso.tenant, id)
    await must('sync', 'staff')
  })

  it('1: what Microsoft refuses is told in plain words, with the document of the run', async () => {
    const [secret] = contoso.app.secrets
    const { endDateTime } = secret!
    secret!.endDateTime = new Date(0).toISOString()

    const failed = runDocument.parse(await ends(1, ['sync', 'staff']))
    const shown = await muster(['sync', 'staff'])
    const checked = await ends(1, ['check', 'contoso'])
    secret!.endDateTime = endDateTime

    expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'auth-failed' } })
    expect(shown).toMatchObject({ code: 1, stderr: '' })
    expect(shown.stdout).toMatch(/expired/)
    expect(checked).toMatchObject({ ok: false })
    expect(checked.findings[0]).toMatchObject({ check: 'token', ok: false, remedy: expect.stringMatching(/secret/) })
    expect(JSON.stringify([failed, shown, checked])).not.toContain(contoso.clientSecret)
    expect(await ends(0, ['check', 'contoso'])).toMatchObject({ ok: true })
  })

  it('O2: a certificate is made by apply, written for Entra by check, and used beside the secret once it is uploaded', async () => {
    const file: Json = JSON.parse(configuration())
    file.connections.contoso.certificate = 'generate'
    const path = join(home, 'certificate.yaml')
    await writeFile(path, JSON.stringify(file))
    const applied = await must('apply', '-f', path)
    const again = await must('apply', '-f', path)
    await must('check', 'contoso', '--certificate', join(home, 'contoso.cer'))
    const pem = await readFile(join(home, 'contoso.cer'), 'utf8')
    const before = await ends(0, ['check', 'contoso'])
    addCertificate(contoso.app, emulator.random, pem)
    const after = await ends(0, ['check', 'contoso'])
    await must('apply', '-f', join(home, 'muster.yaml'))

    expect(applied.changes[0].changes).toMatchObject([{ at: 'certificate', new: '(made by Muster)' }])
    expect(again.changes[0].action).toBe('unchanged')
    expect(pem).not.toContain('PRIVATE')
    expect(JSON.stringify(before.findings)).toContain('is refused; another one works')
    expect(JSON.stringify(after.findings)).toContain('works and is used')
  })

  it('1: a run that failed tells what to do, as runs does', async () => {
    const roles = ['User.Read.All', 'GroupMember.Read.All']
    emulator.withdrawRoles(contoso.app, roles)
    const failed = await muster(['sync', 'staff', '--full'])
    const line = (await must('runs')).health.find(({ source }: Json) => source === 'staff')
    emulator.grantRoles(contoso.app, roles)

    expect(failed).toMatchObject({ code: 1, stderr: '' })
    expect(line.remedy).toContain('muster check contoso')
    expect(failed.stdout).toContain(`→ ${line.remedy}`)
    await must('sync', 'staff')
  })

  it('what is to be known about settings is told by apply, with and without --dry-run', async () => {
    const file = join(home, 'warned.yaml')
    const users = { properties: { pin: 'postalCode' }, options: { deactivateMissingUsers: false } }
    const sources = { staff: { connection: 'contoso' }, off: { connection: 'contoso', enabled: false, users } }
    await writeFile(file, configuration(sources))

    const shown = await muster(['apply', '-f', file, '--dry-run'])
    const previewed = await must('apply', '-f', file, '--dry-run')
    const applied = await must('apply', '-f', file)
    await must('apply', '-f', join(home, 'muster.yaml'))

    const places = ['sources.off.users.properties.pin', 'sources.off.users.options.deactivateMissingUsers']
    for (const { warnings } of [previewed, applied]) expect(warnings.map((w: Json) => w.at)).toEqual(places)
    for (const place of places) expect(shown.stdout).toContain(`! ${place}: `)
    expect(shown.stdout).toContain('User.Read.All')
    expect((await must('apply', '-f', join(home, 'muster.yaml'))).warnings).toEqual([])
  })

  it('G19: 2: an attribute that the tenant does not have is refused by apply, with and without --dry-run, and nothing is changed', async () => {
    const [badge, typo] = ['badge', 'bagde'].map((name) => `extension_${'b'.repeat(32)}_${name}`)
    const file = join(home, 'extension.yaml')
    const reading = (attribute: string | undefined) =>
      configuration({ staff: { connection: 'contoso', users: { properties: { own: { badge: attribute } } } } })
    contoso.tenant.behaviour.unregisteredExtensions = 'ignored'
    contoso.tenant.extensions.add(badge!)

    await writeFile(file, reading(typo))
    const tried = await ends(2, ['apply', '-f', file, '--dry-run'])
    const refused = await muster(['apply', '-f', file])
    await writeFile(file, reading(badge))
    const applied = await must('apply', '-f', file, '--dry-run')
    contoso.tenant.behaviour.unregisteredExtensions = 'taken'

    expect(tried.error.message).toContain(
      `sources.staff.users.properties.own.badge: Microsoft Entra has no attribute "${typo}"`,
    )
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(typo!) })
    expect(applied.warnings).toEqual([])
    expect((await must('apply', '-f', join(home, 'muster.yaml'))).changes.map((c: Json) => c.action)).toEqual(
      Array.from({ length: 3 }, () => 'unchanged'),
    )
  })

  it('G19: where Microsoft cannot be asked, apply saves, and says that it was not checked', async () => {
    const file = join(home, 'unchecked.yaml')
    const attribute = `extension_${'b'.repeat(32)}_badge`
    const reading = { connection: 'contoso', users: { properties: { own: { badge: attribute } } } }
    await writeFile(file, configuration({ staff: { connection: 'contoso' }, unchecked: reading }))
    emulator.withdrawRoles(contoso.app, ['User.Read.All'])

    const tried = await must('apply', '-f', file, '--dry-run')
    const applied = await muster(['apply', '-f', file])
    emulator.grantRoles(contoso.app, ['User.Read.All'])
    await must('apply', '-f', join(home, 'muster.yaml'), '--prune', '--yes')

    expect(tried.warnings).toMatchObject([{ at: 'sources.unchecked.users.properties.own.badge' }])
    expect(applied.code).toBe(0)
    expect(applied.stdout).toContain('+ source unchecked: created')
    expect(applied.stdout).toMatch(/! sources\.unchecked\.users\.properties\.own\.badge: .*was not checked.*403/)
  })

  it('75: a source that is being run is not run twice; 130: cancel ends it', async () => {
    emulator.latencyMs = 60_000
    const first = muster(['sync', 'staff', '--json'])
    await running()

    const busy = await ends(75, ['sync', 'staff', '--no-wait'])
    const [run] = (await must('runs', '--limit', '1')).runs
    await must('cancel', run.run)
    const cancelled = await first
    emulator.latencyMs = 0

    expect(busy.error.code).toBe('busy')
    expect(run.outcome).toBeNull()
    expect(cancelled).toMatchObject({ code: 130, stderr: '' })
    expect(runDocument.parse(documentOf(cancelled)).outcome).toBe('cancelled')
    expect((await must('runs', '--limit', '1')).runs[0]).toMatchObject({ run: run.run, outcome: 'cancelled' })
    const late = await ends(1, ['cancel', run.run])
    expect(late.error.code).toBe('not-running')
  })

  it('130: Ctrl-C cancels in an orderly way, and what follows finds everything as it was', async () => {
    remove(contoso.tenant, [...contoso.tenant.live('user')].at(-1)!.id)
    emulator.latencyMs = 60_000
    const child = startMuster(['sync', 'staff', '--json'], { env: environment() })
    const end = ended(child)
    await running()
    child.kill('SIGINT')
    const cancelled = await end
    emulator.latencyMs = 0

    expect(cancelled).toMatchObject({ code: 130, stderr: '' })
    expect(runDocument.parse(documentOf(cancelled)).outcome).toBe('cancelled')
    expect(await must('sync', 'staff')).toMatchObject({ outcome: 'applied', users: { deactivated: 1 } })
  })

  it('130: a second Ctrl-C ends the process at once, and the next run takes the source over', async () => {
    emulator.latencyMs = 60_000
    const child = startMuster(['sync', 'staff'], { env: environment() })
    const end = ended(child)
    await running()
    child.kill('SIGINT')
    child.kill('SIGTERM')
    const { code } = await end
    emulator.latencyMs = 0

    expect(code).toBe(130)
    expect(await must('sync', 'staff')).toMatchObject({ outcome: 'no-change' })
  })
})

describe('export', () => {
  it('writes a file that appears when it is complete and that its owner alone may read', async () => {
    const target = join(home, 'users.csv')

    const result = await muster(['export', 'users', '--format', 'csv', '--output', target])

    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect((await stat(target)).mode & 0o777).toBe(0o600)
    expect((await readFile(target, 'utf8')).split('\r\n')[0]).toBe(
      'id,userName,fullName,email,phone,language,department,personalNumber,aliases,cards,groups,active,source,tenantId,objectId',
    )
    expect((await readdir(home)).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  it('2: a file that cannot be written is told, and nothing is left behind', async () => {
    const result = await muster(['export', 'users', '--output', '/nowhere/users.json'])

    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain('/nowhere/users.json')
  })

  it('ends quietly when nobody reads on', async () => {
    const child = startMuster(['export', 'users'], { env: environment() })
    child.stdout.destroy()
    const stderr = text(child.stderr)
    const code = await new Promise((resolve) => child.on('close', resolve))

    expect({ code, stderr: await stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe('the audit', () => {
  it('tells which account of this machine ran, planned and exported what, and in the transaction of it', async () => {
    await must('sync', 'staff')
    const [somebody] = await must('export', 'users')
    const { rows: before } = await test.db.query<{ last: number }>('select coalesce(max(id), 0) as last from audit')
    const planned = await must('plan', 'staff')
    const synced = await must('sync', 'staff', '--full')
    await must('sync', 'staff', '--user', somebody.userName)
    await must('export', 'users')
    await callMuster(['export', 'groups', '--format', 'csv', '--home', home, '--database-url', test.url])
    await ends(2, ['sync', 'nobody'])

    const { rows } = await test.db.query<{
      kind: string
      name: string
      action: string
      subject: string
      details: string
    }>('select actor_kind as kind, actor_name as name, action, subject, details from audit where id > $1 order by id', [
      before[0]?.last,
    ])
    const who = { kind: 'command line', name: `${userInfo().username}@${hostname()}` }
    expect(rows.map(({ details, ...row }) => ({ ...row, details: JSON.parse(details) }))).toEqual([
      {
        ...who,
        action: 'run.start',
        subject: 'source staff',
        details: { kind: 'plan', full: false, run: planned.run },
      },
      { ...who, action: 'run.start', subject: 'source staff', details: { kind: 'sync', full: true, run: synced.run } },
      {
        ...who,
        action: 'run.start',
        subject: 'source staff',
        details: { kind: 'sync', full: false, one: true, run: String(Number(synced.run) + 1) },
      },
      { ...who, action: 'registry.export', subject: 'users', details: { format: 'json', csvDialect: 'muster' } },
      { ...who, action: 'registry.export', subject: 'groups', details: { format: 'csv', csvDialect: 'muster' } },
    ])
  })

  it('E16: without an audit nothing is begun', async () => {
    const { rows: before } = await test.db.query('select id from runs')
    await test.db.query('alter table audit_head rename to audit_away')
    try {
      await ends(1, ['sync', 'staff'])
      await ends(1, ['export', 'users'])
    } finally {
      await test.db.query('alter table audit_away rename to audit_head')
    }

    expect((await test.db.query('select id from runs')).rows).toEqual(before)
    await must('sync', 'staff')
  })
})

describe('sign-in-link', () => {
  it('prints a link for an account that may sign in, takes its second factor away where that is asked for, and is audited', async () => {
    await test.db.query(
      `with a as (insert into administrators (name, name_key, role, password, created_at) values ('Ann', 'ann', 'viewer', 'none', now()) returning id)
       insert into second_factors (administrator_id, sealed, confirmed_at) select id, '\\x00', now() from a`,
    )
    const link = await muster(['sign-in-link', 'Ann'])
    expect(link).toMatchObject({ code: 0, stderr: expect.stringContaining('No server was found running') })
    expect(link.stdout).toMatch(/^http:\/\/127\.0\.0\.1:8080\/link#[\w-]{43}\n$/)
    expect((await test.db.query('select 1 from second_factors')).rowCount).toBe(1)

    const { link: second } = await must('sign-in-link', 'ann', '--reset-second-factor')
    expect(`${second}\n`).not.toBe(link.stdout)
    expect((await test.db.query('select 1 from second_factors')).rowCount).toBe(0)
    const { rows } = await test.db.query<{ line: string }>(
      `select actor_kind || ' ' || action || ' ' || subject as line from audit order by id desc limit 3`,
    )
    expect(rows.map(({ line }) => line)).toEqual([
      'command line account.link administrator Ann',
      'command line second-factor.reset administrator Ann',
      'command line account.link administrator Ann',
    ])
    await ends(2, ['sign-in-link', 'nobody'])
    // There is none any more.
    await ends(2, ['sign-in-link', 'Ann', '--reset-second-factor'])
  })

  it('leads to a server that runs and can be reached from here, before what the settings say', async () => {
    await test.db.query(
      `insert into administrators (name, name_key, role, password, created_at) values ('Lea', 'lea', 'viewer', 'none', now())`,
    )
    const host = hostname()
    const base = async () => {
      const { code, stdout, stderr } = await muster(['sign-in-link', 'Lea', '--json'])
      const { link, isAssumed } = JSON.parse(stdout) as { link: string; isAssumed: boolean }
      expect([code, stderr]).toEqual([0, ''])
      return `${isAssumed ? 'assumed ' : ''}${link.slice(0, link.indexOf('/link#'))}`
    }
    const note = (at: string, url: string | null, ago: string) =>
      test.db.query(
        `insert into servers (id, host, pid, url, started_at, seen_at) values (gen_random_uuid(), $1, 7, $2, now(), now() - $3::interval)`,
        [at, url, ago],
      )
    await note(host, 'http://127.0.0.1:9001', '1 minute')
    await note(host, null, '0')
    await note('elsewhere', 'http://127.0.0.1:9002', '0')
    const none = await base()
    await note('elsewhere', 'https://muster.example', '0')
    const elsewhere = await base()
    await note(host, 'http://127.0.0.1:9003', '5 seconds')
    const here = await base()
    await test.db.query('delete from servers')

    expect({ none, elsewhere, here }).toEqual({
      none: 'assumed http://127.0.0.1:8080',
      elsewhere: 'https://muster.example',
      here: 'http://127.0.0.1:9003',
    })
  })
})

describe('emulator', () => {
  it('prints one line with everything that a connection needs, and ends with Ctrl-C', async () => {
    const child = startMuster(['emulator', '--users', '20', '--groups', '3', '--memberships', '10', '--tls'])
    const printed: Json = await new Promise((resolve) => {
      child.stdout.once('data', (chunk: Buffer) => resolve(JSON.parse(chunk.toString())))
    })
    child.kill('SIGINT')
    const { code } = await ended(child)

    expect(code).toBe(0)
    expect(Object.keys(printed).sort()).toEqual(
      'adminKey adminUrl authorityUrl caFile clientId clientSecret graphUrl tenantId'.split(' '),
    )
    expect(printed.graphUrl).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
  })
})

describe('demo', () => {
  it('--once ends by itself, leaves people, groups and cards to look at, and begins afresh the next time', async () => {
    const demoHome = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-demo-`))
    await chmod(demoHome, 0o700)
    const env = { MUSTER_HOME: demoHome }
    const first = await runMuster(['demo', '--once'], { env })
    const users = await callMuster(['export', 'users', '--home', demoHome])
    const groups = await callMuster(['export', 'groups', '--home', demoHome])
    const second = await callMuster(['demo', '--once', '--json', '--home', demoHome])
    await rm(demoHome, { recursive: true })

    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toContain('Megan Wilson')
    expect(first.stdout).toContain(`MUSTER_HOME=${demoHome} ./muster export users`)
    const people: Json[] = users.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(people.map((p) => p.userName)).toContain('ada.lovelace@contoso.com')
    expect(people.filter((p) => p.cards.length > 0).length).toBeGreaterThan(30)
    expect(groups.stdout.trim().split('\n').length).toBeGreaterThan(10)
    expect(second).toMatchObject({ code: 0, stderr: '' })
    const { runs }: Json = documentOf(second)
    expect(runs.map((run: Json) => run.outcome)).toEqual(['planned', 'applied', 'applied'])
    expect(runs[1].users.created).toBeGreaterThan(30)
  })

  it('2: refuses a folder that anybody else has made', async () => {
    const before = await readdir(home)

    const refused = await callMuster(['demo', '--once', '--home', home])

    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('was not made by the demo')
    expect(await readdir(home)).toEqual(before)
  })
})
