// That what is held against a history is noticed when it is broken: each invariant, broken by hand after one run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withTransaction } from '../../src/database/transaction.ts'
import { hire } from '../../src/emulator/operations.ts'
import { runSource } from '../../src/sync/run.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { checkAvailable } from './available.ts'
import { openStage, type Stage } from './stage.ts'
import type { Step } from './steps.ts'
import { type Watch, watchHistory } from './watch.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const STEP: Step = { do: 'wait', hours: 1 }

/** Two people, read and applied, of a source that is watched. */
async function watched(work: (stage: Stage, watch: Watch) => Promise<void>): Promise<void> {
  const stage = await openStage(test.db, 1)
  try {
    for (const name of ['ann', 'bob'])
      hire(stage.tenants[0]!, { userPrincipalName: `${name}@contoso.com`, state: name === 'ann' ? '483920' : null })
    await stage.configure('a', { users: { properties: { pin: { from: 'state' } } } }, 0)
    const watch = await watchHistory(stage, {
      seed: 1,
      second: 'none',
      moves: false,
      settings: [{}, {}],
      start: [],
      steps: [],
    })
    const run = await runSource(stage.engine, {
      source: 'a',
      kind: 'sync',
      mode: 'auto',
      trigger: 'manual',
      wait: false,
      signal: new AbortController().signal,
      onProgress: () => {},
    })
    expect(run).toMatchObject({ outcome: 'applied', users: { created: 2 } })
    await watch.afterStep(STEP, new Set())
    await watch.atEnd()
    await work(stage, watch)
  } finally {
    await stage.stop()
  }
}

describe('a history is stopped', () => {
  it.each<readonly [string, RegExp, string]>([
    [
      'I4: where the mirror lacks somebody whom its link is past',
      /^I4: /,
      `delete from mirror_objects where object_id = (select object_id from users limit 1)`,
    ],
    [
      'I4: where the mirror has an older name of him',
      /^I4: /,
      `update mirror_objects set attributes = attributes || '{"userPrincipalName":"old@contoso.com"}' where kind = 'u'`,
    ],
    [
      'I5: where an object id has gone to another record',
      /^I5: /,
      `create temp table moved as select id, tenant_id, object_id from users order by id limit 1;
       update users set tenant_id = null, object_id = null where id = (select id from moved);
       insert into users (tenant_id, object_id, user_name) select tenant_id, object_id, 'another' from moved;
       drop table moved`,
    ],
    ['I12: where somebody has become an administrator', /^I12: /, `update administrators set role = 'viewer'`],
    [
      'I12: where a record is an administrator’s',
      /^I12: /,
      `update users set administrator = true where id = (select min(id) from users)`,
    ],
    [
      'I2: where somebody is removed whom nobody has asked for',
      /^I2: /,
      `insert into runs (source_id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version)
         select source_id, source_name, kind, mode, trigger, 'ended', 'applied', fence + 1, host, pid, process_started, 1 from runs order by id desc limit 1;
       insert into plan_items (run_id, seq, object, action, user_id, object_id, rule, reason)
         select (select max(id) from runs), 999, 'user', 'deactivate', min(id), '00000000-0000-4000-8000-000000000001', 'r', 'gone' from users`,
    ],
  ])('%s', async (_, message, sql) => {
    await watched(async ({ db }, watch) => {
      await db.query(sql)
      await expect(watch.afterStep(STEP, new Set())).rejects.toThrow(message)
    })
  })

  it('I4: is not said of a source that was told something false', async () => {
    await watched(async ({ db }, watch) => {
      await db.query('delete from mirror_objects')
      await expect(watch.afterStep(STEP, new Set(['a']))).resolves.toBeUndefined()
    })
  })

  it('I10: where a PIN stands in the open, and not where its digits are part of another number', async () => {
    await watched(async ({ db }, watch) => {
      await db.query(
        `update users set notes = '1483920', department = '483920-7', office = '2026-12-01 10:00:00.483920'`,
      )
      await watch.atEnd()
      await db.query(`update users set notes = 'pin 483920'`)
      await expect(watch.atEnd()).rejects.toThrow(/^I10: .*users/)
    })
  })

  it('I16: where a run keeps whoever signs in or is identified waiting, or somebody is not found by what he holds', async () => {
    await watched(async ({ db }) => {
      await checkAvailable(db)
      for (const table of ['users', 'credentials', 'sessions', 'connections']) {
        const release = Promise.withResolvers<void>()
        const isHeld = Promise.withResolvers<void>()
        const holding = withTransaction(db, async (tx) => {
          await tx.query(`lock table ${table} in access exclusive mode`)
          isHeld.resolve()
          await release.promise
        })
        await isHeld.promise
        await expect(checkAvailable(db)).rejects.toThrow(/^I16: /)
        release.resolve()
        await holding
      }
      await db.query(`update users set active = false, deactivated_by = 'source'`)
      await expect(checkAvailable(db)).rejects.toThrow(/^I16: .*pin/)
    })
  })

  it('I14: where a host is asked that is nobody’s', async () => {
    await watched(async ({ emulator }, watch) => {
      await expect(emulator.fetch('https://evil.example/v1.0/users')).rejects.toBeInstanceOf(Error)
      await expect(watch.afterStep(STEP, new Set())).rejects.toThrow('I14: https://evil.example')
    })
  })
})
