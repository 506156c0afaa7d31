// Taking runs back and looking at stored plans, from the command line.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { revertPreview } from '../../src/contract/reverts.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import type { Json } from '../support/emulated.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster, documentOf } from '../support/muster.ts'

let test: TestDatabase
let home: string
let emulator: Emulator

beforeAll(async () => {
  test = await createTestDatabase()
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-revert-`))
  emulator = new Emulator({ seed: 5, signingCertificate: createSigningCertificate(systemClock.now()) })
  const contoso = emulator.host(
    generateTenant({ users: 30, groups: 2, memberships: 50, seed: 4, clock: emulator.clock }),
  )
  const { graphUrl } = await emulator.listen()
  const { tenantId, clientId, clientSecret } = contoso
  await writeFile(join(home, 'secret'), clientSecret)
  const connection = { tenantId, clientId, clientSecret: { file: 'secret' }, cloud: 'custom' }
  const connections = { contoso: { ...connection, authorityUrl: graphUrl, graphUrl } }
  await writeFile(
    join(home, 'muster.yaml'),
    JSON.stringify({ connections, sources: { staff: { connection: 'contoso' } } }),
  )
  await ends(0, 'apply', '-f', join(home, 'muster.yaml'))
})
afterAll(async () => {
  await emulator.stop()
  await test.drop()
  await rm(home, { recursive: true })
})

const call = (...args: string[]) => callMuster([...args, '--home', home, '--database-url', test.url])

async function ends(code: number, ...args: string[]): Promise<Json> {
  const result = await call(...args, '--json')
  expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: '' })
  return documentOf(result)
}

it('O4: plan, apply, take back with a confirmation, and see that nothing is redone unasked', async () => {
  const plan = join(home, 'plan.csv')
  // One of the 30 is disabled.
  const planned = await call('plan', 'staff', '--format', 'csv', '--output', plan)
  expect(planned.code).toBe(0)
  expect((await readFile(plan, 'utf8')).split('\r\n').filter((line) => line.includes('user,create'))).toHaveLength(29)
  expect((await stat(plan)).mode & 0o777).toBe(0o600)

  const { run } = await ends(0, 'sync', 'staff')
  const listed = await ends(0, 'runs')
  const shown = revertPreview.parse(await ends(0, 'revert', run, '--reason', 'a test', '--dry-run'))
  expect(shown).toMatchObject({ run: '', outcome: 'planned', reverts: run, users: { deleted: 29 }, left: [] })
  expect(shown.items).toHaveLength(shown.itemsTotal)
  const told = await call('revert', run, '--reason', 'a test', '--dry-run')
  expect(told.stdout).toContain(`staff: this is what taking run ${run} back would do; nothing was done.`)
  expect(told.stdout).toContain(`revert: run-${run}`)
  expect(await ends(0, 'runs')).toEqual(listed)

  expect((await ends(2, 'revert', run, '--reason', 'a test')).error).toMatchObject({
    code: 'usage',
    message: expect.stringContaining('add --yes'),
  })
  const [refused] = (await ends(0, 'runs')).runs
  expect(refused).toMatchObject({ kind: 'revert', outcome: 'planned', reverts: run })
  expect((await call('runs', refused.run)).stdout).toContain(`It was to take run ${run} back.`)

  const reverted = await call('revert', run, '--reason', 'a test', '--yes')
  expect(reverted).toMatchObject({ code: 0, stderr: '' })
  expect(reverted.stdout).toContain(`run ${run} was taken back`)
  expect(reverted.stdout).toContain(`revert: run-${run}`)
  expect((await test.db.query('select from users')).rowCount).toBe(0)

  const held = await ends(3, 'sync', 'staff')
  expect(held.held.reasons).toEqual([{ rule: 'reverted', count: 31, limit: 0 }])
  const waiting = await ends(0, 'runs', held.run)
  expect(waiting.document.held.reasons).toHaveLength(1)
  expect(waiting.items).toHaveLength(waiting.itemsTotal)
  expect(waiting.items[0]).toMatchObject({ object: 'group', action: 'create', rule: 'groups.import' })
  expect((await call('runs', held.run)).stdout).toContain('muster approve')
  expect(
    JSON.parse((await call('runs', held.run, '--items', '--action', 'create', '--format', 'json')).stdout),
  ).toHaveLength(31)

  await ends(0, 'approve', held.run, '--hash', held.planHash, '--reason', 'all of it is right')
  expect((await test.db.query('select from users where active')).rowCount).toBe(29)
  expect((await ends(0, 'sync', 'staff')).outcome).toBe('no-change')
})

it('2: a file that cannot be written is told before anything is done', async () => {
  const before = await test.db.query('select from runs')
  const nowhere = join(home, 'no', 'such', 'users.csv')
  for (const args of [
    ['export', 'users'],
    ['runs', '1', '--items'],
    ['plan', 'staff', '--format', 'csv'],
  ]) {
    const { error } = await ends(2, ...args, '--output', nowhere)
    expect(error.message).toBe(`--output: cannot write ${nowhere}: its folder does not exist; make it first`)
  }
  expect((await ends(2, 'export', 'users', '--output', home)).error.message).toContain('it is a folder')
  expect((await ends(2, 'runs', '--items')).error.code).toBe('usage')
  expect((await test.db.query('select from runs')).rowCount).toBe(before.rowCount)
})
