// Taking back in a real browser: what one run did to one person, and a whole run that removes more than the safeguard allows.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { update } from '../../src/emulator/operations.ts'
import { aBrowserWorld, type BrowserWorld, expectAccessible, picture } from '../support/browser.ts'
import { configureStaff, syncStaff } from '../support/staff.ts'

let world: BrowserWorld
let page: Page
let first: string

beforeAll(async () => {
  world = await aBrowserWorld({ users: 30, groups: 2, memberships: 30 })
  await configureStaff(world, { source: { schedule: { delta: 'none', full: 'none' } } })
  first = (await syncStaff(world)).run
  page = await world.open('administrator')
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await picture(page, 'failed')
})
afterAll(() => world.stop())

const valueOf = async (sql: string) => (await world.database.db.query<{ value: unknown }>(sql)).rows[0]?.value
const dialog = (name: string | RegExp) => page.getByRole('dialog', { name })
const undo = 'Take this run back?'

describe('what a run did to one person', () => {
  it('is what its dialog names, also where another run changes the person while it is open', async () => {
    const all = [...world.hosted.tenant.live('user')]
    const someone = all.filter((u) => u.properties['accountEnabled'] !== false)[2]!
    update(world.hosted.tenant, someone.id, { displayName: 'Wrong Once' })
    const { run } = await syncStaff(world)
    const userId = await valueOf(`select id as value from users where object_id = '${someone.id}'`)
    await page.goto(`${world.url}/users/${String(userId)}`)
    await page.getByRole('button', { name: 'Undo for this user' }).first().click()
    const asked = dialog(new RegExp(`^Take back what run ${run} did to`))
    await asked.getByText('Wrong Once').first().waitFor()
    await asked.getByRole('textbox', { name: 'Reason' }).fill('wrong')
    update(world.hosted.tenant, someone.id, { displayName: 'Right Again' })
    const { run: newer } = await syncStaff(world)
    // Whoever comes back to the tab some seconds later sees what is new.
    const comeBack = async () => {
      await page.evaluate(`window.dispatchEvent(new Event('visibilitychange'))`)
      return page.getByText('Right Again').count()
    }
    await expect.poll(comeBack, { timeout: 30_000, interval: 500 }).toBeGreaterThan(0)

    expect(await asked.count()).toBe(1)
    const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/reverts'))
    await asked.getByRole('button', { name: 'Undo', exact: true }).click()
    expect(new URL((await sent).url()).pathname).toBe(`/api/v1/runs/${run}/reverts`)
    expect(newer).not.toBe(run)
    await page.waitForURL(/results/)
    // What the newer run wrote has changed since, and stays.
    await page.getByText(/^(There is nothing to take back|Taken back)/).waitFor()
    expect(await valueOf(`select full_name as value from users where object_id = '${someone.id}'`)).toBe('Right Again')
  })

  it('is shown from old to new in the history, and taken back for that person alone', async () => {
    const [one, other] = [...world.hosted.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false)
    const nameOf = (id: string) => valueOf(`select full_name as value from users where object_id = '${id}'`)
    const before = String(await nameOf(one!.id))
    update(world.hosted.tenant, one!.id, { displayName: 'Wrong One' })
    update(world.hosted.tenant, other!.id, { displayName: 'Wrong Other' })
    const { run } = await syncStaff(world)
    const userId = await valueOf(`select id as value from users where object_id = '${one!.id}'`)
    await page.goto(`${world.url}/users/${String(userId)}`)
    await page.getByRole('button', { name: 'Undo for this user' }).first().click()
    const asked = dialog(new RegExp(`^Take back what run ${run} did to`))
    const items = asked.getByRole('table', { name: 'It would do this' })
    await items.getByText('Wrong One').waitFor()
    await items.getByText(before).waitFor()
    await asked.getByText('All changes, by name (1)').waitFor()
    await picture(page, 'undo-user')
    await expectAccessible(page)
    await asked.getByRole('textbox', { name: 'Reason' }).fill('wrong')
    await asked.getByRole('button', { name: 'Undo', exact: true }).click()
    await page.getByText('Taken back. What changed since was left as it is.').waitFor()

    expect(await nameOf(one!.id)).toBe(before)
    expect(await nameOf(other!.id)).toBe('Wrong Other')
  })
})

describe('the undo of a run', () => {
  it('is given up where its dialog is closed before it is shown, and asked for anew by the next', async () => {
    await page.goto(`${world.url}/runs/${first}`)
    const path = '**/api/v1/runs/*/revert'
    await page.route(path, () => {})
    const begun = page.waitForRequest(path)
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    const asked = await begun
    const failed = page.waitForEvent('requestfailed', (request) => request === asked)
    await page.keyboard.press('Escape')
    await failed
    await page.unroute(path)
    // It fades, and has a button of the same name.
    await dialog(undo).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo', exact: true }).click()

    await dialog(undo).getByText('It would do this:').waitFor()
    expect(asked.failure()?.errorText).toContain('ERR_ABORTED')
    await page.keyboard.press('Escape')
    await dialog(undo).waitFor({ state: 'detached' })
  })

  it('tells which limits it exceeds and by how much, and is done where that is confirmed; the audit keeps both', async () => {
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    const asked = dialog(undo)
    await asked.getByText(/^Users deactivated or deleted: \d+; a day may have 5 without approval\.$/).waitFor()
    await asked.getByText(/^The first 20 of \d+ changes, by name$/).waitFor()
    await picture(page, 'undo-beyond-limits')
    await expectAccessible(page)
    await asked.getByRole('textbox', { name: 'Reason' }).fill('all wrong')
    const act = asked.getByRole('button', { name: 'Undo', exact: true })
    expect(await act.getAttribute('aria-disabled')).toBe('true')
    await asked.getByRole('checkbox', { name: /Do it all the same$/ }).check()
    await act.click()
    await page.getByText('Taken back. What changed since was left as it is.').waitFor()

    expect(await valueOf('select count(*)::int as value from users where object_id is not null')).toBeLessThan(5)
    const entries = await world.database.db.query<{ action: string; details: string }>(
      `select action, details from audit where action in ('run.revert.start', 'run.revert') order by id desc limit 2`,
    )
    expect(entries.rows.map(({ action, details }) => [action, JSON.parse(details)])).toEqual([
      [
        'run.revert',
        expect.objectContaining({
          confirmed: true,
          exceeded: expect.arrayContaining([{ rule: 'removals.users', count: expect.any(Number), limit: 5 }]),
        }),
      ],
      ['run.revert.start', { job: expect.any(String), reason: 'all wrong', confirmed: true }],
    ])
    expect(world.complaints.filter((complaint) => !complaint.includes('ERR_ABORTED'))).toEqual([])
  })
})
