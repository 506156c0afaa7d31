// A run that somebody else began, on the command line, followed in a browser: found where it is said to go on, watched to its end, cancelled.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withTransaction } from '../../src/database/transaction.ts'
import { hire } from '../../src/emulator/operations.ts'
import { asAdministrator, letPeopleSignIn } from '../support/browser-sign-in.ts'
import { aBrowserWorld, type BrowserWorld, expectAccessible, picture } from '../support/browser.ts'
import { callMuster, documentOf } from '../support/muster.ts'

const PATIENCE = { timeout: 20_000 }

let world: BrowserWorld

beforeAll(async () => {
  world = await aBrowserWorld({ users: 40, groups: 6, memberships: 90 })
  await letPeopleSignIn(world)
})
afterAll(() => world.stop())

const syncByCommand = () =>
  callMuster(['sync', 'staff', '--full', '--json', '--home', world.home, '--database-url', world.database.url])

/** As long as `during` takes, or until it says so, no run gets beyond its planning. */
async function whilePlansCannotBeStored(during: (go: () => void) => Promise<void>): Promise<void> {
  const { promise: released, resolve: go } = Promise.withResolvers<void>()
  const { promise: held, resolve: onHeld } = Promise.withResolvers<void>()
  const holding = withTransaction(world.database.db, async (tx) => {
    await tx.query('lock table plan_items in exclusive mode')
    onHeld()
    await released
  })
  await held
  try {
    await during(go)
  } finally {
    go()
    await holding
  }
}

async function toRunningRun(page: Page): Promise<void> {
  await page.goto(`${world.url}/settings/user-synchronization`)
  await page.getByRole('link', { name: 'Running', exact: true }).click()
  await page.getByRole('heading', { name: /^Run \d+/ }).waitFor()
  await page.getByText('Reading memberships', { exact: true }).waitFor()
}

describe('a run that was begun on the command line', () => {
  it('is found from the list of sources and from the overview, and followed in its page to its end', async () => {
    const page = await world.open('operator')
    const viewer = await world.open('viewer')
    hire(world.hosted.tenant, { userPrincipalName: 'nadia@contoso.com', displayName: 'Nadia New' })
    await whilePlansCannotBeStored(async (go) => {
      const ending = syncByCommand()
      await expect.poll(runsGoingOn, PATIENCE).toBe(1)
      await toRunningRun(page)
      const progress = page.getByRole('region', { name: 'Progress' })
      await progress.getByRole('progressbar', { name: 'Planning' }).waitFor()
      await progress.getByRole('log').getByText('Reading users.').first().waitFor()
      await progress.getByRole('button', { name: 'Cancel' }).waitFor()
      await expectAccessible(page)
      await picture(page, 'run-running')
      const told = await page.getByRole('main').innerText()

      expect(told).not.toMatch(/Nothing changed|What it would change|no plan|The plan is empty/)
      expect(await page.getByRole('region', { name: 'Plan' }).count()).toBe(0)

      await viewer.goto(world.url)
      await viewer.getByRole('link', { name: 'Running', exact: true }).click()
      await viewer.getByText('Reading memberships', { exact: true }).waitFor()

      expect(viewer.url()).toBe(page.url())
      expect(await viewer.getByRole('button', { name: 'Cancel' }).count()).toBe(0)

      await progress.getByRole('log').focus()
      go()
      expect(documentOf(await ending)).toMatchObject({ outcome: 'applied' })
    })
    await page.getByRole('status').getByText('Applied: people and groups are as in Entra.').waitFor()
    await viewer.getByText('Applied', { exact: true }).waitFor()

    // What he was reading goes on being there, and the keyboard is not lost.
    await page.getByRole('list', { name: 'Log' }).getByText('Reading users.').first().waitFor()
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
    expect(await page.getByRole('region', { name: 'Progress' }).count()).toBe(0)
    await page.getByRole('table', { name: 'Plan' }).getByText('nadia@contoso.com').first().waitFor()
  })

  it('is cancelled from its page', async () => {
    const page = await world.open('operator')
    const fault = world.emulator.faults.add({ kind: 'throttled', retryAfter: 600, path: '/groups/*/members', count: 1 })
    const ending = syncByCommand()
    await expect.poll(() => fault.fired, PATIENCE).toBe(1)
    await toRunningRun(page)
    await page.getByRole('button', { name: 'Cancel' }).click()

    const ended = await ending
    expect(documentOf(ended)).toMatchObject({ outcome: 'cancelled' })
    expect(ended.code).toBe(130)
    await page.getByRole('status').getByText('Cancelled. Nothing was left half done.').waitFor()
    expect(world.complaints).toEqual([])
  })
})

describe('eight runs that go on at once', () => {
  it('leave the browser free for everything else, and each is followed to its end', async () => {
    const jobs = await eightRuns()
    const page = await world.open('viewer')
    await page.goto(`${world.url}/settings/user-synchronization/results?jobs=${jobs.join(',')}`)
    await expect.poll(() => page.getByRole('progressbar', { name: 'Reading users' }).count(), PATIENCE).toBe(8)
    // The browser shares its connections among its tabs.
    const other = await page.context().newPage()
    await other.goto(`${world.url}/users`)
    await other.getByRole('table', { name: 'Users' }).getByRole('link').first().waitFor(PATIENCE)
    await world.database.db.query(
      `update runs set state = 'ended', outcome = 'cancelled', ended_at = now() where host = 'elsewhere'`,
    )
    await expect
      .poll(() => page.getByText('Cancelled. Nothing was left half done.', { exact: true }).count(), PATIENCE)
      .toBe(8)
    await other.close()
  })
})

/** Runs of a server that is not here, and what was asked for with them. @returns the jobs */
async function eightRuns(): Promise<string[]> {
  const jobs: string[] = []
  for (let place = 1; place <= 8; place += 1) {
    const id = `00000000-0000-4000-8000-${String(place).padStart(12, '0')}`
    const name = `branch-${place}`
    await asAdministrator(world, '/sources', { name, settings: { connection: 'contoso' } })
    const asker = { kind: 'command line', name: 'somebody', id: null, full: true, trigger: 'manual' }
    await world.database.db.query(
      `with r as (
         insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version, phase, progress, heartbeat_at)
         select id, name, 'sync', 'full', 'manual', fence, 'elsewhere', 1, 'x', 1, 'users', '{"done": 5, "total": 100}', now() + interval '1 hour'
         from sources where name = $2
         returning id, source_id)
       insert into jobs (id, source_id, source_name, kind, trigger, actor_kind, actor_name, state, run_id, askers)
       select $1, source_id, $2, 'sync', 'manual', 'command line', 'somebody', 'running', id, $3 from r`,
      [id, name, JSON.stringify([asker])],
    )
    jobs.push(id)
  }
  return jobs
}

async function runsGoingOn(): Promise<number> {
  const found = await world.database.db.query<{ runs: number }>(
    `select count(*) as runs from runs where state = 'running' and phase = 'planning'`,
  )
  return found.rows[0]!.runs
}
