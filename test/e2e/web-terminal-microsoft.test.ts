// Signing in with Microsoft at the terminal page: by a code on another device, over the emulator's own pages, and by password.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'
import {
  accountOf,
  asAdministrator,
  letPeopleSignIn,
  type RegistryPerson,
  typeAccount,
} from '../support/browser-sign-in.ts'

let world: BrowserWorld
let people: readonly RegistryPerson[]

beforeAll(async () => {
  world = await aBrowserWorld({ users: 6, groups: 2, memberships: 6 })
  people = await letPeopleSignIn(world)
})
afterAll(() => world.stop())

async function atTerminal(may: readonly string[], size = { width: 800, height: 480 }): Promise<Page> {
  const name = `Kiosk ${Math.random()}`
  const settings = { name, may, tells: ['groups'], unknownCard: 'refuse', cardTransform: null, days: 1 }
  const { token } = await asAdministrator<{ token: string }>(world, '/terminals', settings)
  const page = await world.open()
  await page.setViewportSize(size)
  await page.goto(`${world.url}/terminal#${token}`)
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  return page
}

const fullNameOf = async ({ id }: RegistryPerson) =>
  (await world.database.db.query<{ full_name: string }>('select full_name from users where id = $1', [id])).rows[0]!
    .full_name

/** The telephone: opens the address that the terminal shows and types the code there. */
async function onTelephone(terminal: Page): Promise<Page> {
  const address = await terminal.getByText(/\/devicelogin$/).textContent()
  const code = await terminal.locator('output').textContent()
  const phone = await world.open(undefined, { width: 400 })
  await phone.goto(address!)
  await phone.getByLabel('Code').fill(code!)
  await phone.getByRole('button', { name: 'Next' }).click()
  return phone
}

describe('a code on another device', () => {
  it('is shown with its address, typed on a telephone, and the terminal greets who signed in there', async () => {
    const person = people[0]!
    const terminal = await atTerminal(['deviceCode'])
    await terminal.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await terminal.getByRole('img', { name: 'The address as a QR code' }).waitFor()
    await terminal.getByText('Waiting for you to sign in').waitFor()
    await picture(terminal, 'terminal-device-code-800')
    await expectAccessible(terminal)
    const phone = await onTelephone(terminal)
    await typeAccount(phone, accountOf(world, person))
    await phone.getByRole('button', { name: 'Continue' }).click()
    await phone.getByText('You have signed in').waitFor()
    await terminal.getByRole('heading', { name: `Hello, ${await fullNameOf(person)}` }).waitFor()

    expect(await world.database.db.query('select 1 from sessions where user_id is not null')).toMatchObject({
      rowCount: 0,
    })
  })

  it('stands on the own page of who signed in at the terminal', async () => {
    const page = await world.open()
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await typeAccount(page, accountOf(world, people[0]!))
    const devices = page.getByRole('region', { name: 'Where I was identified' })
    // Written down every ten seconds.
    await expect
      .poll(
        async () => {
          await page.reload()
          await page.getByRole('heading', { name: 'Where I was identified' }).waitFor()
          return devices.getByRole('row', { name: 'Microsoft, with a code' }).count()
        },
        { timeout: 20_000, interval: 2_000 },
      )
      .toBe(1)
    await devices.scrollIntoViewIfNeeded()
    await picture(page, 'my-devices')
    await expectAccessible(page)
  })

  it('is told to have been declined where the person walks away on the telephone', async () => {
    const terminal = await atTerminal(['deviceCode'])
    await terminal.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    const phone = await onTelephone(terminal)
    await typeAccount(phone, accountOf(world, people[1]!))
    await phone.getByRole('button', { name: 'Cancel' }).click()
    await terminal.getByRole('alert').getByText('The sign-in was declined.').waitFor()
    await terminal.getByRole('button', { name: 'Back' }).click()

    await terminal.getByRole('heading', { name: 'Who are you?' }).waitFor()
    expect(await terminal.getByRole('heading').allTextContents()).toEqual(['Who are you?'])
  })
})

describe('a Microsoft password', () => {
  it('is off, with the reason, until an administrator allows it in the connection', async () => {
    const before = await atTerminal(['card', 'password'])
    const ways = await before.getByRole('button').allTextContents()
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/connections?connection=contoso`)
    const allow = page.getByRole('switch', { name: 'Microsoft passwords at terminals' })
    await allow.waitFor()
    await page.getByText('Microsoft advises against it').waitFor()
    const wasOn = await allow.isChecked()
    await allow.check()
    await picture(page, 'connection-passwords')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Save connection' }).click()
    await page.getByText('contoso was saved').first().waitFor()

    const { rows } = await world.database.db.query('select passwords_at_terminals as "isOn" from connections')
    expect({ ways, wasOn, rows }).toEqual({ ways: [], wasOn: false, rows: [{ isOn: true }] })
  })

  it('identifies who types it, and stays nowhere in the page', async () => {
    const person = people[1]!
    const { userName, password } = accountOf(world, person)
    const page = await atTerminal(['password'])
    await page.getByRole('button', { name: 'User name and Microsoft password' }).click()
    await page.getByLabel('User name').fill(userName)
    await page.getByLabel('Password at Microsoft').fill(password)
    // A browser passes over `off` where it sees a password, and offers to keep what is sent with a form.
    expect(await page.getByLabel('Password at Microsoft').getAttribute('autocomplete')).toBe('one-time-code')
    expect(await page.locator('form').count()).toBe(0)
    // A terminal at which nobody does anything for half a minute begins anew.
    await page.keyboard.press('End')
    await picture(page, 'terminal-password-800')
    await page.keyboard.press('End')
    await expectAccessible(page)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: `Hello, ${await fullNameOf(person)}` }).waitFor()

    expect(await page.content()).not.toContain(password)
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }])')).not.toContain(password)
  })

  it('is refused in words where it is wrong, or where Microsoft wants a second factor', async () => {
    const person = people[0]!
    const page = await atTerminal(['password'], { width: 400, height: 800 })
    const type = async (password: string) => {
      await page.getByRole('button', { name: 'User name and Microsoft password' }).click()
      await page.getByLabel('User name').fill(accountOf(world, person).userName)
      await page.getByLabel('Password at Microsoft').fill(password)
      await page.getByRole('button', { name: 'OK' }).click()
    }
    await type('wrong')
    await page.getByRole('alert').getByText('User name or password is wrong').waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    world.hosted.tenant.accounts.of(person.object_id).mfa = 'required'
    await type(accountOf(world, person).password)
    await page.getByRole('alert').getByText('Microsoft wants more than a password').waitFor()

    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
  })

  it('met no mistake in the browser, and no page asked another host but Microsoft’s', () => {
    expect(world.complaints.filter((complaint) => !complaint.startsWith(`asked ${world.graphUrl}/`))).toEqual([])
  })
})
