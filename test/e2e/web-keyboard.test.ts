// The administrator's whole path without a mouse, from an empty installation: only keys, and at each step the focus is where one
// expects it and can be seen.
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { update } from '../../src/emulator/operations.ts'
import { type BrowserWorld, aBrowserWorld, picture } from '../support/browser.ts'
import { expectFocus, Keyboard } from '../support/keyboard.ts'

const PASSWORD = 'seven lanterns over a quiet harbour'

let world: BrowserWorld
let page: Page
let keyboard: Keyboard

beforeAll(async () => {
  world = await aBrowserWorld({ users: 60, groups: 8, memberships: 200 })
  page = await world.open()
  keyboard = await Keyboard.of(page)
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await picture(page, 'failed')
})
afterAll(() => world.stop())

/** A field by its label, which says also that it must be filled in. */
const field = (label: string) => new RegExp(`^${label.replaceAll(/[()]/g, '\\$&')}( ?\\*)?$`)

async function fill(label: string, text: string): Promise<void> {
  await keyboard.tabTo('textbox', field(label))
  await keyboard.replace(text)
}

describe('with the keyboard alone, an administrator', () => {
  it('makes himself the first administrator', async () => {
    await page.goto(await world.setupLink())
    await expectFocus(keyboard, 'textbox', field('Name'))
    await keyboard.type('ada')
    await fill('Password', PASSWORD)
    await fill('Password, again', PASSWORD)
    await keyboard.press('Enter')

    await expectFocus(keyboard, 'heading', 'Welcome to Muster')
    expect(keyboard.unseen).toEqual([])
  })

  it('goes to Settings › User Synchronization › Add › Add Entra ID source', async () => {
    await keyboard.backTo('link', 'User Synchronization')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', 'User Synchronization')
    await keyboard.tabTo('button', 'Add')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'menuitem', 'Add Entra ID source')
    await keyboard.press('Escape')
    await expectFocus(keyboard, 'button', 'Add')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'menuitem', 'Add Entra ID source')
    await keyboard.press('Enter')
    await page.getByRole('tab', { name: 'General' }).waitFor()
    expect(keyboard.unseen).toEqual([])
  })

  it('closes the panel with Escape, and is where he was', async () => {
    await keyboard.press('Escape')
    await page.getByRole('tab', { name: 'General' }).waitFor({ state: 'detached' })
    await expectFocus(keyboard, 'button', 'Add')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'menuitem', 'Add Entra ID source')
    await keyboard.press('Enter')
    await page.getByRole('tab', { name: 'General' }).waitFor()
    expect(keyboard.unseen).toEqual([])
  })

  it('adds the connection in place, and checks it', async () => {
    await keyboard.tabTo('tab', 'General')
    await keyboard.tabTo('textbox', field('Name'))
    await keyboard.type('contoso-staff')
    await fill('Name', 'contoso')
    await fill('Tenant ID', world.hosted.tenantId)
    await fill('Application (client) ID', world.hosted.clientId)
    await fill('Client secret', world.hosted.clientSecret)
    await keyboard.tabTo('combobox', 'Cloud')
    await keyboard.choose('Custom')
    await fill('Sign-in URL', world.graphUrl)
    await fill('Graph URL', world.graphUrl)
    await keyboard.tabTo('button', 'Check connection')
    await keyboard.press('Enter')
    await page.getByText('The connection works').waitFor()
    await expectFocus(keyboard, 'button', 'Check connection')
    await keyboard.tabTo('button', 'Save connection')
    await keyboard.press('Enter')

    await expectFocus(keyboard, 'combobox', 'Authentication Server')
    expect(await page.getByRole('combobox', { name: 'Authentication Server' }).innerText()).toBe('contoso')
  })

  it('goes through General, Users and Groups', async () => {
    await keyboard.backTo('tab', 'General')
    await keyboard.press('ArrowRight', 'Enter')
    await expectFocus(keyboard, 'tab', 'Users')
    await page.getByRole('tabpanel', { name: 'Users' }).waitFor()
    await keyboard.tabTo('combobox', 'User name: from')
    await keyboard.choose('Template')
    await keyboard.tabTo('textbox', 'User name: value')
    await keyboard.replace('%upnPrefix%')
    await page.getByLabel('Result for User name').locator('dd').first().waitFor()
    await keyboard.tabTo('switch', 'Convert user names to lower case')
    await keyboard.press('Space')
    expect(await page.getByRole('switch', { name: 'Convert user names to lower case' }).isChecked()).toBe(true)
    await keyboard.backTo('tab', 'Users')
    await keyboard.press('ArrowRight', 'Enter')
    await expectFocus(keyboard, 'tab', 'Groups')

    const [first] = [...world.hosted.tenant.live('group')]
    const name = String(first!.properties['displayName'])
    await keyboard.tabTo('combobox', 'Ignore groups')
    await keyboard.type(name)
    await page.getByRole('option', { name }).first().waitFor()
    await keyboard.choose(new RegExp(`^${name}`))
    await keyboard.tabTo('button', `Remove ${name}`)
    await keyboard.press('Enter')
    await page.getByRole('button', { name: `Remove ${name}` }).waitFor({ state: 'detached' })
    await expectFocus(keyboard, 'button', 'Open Ignore groups')
  })

  it('saves the source, and is where the next step is', async () => {
    await keyboard.tabTo('button', 'Save')
    await keyboard.press('Enter')
    await page.getByText('contoso-staff is ready').waitFor()

    await expectFocus(keyboard, 'button', 'Preview')
    expect(keyboard.unseen).toEqual([])
  })

  it('previews, and reads the plan', async () => {
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', 'Synchronization Results')
    await page.getByText('This is what a synchronization would change').waitFor()
    await keyboard.tabTo('link', 'Look at the plan')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', /^Run \d+$/)
    // What is above the log makes room for itself when it comes.
    await world.settled(page)
    await keyboard.tabTo('combobox', 'Action')
    await keyboard.choose('create')
    await expectFocus(keyboard, 'combobox', 'Action')
    expect(keyboard.unseen).toEqual([])
  })

  it('ticks the source, synchronizes now, and follows it to its end', async () => {
    await keyboard.backTo('link', 'User Synchronization')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', 'User Synchronization')
    await keyboard.tabTo('checkbox', 'Choose contoso-staff')
    await keyboard.press('Space')
    // A toolbar is one stop: arrows lead on within it.
    await keyboard.backTo('button', 'Add')
    await keyboard.press('ArrowRight')
    await expectFocus(keyboard, 'button', 'Synchronize now')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', 'Synchronization Results')
    await page.getByText('Applied: people and groups are as in Entra.').waitFor()
    await keyboard.tabTo('log', 'Log')
    await keyboard.tabTo('link', 'Save log')
    await keyboard.backTo('link', 'Look at the run')
    await keyboard.press('Enter')

    await expectFocus(keyboard, 'heading', /^Run \d+$/)
    await world.settled(page)
    expect(await countUsers()).toBeGreaterThan(40)
  })

  it('takes the run back as far as looking at what that would do, and returns', async () => {
    await keyboard.tabTo('button', 'Undo')
    await keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Take this run back?' }).waitFor()
    await page.getByText('It would do this').waitFor()
    await keyboard.press('Escape')

    await expectFocus(keyboard, 'button', 'Undo')
    expect(keyboard.unseen).toEqual([])
  })

  it('looks at what other settings would change, goes back, and gives them up', async () => {
    await keyboard.backTo('link', 'User Synchronization')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', 'User Synchronization')
    await keyboard.tabTo('link', 'contoso-staff')
    await keyboard.press('Enter')
    await page.getByRole('switch', { name: 'Enabled' }).waitFor()
    await keyboard.tabTo('tab', 'General')
    await keyboard.press('ArrowRight', 'Enter')
    await keyboard.tabTo('combobox', 'Full name: from')
    await keyboard.choose('Template')
    await keyboard.tabTo('textbox', 'Full name: value')
    await keyboard.replace('%displayName% (staff)')
    await keyboard.tabTo('button', 'Save')
    await keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'What saving changes' }).waitFor()
    await keyboard.tabTo('button', 'Back to editing')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'button', 'Save')
    await keyboard.press('Escape')
    await expectFocus(keyboard, 'button', 'Discard')
    await keyboard.tabTo('button', 'Keep editing')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'button', 'Save')
    await keyboard.press('Escape')
    await expectFocus(keyboard, 'button', 'Discard')
    await keyboard.press('Enter')
    await page.getByRole('tab', { name: 'General' }).waitFor({ state: 'detached' })

    await expectFocus(keyboard, 'link', 'contoso-staff')
    expect(await nameOfEverybody()).not.toMatch(/\(staff\)/)
  })

  it('approves a plan that is held, with a reason', async () => {
    for (const { id } of [...world.hosted.tenant.live('user')].slice(0, 20))
      update(world.hosted.tenant, id, { accountEnabled: false })
    await keyboard.backTo('checkbox', 'Choose contoso-staff')
    await keyboard.press('Space')
    // A toolbar is one stop: arrows lead on within it.
    await keyboard.backTo('button', 'Add')
    await keyboard.press('ArrowRight')
    await expectFocus(keyboard, 'button', 'Synchronize now')
    await keyboard.press('Enter')
    await page.getByText('Held: the plan waits').waitFor()
    await keyboard.tabTo('link', 'Review and approve')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', /^Run \d+$/)
    await page.getByText('Why it waits for approval').waitFor()
    await keyboard.tabTo('button', 'Approve')
    await keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Approve this plan?' }).waitFor()
    await keyboard.tabTo('textbox', field('Reason'))
    await keyboard.type('twenty people left together')
    await keyboard.tabTo('button', 'Approve')
    await keyboard.press('Enter')
    await page.getByText('Approval of contoso-staff').waitFor()

    await expectFocus(keyboard, 'heading', /^Run \d+$/)
    expect(await countUsers('where not active')).toBeGreaterThan(10)
  })

  it('takes it back', async () => {
    await keyboard.tabTo('button', 'Undo')
    await keyboard.press('Enter')
    await page.getByText('It would do this').waitFor()
    await keyboard.tabTo('textbox', field('Reason'))
    await keyboard.type('they stay after all')
    await keyboard.tabTo('button', 'Undo')
    await keyboard.press('Enter')
    await expectFocus(keyboard, 'heading', 'Synchronization Results')
    await page.getByText('Taken back. What changed since').waitFor()
    await keyboard.tabTo('link', 'Look at the run')
    await keyboard.press('Enter')
    await page.getByText('Undo of contoso-staff').waitFor()

    await expectFocus(keyboard, 'heading', /^Run \d+$/)
    expect(await countUsers('where not active')).toBe(0)
  })

  it('has seen the focus all the way', () => {
    expect(keyboard.unseen).toEqual([])
    expect(world.complaints).toEqual([])
  })
})

async function nameOfEverybody(): Promise<string> {
  const { rows } = await world.database.db.query<{ full_name: string }>('select full_name from users')
  return rows.map(({ full_name }) => full_name).join(', ')
}

async function countUsers(where = ''): Promise<number> {
  const { rows } = await world.database.db.query<{ count: number }>(`select count(*)::int as count from users ${where}`)
  return rows[0]!.count
}
