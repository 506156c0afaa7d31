// Real processes of the command line on one database: killed at random moments, several at once, and with little memory.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { createRandom } from '../../src/emulator/random.ts'
import { hire, remove } from '../../src/emulator/operations.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { documentOf, type MusterOptions, runMuster, startMuster } from '../support/muster.ts'
import { impliedView, registryView } from '../support/world.ts'

let test: TestDatabase
let home: string
let emulator: Emulator
beforeEach(async () => {
  test = await createTestDatabase()
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-processes-`))
  emulator = new Emulator({ signingCertificate: createSigningCertificate(systemClock.now()) })
  emulator.keepsLog = false
})
afterEach(async () => {
  await emulator.stop()
  await test.drop()
  await rm(home, { recursive: true })
})

async function tenantOf(size: {
  readonly users: number
  readonly groups: number
  readonly memberships: number
}): Promise<HostedTenant> {
  const hosted = emulator.host(generateTenant({ ...size, seed: 3, clock: emulator.clock }))
  const { graphUrl } = await emulator.listen()
  const connection = {
    tenantId: hosted.tenantId,
    clientId: hosted.clientId,
    clientSecret: { file: 'secret' },
    cloud: 'custom',
    authorityUrl: graphUrl,
    graphUrl,
  }
  await writeFile(join(home, 'secret'), hosted.clientSecret)
  await writeFile(
    join(home, 'muster.yaml'),
    JSON.stringify({
      connections: { contoso: connection },
      sources: { staff: { connection: 'contoso', safeguard: 'off' } },
    }),
  )
  const applied = await runMuster(['apply', '-f', join(home, 'muster.yaml')], options())
  expect(applied.code, applied.stderr).toBe(0)
  return hosted
}

function options(env: Record<string, string> = {}): MusterOptions {
  return { env: { MUSTER_HOME: home, MUSTER_DATABASE_URL: test.url, ...env } }
}

async function expectImplied(hosted: HostedTenant): Promise<void> {
  const view = await registryView(test.db)
  const implied = impliedView(hosted.tenant)
  expect(Object.fromEntries(Object.entries(view.users).filter(([, user]) => user.active))).toEqual(implied.activeUsers)
  expect(view.memberships).toEqual(implied.memberships)
}

describe('processes', () => {
  it('E1: killed by SIGKILL at random moments, a run is taken over by the next and ends as the tenant implies', async () => {
    const hosted = await tenantOf({ users: 400, groups: 40, memberships: 2000 })
    emulator.latencyMs = 15
    const random = createRandom(11)
    let kills = 0
    for (let round = 0; round < 6; round++) {
      const before = await registryView(test.db)
      const child = startMuster(['sync', 'staff', '--json'], options())
      const exited = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_, signal) => resolve(signal)))
      await Promise.race([exited, systemClock.sleep(300 + random.next() * 1200)])
      child.kill('SIGKILL')
      if ((await exited) === 'SIGKILL') kills += 1
      const after = await registryView(test.db)
      if (JSON.stringify(after) !== JSON.stringify(before)) await expectImplied(hosted)
      if (round === 3) {
        hire(hosted.tenant, { userPrincipalName: 'hired@contoso.com' })
        for (const user of [...hosted.tenant.live('user')].slice(0, 20)) remove(hosted.tenant, user.id)
      }
    }
    emulator.latencyMs = 0

    const last = await runMuster(['sync', 'staff', '--json'], options())

    expect(kills).toBeGreaterThan(2)
    expect(last.code, last.stdout).toBe(0)
    await expectImplied(hosted)
  }, 180_000)

  it('E3, S8: of three processes that run one source at once, one does and the others are told', async () => {
    const hosted = await tenantOf({ users: 200, groups: 20, memberships: 600 })
    emulator.latencyMs = 300

    const results = await Promise.all(
      [1, 2, 3].map(() => runMuster(['sync', 'staff', '--no-wait', '--json'], options())),
    )

    expect(results.map((result) => Number(result.code)).sort((a, b) => a - b)).toEqual([0, 75, 75])
    for (const result of results)
      if (result.code === 75) expect(documentOf(result)).toMatchObject({ error: { code: 'busy' } })
    await expectImplied(hosted)
  })

  it('E12: a tenant larger than the memory it is given goes through, page by page', async () => {
    const hosted = await tenantOf({ users: 30_000, groups: 750, memberships: 75_000 })

    // The pages alone hold over 60 MB of people, which is all that V8 is given for everything that lives longer than a moment, code included.
    const result = await runMuster(['sync', 'staff', '--json'], options({ NODE_OPTIONS: '--max-old-space-size=60' }))

    expect(result.code, result.stderr.slice(-2000)).toBe(0)
    expect(documentOf(result)).toMatchObject({ outcome: 'applied', users: { read: 30_000 } })
    const counted = await test.db.query<{ n: number }>('select count(*) as n from memberships')
    expect(counted.rows[0]?.n).toBe(impliedView(hosted.tenant).memberships.length)
  }, 300_000)
})
