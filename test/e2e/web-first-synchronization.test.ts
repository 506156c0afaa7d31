// The administrator's path, word by word, in a browser and from an empty installation: connect, check, choose, preview, synchronize.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'

const PASSWORD = 'seven lanterns over a quiet harbour'

let world: BrowserWorld
let page: Page

beforeAll(async () => {
  world = await aBrowserWorld({ users: 60, groups: 8, memberships: 200 })
  page = await world.open()
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await picture(page, 'failed')
})
afterAll(() => world.stop())

const button = (name: string) => page.getByRole('button', { name, exact: true })
const field = (name: string) => page.getByRole('textbox', { name, exact: true })
/** The form of a connection in the panel. */
const connection = () => page.getByRole('group', { name: 'New authentication server' })

describe('an administrator with an empty installation', () => {
  it('becomes the first administrator by the link of the console', async () => {
    await page.goto(await world.setupLink())
    await page.getByRole('heading', { name: 'Set up Muster' }).waitFor()
    await expectAccessible(page)
    await field('Name').fill('ada')
    await page.getByLabel('Password', { exact: false }).first().fill(PASSWORD)
    await page.getByLabel('Password, again').fill(PASSWORD)
    await button('Create administrator and sign in').click()

    await button('ada').waitFor()
    expect(page.url()).not.toContain('#')
  })

  it('is led to Settings › User Synchronization › Add › Add Entra ID source', async () => {
    await page.getByRole('link', { name: 'User Synchronization' }).click()
    await page.getByRole('heading', { name: 'User Synchronization' }).waitFor()
    await page.getByText('No sources yet').waitFor()
    await expectAccessible(page)
    await button('Add').click()
    await page.getByRole('menuitem', { name: 'Add Entra ID source' }).click()

    await page.getByRole('tab', { name: 'General' }).waitFor()
    expect(await page.getByRole('tab').allInnerTexts()).toEqual(['General', 'Users', 'Groups'])
  })

  it('is told what lacks, at its field', async () => {
    await button('Save connection').click()

    await connection().getByText('must not be empty').first().waitFor()
    expect(await connection().getByText('must not be empty').count()).toBe(3)
    await connection().getByText('a credential is needed').waitFor()
  })

  it('is told by Check connection what is wrong with a secret, and what to do', async () => {
    await connection().getByLabel('Name').fill('contoso')
    await connection().getByLabel('Tenant ID').fill(world.hosted.tenantId)
    await connection().getByLabel('Application (client) ID').fill(world.hosted.clientId)
    await connection().getByLabel('Client secret').fill('not-the-secret')
    await connection().getByLabel('Cloud').click()
    await page.getByRole('option', { name: 'Custom' }).click()
    await connection().getByLabel('Sign-in URL').fill(world.graphUrl)
    await connection().getByLabel('Graph URL').fill(world.graphUrl)
    await connection().getByRole('button', { name: 'Check connection' }).click()

    await page.getByText('The connection does not work yet').waitFor()
    expect(await connection().getByRole('status').innerText()).toMatch(/secret/i)
  })

  it('checks and saves the connection in place, which is the Authentication Server then', async () => {
    await connection().getByLabel('Client secret').fill(world.hosted.clientSecret)
    await connection().getByRole('button', { name: 'Check connection' }).click()
    await page.getByText('The connection works').waitFor()
    await picture(page, 'connection')
    await button('Save connection').click()
    await connection().waitFor({ state: 'detached' })

    expect(await page.getByRole('combobox', { name: 'Authentication Server' }).innerText()).toBe('contoso')
  })

  it('sees what the mapping makes of three real users while typing', async () => {
    await field('Name').fill('contoso-staff')
    await page.getByRole('tab', { name: 'Users' }).click()
    const result = page.getByLabel('Result for User name')
    await result.waitFor()
    expect(await result.locator('dd').count()).toBe(3)
    await page.getByRole('combobox', { name: 'User name: from' }).click()
    await page.getByRole('option', { name: 'Template' }).click()
    await page.getByRole('textbox', { name: 'User name: value' }).fill('x-%userPrincipalName%')

    await result.getByText(/^x-/).first().waitFor()
    await picture(page, 'mapping')
    await page.getByRole('textbox', { name: 'User name: value' }).fill('%nonsense%')
    await page.getByText('unknown attribute').waitFor()
    // A mistake takes nothing away that was told before it.
    await page.getByText('The result is that of the settings before the mistake.').waitFor()
    expect(await result.getByText(/^x-/).count()).toBe(3)
    await page.getByRole('textbox', { name: 'User name: value' }).fill('%userPrincipalName%')
    await expectAccessible(page)
  })

  it('picks groups of Entra by name', async () => {
    await page.getByRole('tab', { name: 'Groups' }).click()
    await page.getByRole('combobox', { name: 'Ignore groups', exact: true }).click()
    const [first] = [...world.hosted.tenant.live('group')]
    const name = String(first!.properties['displayName'])
    await page.getByRole('combobox', { name: 'Ignore groups', exact: true }).fill(name)
    await page.getByRole('option', { name }).first().click()

    await page.getByRole('button', { name: `Remove ${name}` }).waitFor()
    expect(await page.getByRole('list', { name: 'Ignore groups', exact: true }).innerText()).toContain(name)
    await expectAccessible(page)
    await page.getByRole('button', { name: `Remove ${name}` }).click()
  })

  it('saves the source, and is told what comes next', async () => {
    await button('Save').click()
    await page.getByText('contoso-staff is ready').waitFor()

    expect(await page.getByRole('checkbox', { name: 'Choose contoso-staff' }).isChecked()).toBe(true)
    await picture(page, 'saved')
    await expectAccessible(page)
  })

  it('previews: the plan is made, and nobody is there yet', async () => {
    await page.getByRole('toolbar').getByRole('button', { name: 'Preview' }).click()
    await page.getByRole('heading', { name: 'Synchronization Results' }).waitFor()
    await page.getByText('This is what a synchronization would change').waitFor()

    expect(await page.getByRole('status').innerText()).toMatch(/Users: \d+ created/)
    expect(await countUsers()).toBe(0)
    await button('Synchronize now').waitFor()
    await expectAccessible(page)
  })

  it('finds whom the preview would create in its plan, without a way to pages that are not there yet', async () => {
    await page.getByRole('link', { name: 'Look at the plan' }).click()
    const plan = page.getByRole('table', { name: 'Plan' })
    await plan.getByText('Create user').first().waitFor()

    expect(await plan.locator('a[href^="/users/"], a[href^="/groups/"]').count()).toBe(0)
    await button('Synchronize now').waitFor()
  })

  it('ticks the source, synchronizes, and follows it to its end', async () => {
    await page.getByRole('link', { name: 'User Synchronization' }).click()
    await page.getByRole('checkbox', { name: 'Choose contoso-staff' }).check()
    await button('Synchronize now').click()
    await page.getByRole('heading', { name: 'Synchronization Results' }).waitFor()
    await page.getByText('Applied: people and groups are as in Entra.').waitFor()
    await picture(page, 'results')
    expect(await page.getByRole('log').innerText()).not.toBe('')
    await page.getByRole('link', { name: 'Save log' }).waitFor()
    await page.getByRole('link', { name: 'Look at the run' }).click()
    await page.getByRole('heading', { name: /^Run \d+/ }).waitFor()

    expect(page.url()).toMatch(/\/runs\/\d+$/)
    expect(await countUsers()).toBeGreaterThan(40)
    await page.getByRole('table', { name: 'Plan' }).locator('a[href^="/users/"]').first().waitFor()
  })

  it('is shown before saving whom other settings would change, and can go back', async () => {
    await page.getByRole('link', { name: 'User Synchronization' }).click()
    await page.getByRole('link', { name: 'contoso-staff' }).click()
    await page.getByRole('tab', { name: 'Users' }).click()
    await page.getByRole('switch', { name: 'Convert user names to lower case' }).waitFor()
    await page.getByRole('combobox', { name: 'Full name: from' }).click()
    await page.getByRole('option', { name: 'Template' }).click()
    await page.getByRole('textbox', { name: 'Full name: value' }).fill('%displayName% (staff)')
    const asked = page.waitForRequest(/\/impact$/)
    await button('Save').click()
    const dialog = page.getByRole('dialog', { name: 'What saving changes' })
    await dialog.waitFor()

    expect((await asked).postDataJSON()).toMatchObject({ name: 'contoso-staff', settings: { connection: 'contoso' } })

    expect(await dialog.innerText()).toMatch(/Users: \d+ updated/)
    await picture(page, 'impact')
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Back to editing' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Discard' }).click()
    await page.getByRole('tab', { name: 'General' }).waitFor({ state: 'detached' })
  })

  it('is told before saving what was never read, and previews it at once', async () => {
    await page.getByRole('link', { name: 'contoso-staff' }).click()
    await page.getByRole('tab', { name: 'Users' }).click()
    await page.getByRole('combobox', { name: 'Notes: from' }).click()
    await page.getByRole('option', { name: 'Attribute' }).click()
    await page.getByRole('combobox', { name: 'Notes: value' }).click()
    await page.getByRole('combobox', { name: 'Notes: value' }).fill('companyName')
    await page.getByRole('option', { name: 'companyName' }).click()
    await button('Save').click()
    const dialog = page.getByRole('dialog', { name: 'What saving changes' })
    await dialog.getByText('Never read so far: companyName').waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Save and preview' }).click()
    await page.getByRole('heading', { name: 'Synchronization Results' }).waitFor()
    await page.getByText('This is what a synchronization would change').waitFor()

    expect(await page.getByRole('status').innerText()).toMatch(/Users: \d+ updated/)
  })

  it('G19: is told at its field that the tenant does not have an attribute, and saves one that could not be asked for', async () => {
    const typed = `extension_${'c'.repeat(32)}_bagde`
    const { tenant, app } = world.hosted
    tenant.behaviour.unregisteredExtensions = 'ignored'
    await page.getByRole('link', { name: 'User Synchronization' }).click()
    await page.getByRole('link', { name: 'contoso-staff' }).click()
    await page.getByRole('tab', { name: 'Users' }).click()
    const value = page.getByRole('combobox', { name: 'Notes: value' })
    await value.fill(typed)
    await page.keyboard.press('Tab')
    await button('Save').click()
    await page.getByText(`Microsoft Entra has no attribute "${typed}" in this tenant`).first().waitFor()

    await expect.poll(() => value.getAttribute('aria-invalid')).toBe('true')
    await expectAccessible(page)

    world.emulator.withdrawRoles(app, ['User.Read.All'])
    await button('Save').click()
    const dialog = page.getByRole('dialog', { name: 'What saving changes' })
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('contoso-staff was saved, but look at this', { exact: true }).last().waitFor()
    world.emulator.grantRoles(app, ['User.Read.All'])
    // Screen readers are told the same beside it.
    await page.getByText(`Whether the tenant has the attribute "${typed}" was not checked`).last().waitFor()
    await expectAccessible(page)
    await page.getByText('Close', { exact: true }).click()
    await page.getByRole('link', { name: 'contoso-staff' }).click()
    await page.getByRole('tab', { name: 'Users' }).click()
    await value.fill('companyName')
    await page.keyboard.press('Tab')
    await button('Save').click()
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('tab', { name: 'Users' }).waitFor({ state: 'detached' })
  })

  it('sees warnings of lists, and mistakes of settings that another one makes idle', async () => {
    await page.getByRole('link', { name: 'User Synchronization' }).click()
    await page.getByRole('link', { name: 'contoso-staff' }).click()
    await page.getByRole('combobox', { name: 'Read changes' }).fill('none')
    await page.getByRole('combobox', { name: 'Compare everything' }).fill('none')
    await page.getByText('No schedule runs this source').waitFor()
    await page.getByRole('tab', { name: 'Users' }).click()
    await button('Add to aliases').click()
    await page.getByRole('combobox', { name: 'Aliases 1: value', exact: true }).fill('employeeLeaveDateTime')
    await page.getByText('User-LifeCycleInfo.Read.All').waitFor()
    await page.getByRole('spinbutton', { name: 'Grace period (days)' }).fill('some')
    await page.getByRole('switch', { name: 'Deactivate missing users' }).click()
    await button('Save').click()
    await page.getByText('1 setting to correct before it can be saved').waitFor()

    expect(await page.locator('[aria-invalid="true"]').count()).toBe(1)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Discard' }).click()
  })

  it('loses nothing that somebody else saved meanwhile', async () => {
    await page.getByRole('link', { name: 'contoso-staff' }).click()
    await page.getByRole('tab', { name: 'Users' }).click()
    await page.getByRole('switch', { name: 'Keep the old user name' }).click()
    await world.database.db.query(
      `update sources set settings = jsonb_set(settings, '{priority}', '7'), priority = 7, updated_at = now() + interval '1 second'`,
    )
    // The notes that were asked for are not applied yet.
    const dialog = page.getByRole('dialog', { name: 'What saving changes' })
    await button('Save').click()
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Somebody else saved this source meanwhile').waitFor()
    await expectAccessible(page)
    await button('Save').click()
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()

    // What it says of an earlier saving may stand there still: what is stored tells.
    const stored = async () =>
      world.database.db.query<{ priority: number; keeps: boolean }>(
        `select priority, (settings #>> '{users,options,keepOldUserName}')::boolean as keeps from sources`,
      )
    await expect.poll(async () => (await stored()).rows, { timeout: 15_000 }).toEqual([{ priority: 7, keeps: false }])
  })

  it('follows a run that another server takes up', async () => {
    const { rows } = await world.database.db.query<{ job: string }>(
      `with silent as (
         insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version)
         select id, name, 'sync', 'delta', 'manual', fence, 'elsewhere', 1, 'long ago', settings_version from sources returning *)
       insert into jobs (id, source_id, source_name, kind, trigger, actor_kind, actor_name, actor_id, askers, state, run_id)
       select gen_random_uuid(), source_id, source_name, 'sync', 'manual', 'account', 'ada', a.id,
         jsonb_build_array(jsonb_build_object('kind', 'account', 'name', 'ada', 'id', a.id, 'full', false)), 'running', s.id
       from silent s, administrators a
       returning id as job`,
    )
    await page.goto(`${world.url}/settings/user-synchronization/results?jobs=${rows[0]!.job}`)
    await page.getByText('Nothing was logged yet').waitFor()
    await world.database.db.query(
      `update runs set state = 'ended', outcome = 'failed', ended_at = now(),
         summary = '{"error":{"code":"server-stopped","message":"the server was stopped","requestId":null}}'
       where host = 'elsewhere'`,
    )
    await page.getByText('was interrupted. Nothing was left half done.').waitFor()
    // Servers look for what nobody works on every 15 seconds.
    await page.getByText('Applied: people and groups are as in Entra.').waitFor({ timeout: 45_000 })

    expect(await page.getByText('Failed').count()).toBe(0)
  })

  it('compares everything where that is asked for', async () => {
    await page.getByRole('link', { name: 'User Synchronization' }).click()
    await page.getByRole('checkbox', { name: 'Choose contoso-staff' }).check()
    await page.getByRole('checkbox', { name: 'Compare everything' }).check()
    await button('Synchronize now').click()
    await page.getByText('Nothing had to be changed.').waitFor()

    const { rows } = await world.database.db.query<{ mode: string }>('select mode from runs order by id desc limit 1')
    expect(rows).toEqual([{ mode: 'full' }])
  })

  it('O4: goes back to earlier settings, which are filled in and saved like any others', async () => {
    await page.getByRole('link', { name: 'User Synchronization' }).click()
    await page.getByRole('link', { name: 'contoso-staff' }).click()
    await button('Earlier settings').click()
    const dialog = page.getByRole('dialog', { name: 'Earlier settings of contoso-staff' })
    const entries = dialog.getByRole('listitem').filter({ has: page.getByRole('button', { name: /^Put back number/ }) })
    await entries.first().waitFor()
    await expectAccessible(page)
    await picture(page, 'earlier-settings')
    const first = dialog.getByRole('button', { name: 'Put back number 1', exact: true })
    // What comes after the dialog was closed is not wanted any more.
    let release = () => {}
    const closed = new Promise<void>((resolve) => (release = resolve))
    await page.route('**/settings/1', async (route) => {
      await closed
      await route.continue()
    })
    const late = page.waitForResponse('**/settings/1')
    await first.click()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await dialog.waitFor({ state: 'detached' })
    release()
    await (await late).finished()
    await page.unroute('**/settings/1')
    await button('Earlier settings').click()
    await entries.first().waitFor()
    expect(await page.getByText('The settings of number 1 are filled in').count()).toBe(0)
    await first.click()
    await page.getByText('The settings of number 1 are filled in').waitFor()
    await expectAccessible(page)
    await page.getByRole('tab', { name: 'Users' }).click()
    expect(await page.getByRole('switch', { name: 'Keep the old user name' }).isChecked()).toBe(true)
    await button('Save').click()
    await page.getByRole('tab', { name: 'Users' }).waitFor({ state: 'detached' })

    const stored = async () =>
      world.database.db.query<{ same: boolean }>(
        `select (select settings from source_settings k where k.source_id = s.id and number = 1) = s.settings as same from sources s`,
      )
    await expect.poll(async () => (await stored()).rows, { timeout: 15_000 }).toEqual([{ same: true }])
  })

  it('met no mistake in the browser, and no page asked another host', () => {
    expect(world.complaints).toEqual([])
  })
})

async function countUsers(): Promise<number> {
  const { rows } = await world.database.db.query<{ count: number }>('select count(*)::int as count from users')
  return rows[0]!.count
}
