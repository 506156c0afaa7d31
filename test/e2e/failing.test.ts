// A source that fails, as an administrator meets it: on the command line, in a mail, at a webhook.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import type { Json } from '../support/emulated.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster, documentOf, runMuster } from '../support/muster.ts'
import { type MailServer, startMailServer, startWebServer, type WebServer } from '../support/sinks.ts'

let test: TestDatabase
let home: string
let emulator: Emulator
let contoso: HostedTenant
let web: WebServer
let mail: MailServer

beforeAll(async () => {
  test = await createTestDatabase()
  web = await startWebServer()
  mail = await startMailServer()
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-failing-`))
  emulator = new Emulator({ seed: 5, signingCertificate: createSigningCertificate(systemClock.now()) })
  contoso = emulator.host(generateTenant({ users: 6, groups: 1, memberships: 3, seed: 4, clock: emulator.clock }))
  const { graphUrl } = await emulator.listen()
  const { tenantId, clientId, clientSecret } = contoso
  await writeFile(join(home, 'secret'), clientSecret)
  const connection = {
    tenantId,
    clientId,
    clientSecret: { file: 'secret' },
    cloud: 'custom',
    authorityUrl: graphUrl,
    graphUrl,
  }
  const file = { connections: { contoso: connection }, sources: { staff: { connection: 'contoso' } } }
  await writeFile(join(home, 'muster.yaml'), JSON.stringify(file))
  await muster('apply', '-f', join(home, 'muster.yaml'))
})
afterAll(async () => {
  await emulator.stop()
  await web.stop()
  await mail.stop()
  await test.drop()
  await rm(home, { recursive: true })
})

const muster = (...args: readonly string[]) => callMuster([...args, '--home', home, '--database-url', test.url])

/** A process of its own, with somewhere to send alerts to. */
const alerted = (...args: readonly string[]) =>
  runMuster(args, {
    env: {
      MUSTER_HOME: home,
      MUSTER_DATABASE_URL: test.url,
      MUSTER_ALERT_WEBHOOK: web.url,
      MUSTER_ALERT_WEBHOOK_SECRET: 'sixteen letters!',
      MUSTER_SMTP_URL: mail.url,
      MUSTER_ALERT_FROM: 'muster@contoso.com',
      MUSTER_ALERT_TO: 'it@contoso.com',
    },
  })

describe('a source that fails', () => {
  it('1: is shown above the runs with reason, remedy and next try, and gone from there after a success', async () => {
    expect((await muster('sync', 'staff')).code).toBe(0)
    expect((await muster('runs')).stdout).not.toMatch(/DEGRADED|healthy/)
    emulator.setEnabled(contoso.app, false)
    expect((await muster('sync', 'staff')).code).toBe(1)

    const degraded = await muster('runs')
    const document: Json = documentOf(await muster('runs', '--json'))
    expect((await muster('sync', 'staff')).code).toBe(1)
    const quarantined = await muster('runs', '--source', 'staff')
    emulator.setEnabled(contoso.app, true)
    expect((await muster('sync', 'staff')).code).toBe(0)
    const healthy = await muster('runs')

    expect(degraded.stdout).toMatch(
      /^staff is DEGRADED since \d{4}-\d\d-\d\d \d\d:\d\d UTC: .*disabled.* Enable it under Enterprise applications\. Its schedule tries again after .* UTC; muster sync staff tries now\.\n\n/,
    )
    expect(document.health).toMatchObject([{ source: 'staff', state: 'degraded', failures: 1, code: 'auth-failed' }])
    expect(quarantined.stdout).toMatch(/^staff is QUARANTINED since .*, 2 failed runs in a row: /)
    expect(healthy.stdout).not.toMatch(/QUARANTINED|DEGRADED/)
  })

  it('O10: is mailed and posted; while nobody takes alerts the run ends as ever, and runs tells of them', async () => {
    emulator.setEnabled(contoso.app, false)
    web.answerWith(500)

    const failed = await alerted('sync', 'staff', '--json')
    const listed = await muster('runs')

    expect(failed.code).toBe(1)
    expect(documentOf(failed)).toMatchObject({ outcome: 'failed' })
    expect(listed.stdout).toMatch(
      /\n1 alert could not be delivered: webhook: it answered 500; the next run after .* UTC tries again\.\n$/,
    )
    // Those of the runs before, which had nowhere to go, and this one.
    expect(mail.mails.map((m) => /^Subject: (.*)$/m.exec(m.source)![1])).toEqual([
      'Muster: staff: a run failed',
      expect.stringMatching(/^Muster: staff: quarantined/),
      'Muster: staff: a run failed',
    ])
    expect(web.posted.length).toBeGreaterThan(0)
    expect(listed.stdout + failed.stderr).not.toContain('hidden')

    emulator.setEnabled(contoso.app, true)
    web.answerWith(204)
    await test.db.query(`update alert_deliveries set next_try_at = now() - interval '1 hour' where state = 'waiting'`)
    expect((await alerted('sync', 'staff')).code).toBe(0)
    expect((await muster('runs')).stdout).not.toContain('delivered')
    expect(mail.mails).toHaveLength(3)
    expect(web.posted.filter((p) => JSON.parse(p.body).kind === 'failed')).not.toHaveLength(0)
  })
})

describe('the log of a run', () => {
  it('0: is shown, saved to a file that was not there, and one document with --json', async () => {
    expect((await muster('sync', 'staff')).code).toBe(0)
    const { runs }: Json = documentOf(await muster('runs', '--json'))
    const { run } = runs[0]
    const file = join(home, 'run.log')

    const shown = await muster('runs', run, '--log')
    const saved = await muster('runs', run, '--log', '--output', file)
    const again = await muster('runs', run, '--log', '--output', file)
    const document: Json = documentOf(await muster('runs', run, '--log', '--json'))

    expect(shown.stdout).toMatch(
      /^\d\d:\d\d:\d\d info {2}The synchronization of staff begins: what has changed since the last one is read\. It is run \d+\.\n/,
    )
    expect(shown.stdout).toMatch(
      /Done: there was nothing to change\. 2 requests to Microsoft Graph, [\d.]+ seconds\.\n$/,
    )
    expect(saved.stdout).toContain(`${document.log.length} lines of run ${run} were written to`)
    expect(
      (await readFile(file, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(document.log)
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('there is such a file already') })
  })

  it('0: is told in sentences while it runs, where a person sees it; a program gets JSON lines of what matters', async () => {
    const args = ['sync', 'staff', '--full', '--home', home, '--database-url', test.url]
    const told = await callMuster(args, { isTerminal: true })
    const logged = await callMuster([...args, '--log-level', 'info'])

    expect(told.stderr).toContain('The synchronization of staff begins: everything is read and compared.')
    expect(told.stderr).toMatch(/Reading users\.\n[\s\S]*Microsoft Entra sent 6 users\.\n/)
    expect(told.stderr).not.toContain('{"level"')
    const lines: Json[] = logged.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'read', what: 'users', count: 6 }))
  })

  it('0: is followed until the run ends', async () => {
    emulator.faults.add({ kind: 'latency', ms: 3_000, path: '/users/delta', count: 1 })
    const syncing = muster('sync', 'staff')
    let id: number | undefined
    while (id === undefined) {
      await systemClock.sleep(20)
      id = (await test.db.query<{ id: number }>(`select id from runs where state = 'running'`)).rows[0]?.id
    }

    const followed = await muster('runs', String(id), '--log', '--follow')
    const state = await test.db.query('select state from runs where id = $1', [id])

    expect(followed.stdout).toMatch(/begins: [\s\S]*Planning: [\s\S]*Done: there was nothing to change/)
    expect(state.rows).toEqual([{ state: 'ended' }])
    expect((await syncing).code).toBe(0)
  })

  it.each([
    [['runs', '--log'], 'needs the number of a run'],
    [['runs', '--follow'], 'goes with --log'],
    [['runs', '4711', '--log', '--items'], 'not its log'],
    [['runs', '4711', '--log'], 'There is no run "4711"'],
    [['runs', 'x', '--log'], 'A run has a number'],
  ])('2: %s is refused', async (args, message) => {
    expect(await muster(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
  })
})
