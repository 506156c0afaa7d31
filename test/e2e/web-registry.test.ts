// The second half of the web in a browser: people, plans and what is decided about them, and who may use the installation.
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import type { Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hire, update } from '../../src/emulator/operations.ts'
import { aBrowserWorld, type BrowserWorld, expectAccessible, picture } from '../support/browser.ts'
import { configureStaff, syncStaff } from '../support/staff.ts'

let world: BrowserWorld
let page: Page
/** A name that would run where a page takes text for markup. */
const HOSTILE = `<img src=x onerror="document.title='run'"><script>document.title='run'</script>`

const STAFF = { schedule: { delta: 'none', full: 'none' }, users: { properties: { cards: ['employeeId'] } } }

beforeAll(async () => {
  world = await aBrowserWorld({ users: 60, groups: 5, memberships: 120 })
  const mallory = { userPrincipalName: 'mallory@contoso.com', displayName: HOSTILE, employeeId: '4711' }
  hire(world.hosted.tenant, mallory)
  await configureStaff(world, { source: STAFF })
  await syncStaff(world)
  page = await world.open('administrator')
})
afterAll(() => world.stop())

const go = (path: string) => page.goto(`${world.url}${path}`)
const button = (name: string) => page.getByRole('button', { name, exact: true })
const dialogButton = (name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true })
const heading = (name: string | RegExp) => page.getByRole('heading', { name }).first().waitFor()
const valueOf = async (sql: string) => (await world.database.db.query<{ value: unknown }>(sql)).rows[0]?.value

describe('the overview', () => {
  it('says in one look that all is well', async () => {
    await go('/')
    await heading('Overview')
    await page.getByText('staff').first().waitFor()
    await page.getByText('All is well').waitFor()
    await picture(page, 'overview')
    await page.getByText('All is well').waitFor()
    expect(await page.getByRole('heading', { name: 'Needs attention' }).count()).toBe(0)
    await expectAccessible(page)
  })
})

describe('users', () => {
  it('are found by what they are known by; markup in a name is text', async () => {
    await go('/users')
    await page.getByRole('searchbox', { name: 'Search' }).fill('mallory')
    await page.getByRole('link', { name: 'mallory@contoso.com' }).waitFor()
    // She is on the first page as well: what was searched for is there when nobody else is.
    await page.getByRole('row').nth(2).waitFor({ state: 'detached' })
    await picture(page, 'users')
    await expectAccessible(page)

    const asked: string[] = []
    const note = (request: Request) => void asked.push(request.url())
    page.on('request', note)
    await page.getByRole('searchbox', { name: 'Search' }).fill('4711')
    await page.getByText('found by card').waitFor()
    expect(await page.getByText(HOSTILE).count()).toBe(1)
    await page.getByRole('link', { name: 'mallory@contoso.com' }).click()
    await heading('mallory@contoso.com')
    // The way back finds the search again, though no address has it: a card stands in no history and in no proxy's log.
    await page.goBack()
    await page.getByText('found by card').waitFor()
    expect(await page.getByRole('searchbox', { name: 'Search' }).inputValue()).toBe('4711')
    await page.reload()
    await page.getByText('found by card').waitFor()
    asked.push(page.url())
    page.off('request', note)
    expect(asked.filter((url) => url.includes('4711'))).toEqual([])
    await page.goto(`${world.url}/users?search=%224711%22&status=all`)
    await page.getByText('found by card').waitFor()
    expect(page.url()).toBe(`${world.url}/users?status=all`)
    await page.getByRole('link', { name: 'mallory@contoso.com' }).click()
    await heading('mallory@contoso.com')
    expect(await page.title()).toContain('mallory@contoso.com')
    await picture(page, 'user')
    await expectAccessible(page)
  })

  it('are not overwritten by a form that was filled before somebody else changed them', async () => {
    const other = await world.open('administrator')
    await other.clock.install()
    await other.goto(`${world.url}/users?search=mallory`)
    await other.getByRole('link', { name: 'mallory@contoso.com' }).click()
    await other.getByRole('button', { name: 'Edit', exact: true }).click()
    const dialog = other.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Aliases' }).fill('mal')
    await world.database.db.query(
      `update users set notes = 'of somebody else', version = version + 1 where user_name like 'mallory%'`,
    )
    // The page behind the form is read anew when one comes back to it.
    await other.clock.fastForward(60_000)
    const [read] = await Promise.all([
      other.waitForResponse(
        (answer) => /\/api\/v1\/users\/\d+$/.test(answer.url()) && answer.request().method() === 'GET',
      ),
      other.evaluate(`window.dispatchEvent(new Event('visibilitychange'))`),
    ])
    expect(await read.text()).toContain('of somebody else')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.getByText('was changed by somebody else or by a run since you looked').waitFor()
    await other.context().close()

    expect(await valueOf(`select notes as value from users where user_name like 'mallory%'`)).toBe('of somebody else')
    await world.database.db.query(
      `update users set notes = null, version = version + 1 where user_name like 'mallory%'`,
    )
  })

  it('are followed to their page while a search still waits for the end of typing', async () => {
    const other = await world.open('administrator')
    // She is alone in the list before and after, so that the click meets her.
    await other.goto(`${world.url}/users?search=mallo`)
    const link = other.getByRole('link', { name: 'mallory@contoso.com' })
    await link.waitFor()
    // Longer than the search waits: it would call back whoever is on his way.
    await other.route(/\/assets\/user-[^/]*\.js/, async (route) => {
      await setTimeout(700)
      await route.continue()
    })
    await other.getByRole('searchbox', { name: 'Search' }).fill('mallory')
    await link.click()

    await other.getByRole('heading', { name: 'mallory@contoso.com' }).waitFor()
    expect(new URL(other.url()).pathname).toMatch(/^\/users\/\d+$/)
    await other.context().close()
  })

  it('a card is added by hand, and revealed only to who asks, which the audit keeps', async () => {
    await button('Add card').click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Card' }).fill('0815-0816')
    await dialogButton('Add').click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const added = page.getByRole('listitem').filter({ hasText: 'added by hand' })
    await added.waitFor()
    expect(await added.innerText()).not.toContain('0815')
    await added.getByRole('button', { name: 'Reveal' }).click()
    await dialogButton('Reveal').click()
    await page.getByRole('alertdialog', { name: 'Card' }).getByText('0815-0816', { exact: true }).waitFor()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Done' }).click()

    expect(await valueOf(`select count(*)::int as value from audit where action = 'card.reveal'`)).toBe(1)
    expect(await valueOf(`select count(*)::int as value from audit where details like '%0815%'`)).toBe(0)
  })

  it('a new PIN is shown once', async () => {
    await button('New PIN').click()
    await dialogButton('New PIN').click()
    const shown = page.getByRole('alertdialog', { name: 'The new PIN' }).getByRole('status')
    await shown.waitFor()
    expect(await shown.innerText()).toMatch(/^\d{6,}$/)
    await page.getByRole('alertdialog').getByRole('button', { name: 'Done' }).click()

    await page.getByText('PIN: set').waitFor()
  })

  it('why somebody is as he is, is told', async () => {
    await page.getByRole('link', { name: 'Why?' }).last().click()
    await heading(/Why is/)
    await page.getByText('owns him').waitFor()
    await page.getByText('In scope').first().waitFor()
    expect(await page.getByRole('main').innerText()).not.toMatch(
      /\b(user|credential|membership) (update|create|add|remove)\b/,
    )
    await picture(page, 'why')
    expect(page.url()).toContain('/why?user=')
    await expectAccessible(page)
  })

  it('why somebody will be in another group is told with the name of the group', async () => {
    const { db } = world.database
    const { rows } = await db.query<{ who: string; name: string; kept: object }>(
      `select u.user_name as who, g.name, to_jsonb(m) as kept
       from memberships m join users u on u.id = m.user_id join groups g on g.id = m.group_id where u.active order by u.id limit 1`,
    )
    const { who, name, kept } = rows[0]!
    await db.query(
      `delete from memberships m using jsonb_populate_record(null::memberships, $1) k where m.user_id = k.user_id and m.group_id = k.group_id`,
      [kept],
    )
    await go(`/why?user=${encodeURIComponent(who)}`)

    await page.getByText(`Add to group ${name}: ${who}`).waitFor()
    expect(await page.getByText('Add to group: ').count()).toBe(0)
    await db.query('insert into memberships select * from jsonb_populate_record(null::memberships, $1)', [kept])
    await go('/why?user=mallory@contoso.com')
    await page.getByText('owns him').waitFor()
  })

  it('why two of one name are as they are, is told of both', async () => {
    const { db } = world.database
    const made = await db.query<{ id: number }>(
      `insert into users (user_name, active, deactivated_by) values ('old mallory', false, 'administrator') returning id`,
    )
    const { id } = made.rows[0]!
    await db.query(
      `insert into user_names values ($1, 'a', 'mallory@contoso.com', 'mallory@contoso.com', 'o', false)`,
      [id],
    )

    await go('/why?user=mallory@contoso.com')
    await page.getByText('Somebody else has, had or would get this name too; told below.').waitFor()
    const other = page.getByRole('region', { name: 'Also mallory@contoso.com: old mallory' })
    await other.getByText('A local user: no source reads him.').waitFor()
    await other.getByText('"mallory@contoso.com" has it now').waitFor()
    await page.getByText('staff', { exact: true }).first().waitFor()
    await expectAccessible(page)
    await other.getByRole('link', { name: 'old mallory' }).click()
    await heading('old mallory')
    await page.getByRole('main').getByRole('link', { name: 'Why?' }).click()
    await heading('Why is old mallory as he is?')
    expect(page.url()).toContain(`user=id%3A${id}`)
    expect(await page.getByText('Somebody else has').count()).toBe(0)

    await db.query('delete from users where id = $1', [id])
    await go('/why?user=mallory@contoso.com')
    await page.getByText('owns him').waitFor()
  })

  it('is synchronized alone, and the outcome is shown', async () => {
    await page.getByRole('link', { name: 'mallory@contoso.com' }).click()
    await button('Sync now').click()
    await heading('Synchronization Results')
    await page.getByText('Nothing had to be changed.').waitFor()

    expect(await valueOf(`select kind || ' ' || outcome as value from runs order by id desc limit 1`)).toBe(
      'sync no-change',
    )
    await page.goBack()
    await button('Sync now').waitFor()
  })

  it('is deactivated with a reason, and restored', async () => {
    await button('Deactivate').click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('lost all cards')
    await dialogButton('Deactivate').click()
    await page.getByText('Deactivated by an administrator').waitFor()
    expect(await valueOf(`select active as value from users where user_name like 'mallory%'`)).toBe(false)
    await button('Restore').click()
    await dialogButton('Restore').click()
    await page.getByText('Deactivated by an administrator').waitFor({ state: 'detached' })

    expect(await valueOf(`select active as value from users where user_name like 'mallory%'`)).toBe(true)
  })
})

describe('on a phone and for an operator', () => {
  it('sources tell their people and runs, and the registry is exported', async () => {
    const phone = await world.open('operator', { width: 400 })
    await phone.goto(`${world.url}/settings/user-synchronization`)
    for (const named of ['People: ', 'Last run: ', 'Next run: ']) await phone.getByText(named).waitFor()
    await expectAccessible(phone)
    await phone.goto(`${world.url}/users`)
    await phone.getByRole('button', { name: 'Export' }).click()
    const download = phone.waitForEvent('download')
    await phone.getByRole('menuitem', { name: 'Users as CSV' }).click()

    expect((await download).suggestedFilename()).toMatch(/users.*\.csv$/)
    await phone.context().close()
  })

  it('an administrator misses nothing of a token, nor of an entry of the audit', async () => {
    const phone = await world.open('administrator', { width: 400 })
    await phone.goto(`${world.url}/settings/audit`)
    await phone
      .getByText(/configuration\.\s*apply/)
      .first()
      .waitFor()
    expect(await phone.getByText('On what: ').count()).toBeGreaterThan(0)
    expect(await phone.getByText('Details: ').count()).toBeGreaterThan(0)
    await expectAccessible(phone)
    await picture(phone, 'audit-400')
    await world.database.db.query(
      `insert into api_tokens (name, prefix, digest, scopes, created_by, created_at) values ('door', 'mst_door', '\\x01', '{read}', 'nobody', now())`,
    )
    await phone.goto(`${world.url}/settings/tokens`)
    await phone.getByText('does nothing now').waitFor()
    for (const named of ['Made by: ', 'Last used: ', 'Ends: ']) await phone.getByText(named).waitFor()
    await expectAccessible(phone)
    await picture(phone, 'tokens-400')
    await world.database.db.query('delete from api_tokens')
    await phone.context().close()
  })
})

describe('groups', () => {
  it('are a tree with members', async () => {
    await go('/groups')
    await heading('Groups')
    await expectAccessible(page)
    await page.getByRole('table').getByRole('link').first().click()
    await page.waitForURL(/\/groups(\/\d+|\?under=)/)
    await page.getByRole('table').first().waitFor()
    await picture(page, 'group')
    expect(page.url()).toMatch(/\/groups(\/\d+|\?under=)/)
    await expectAccessible(page)
  })
})

describe('a plan', () => {
  it('that is held is reviewed and approved', async () => {
    const leavers = [...world.hosted.tenant.live('user')].slice(0, 20)
    for (const { id } of leavers) update(world.hosted.tenant, id, { accountEnabled: false })
    const { run, outcome } = await syncStaff(world)
    expect(outcome).toBe('held')
    await go(`/runs/${run}`)
    await page.getByText('Why it waits for approval').waitFor()
    await page.getByRole('button', { name: /^Deactivate user: \d+$/ }).click()
    await page.getByRole('table', { name: 'Plan' }).waitFor()
    await picture(page, 'plan')
    await expectAccessible(page)
    await button('Approve').click()
    await page.getByRole('dialog').getByRole('radio', { name: 'Everything but removals' }).click()
    await page.getByText('but for users, groups, memberships, cards and PINs that it removes').waitFor()
    await page.getByRole('dialog').getByRole('radio', { name: 'Everything', exact: true }).click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('they have left')
    await dialogButton('Approve').click()
    await page.getByText('Approval of staff').waitFor()
    await page.getByText('Applied').first().waitFor()
    await page.getByRole('table', { name: 'Plan' }).getByText('Deactivate user').first().waitFor()

    expect(await valueOf(`select decision as value from runs where id = ${Number(run)}`)).toBe('approved')
  })

  it('that was applied is taken back after it was shown what that does', async () => {
    await button('Undo').click()
    await page
      .getByRole('dialog')
      .getByText(/It would do this: Users: .*reactivated/)
      .waitFor()
    await picture(page, 'undo')
    await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('they have not')
    await dialogButton('Undo').click()
    await heading('Synchronization Results')
    await page.getByText('Taken back. What changed since was left as it is.').waitFor()
    await page.getByRole('link', { name: 'Look at the run' }).click()
    await page.getByText('Undo of staff').waitFor()

    expect(await valueOf(`select count(*)::int as value from users where not active`)).toBe(0)
  })

  it('that is held is left waiting by a run of the schedule, which leads to it, and is rejected', async () => {
    const { run, outcome } = await syncStaff(world)
    expect(outcome).toBe('held')
    const later = await syncStaff(world, 'schedule')
    expect(later.outcome).toBe('held')
    await go(`/runs/${later.run}`)
    await page.getByText('An earlier plan was waiting for approval already').waitFor()
    await heading(`Plan of run ${run}`)
    await page.getByRole('table', { name: 'Plan' }).getByText('Deactivate user').first().waitFor()
    const untrue = ['Why it waits for approval', 'Replaced by a newer plan', 'The plan is empty']
    for (const text of untrue) expect(await page.getByText(text).count()).toBe(0)
    expect(await button('Approve').count()).toBe(0)

    await page.getByRole('link', { name: `Run ${run}`, exact: true }).click()
    await page.getByText('Why it waits for approval').waitFor()
    await button('Reject').click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill('not now')
    await dialogButton('Reject').click()
    await page.getByText(/Rejected by administrator: not now/).waitFor()

    await go('/runs')
    await heading('Runs')
    await page.getByText('Rejected').first().waitFor()
    await picture(page, 'runs')
    await expectAccessible(page)
  })
})

describe('a run', () => {
  it('that goes on is cancelled from Synchronization Results, and its log is saved', async () => {
    // Longer than all that is done until it is cancelled.
    const fault = world.emulator.faults.add({ kind: 'latency', ms: 90_000, path: '/users/delta' })
    const before = await valueOf('select count(*)::int as value from users')
    await go('/settings/user-synchronization')
    await page.getByRole('checkbox', { name: 'Choose staff' }).check()
    await button('Synchronize now').click()
    await heading('Synchronization Results')
    await page
      .getByText(/^Reading/)
      .first()
      .waitFor()
    await picture(page, 'running')
    // What waits behind it is taken back without having begun, by each who asked for it his own.
    const [other, another] = [await world.open('operator'), await world.open('administrator')]
    for (const one of [other, another]) {
      await one.goto(`${world.url}/settings/user-synchronization`)
      await one.getByRole('checkbox', { name: 'Choose staff' }).check()
      await one.getByRole('toolbar').getByRole('button', { name: 'Preview' }).click()
      await one.getByText('Waits for its turn').waitFor()
    }
    expect(other.url()).toBe(another.url())
    await other.getByRole('button', { name: 'Cancel', exact: true }).click()
    await other.getByText('You took it back. Others asked for the same').waitFor()
    await other.reload()
    await other.getByText('Asked for by administrator, who can take it back').waitFor()
    expect(await other.getByRole('button', { name: 'Cancel', exact: true }).count()).toBe(0)
    await another.getByText('Waits for its turn').waitFor()
    await another.getByRole('button', { name: 'Cancel', exact: true }).click()
    await another.getByText('It was not started').waitFor()
    for (const one of [other, another]) await one.context().close()
    await button('Cancel').click()
    await page.getByText('Cancelled. Nothing was left half done.').waitFor()
    fault.remove()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Save log' }).click(),
    ])
    const saved = await readFile(await download.path(), 'utf8')

    expect(saved).toContain('staff')
    expect(await button('Cancel').count()).toBe(0)
    expect(await valueOf('select outcome as value from runs order by id desc limit 1')).toBe('cancelled')
    expect(await valueOf('select count(*)::int as value from users')).toBe(before)
    await expectAccessible(page)
  })
})

describe('who may use it', () => {
  it('another administrator is added as a viewer, who can see and not change', async () => {
    await go('/settings/administrators')
    await button('Add administrator').click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('victor')
    await page.getByRole('dialog').getByLabel('Password').fill('violets beneath a crooked umbrella')
    await dialogButton('Add').click()
    await page.getByRole('cell', { name: 'victor' }).waitFor()
    await expectAccessible(page)
    const other = await world.open('viewer')
    await other.goto(`${world.url}/users`)
    await other.getByRole('link', { name: 'mallory@contoso.com' }).click()
    await other.getByRole('link', { name: 'Why?' }).last().waitFor()

    for (const name of ['Edit', 'Deactivate', 'Add card', 'New PIN', 'Reveal'])
      expect(await other.getByRole('button', { name, exact: true }).count()).toBe(0)
    expect(await other.getByRole('table', { name: 'Sessions' }).count()).toBe(0)
  })

  it('the sessions of an account are seen, and ended', async () => {
    await go('/settings/administrators')
    const row = page.getByRole('row', { name: /^viewer/ })
    await row.getByRole('button', { name: /^Sessions: \d+$/ }).click()
    const sessions = page.getByRole('table', { name: 'Sessions of viewer' })
    await sessions.getByRole('button', { name: 'End' }).first().waitFor()
    await expectAccessible(page)
    for (let left = await sessions.getByRole('button', { name: 'End' }).count(); left > 0; left -= 1) {
      await sessions.getByRole('button', { name: 'End' }).first().click()
      await dialogButton('End').click()
      await row.getByRole('button', { name: `Sessions: ${left - 1}` }).waitFor()
    }

    await page.getByText('Signed in nowhere').waitFor()
    expect(
      await valueOf(
        `select count(*)::int as value from sessions x join administrators a on a.id = x.administrator_id where a.name = 'viewer'`,
      ),
    ).toBe(0)
  })

  it('a token is made, shown once, and works', async () => {
    await go('/settings/tokens')
    await button('Add token').click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('printers')
    await dialogButton('Add').click()
    const shown = page.getByRole('alertdialog', { name: 'The new token' }).getByRole('status')
    await shown.waitFor()
    const token = (await shown.innerText()).trim()
    const answer = await fetch(`${world.url}/api/v1/users?limit=1`, { headers: { authorization: `Bearer ${token}` } })
    await page.getByRole('alertdialog').getByRole('button', { name: 'Done' }).click()

    expect(answer.status).toBe(200)
    await expectAccessible(page)
  })

  it('the audit tells all of it, and that nobody touched it', async () => {
    await go('/settings/audit')
    await page.getByText('card.reveal').first().waitFor()
    await button('Verify').click()
    await page.getByText(/entries are as they were written/).waitFor()
    expect(await page.getByText('card.reveal').count()).toBeGreaterThan(0)
    await picture(page, 'audit')
    await expectAccessible(page)
    await go('/settings/installation')
    await page.getByText('MUSTER_HOME').waitFor()
    await expectAccessible(page)
    await go('/account')
    await page.getByText('this one').waitFor()
    await expectAccessible(page)
  })

  it('met no mistake in the browser, and no page asked another host', () => {
    expect(world.complaints).toEqual([])
  })
})

describe('where everybody is deactivated', () => {
  it('says so, and shows them', async () => {
    await world.database.db.query(
      `update users set active = false, deactivated_by = 'source', deactivated_at = now() where active`,
    )
    await world.database.db.query('update user_names set held = false')
    await go('/users')
    await page.getByText('Nobody is active').waitFor()
    await button('Show all users').click()
    await page.getByRole('link', { name: 'mallory@contoso.com' }).waitFor()

    expect(page.url()).toContain('status=all')
  })
})
