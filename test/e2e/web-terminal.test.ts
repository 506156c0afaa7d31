// The terminal page in a browser, and the administrators' list that makes its token: card, PIN, unknown card, small and dark.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'
import { asAdministrator } from '../support/browser-sign-in.ts'

let world: BrowserWorld
let link: string
let pin: string

beforeAll(async () => {
  world = await aBrowserWorld({ users: 5, groups: 1, memberships: 3 })
  await world.database.db.query('update setup set done_at = now()')
  const fields = { fullName: 'Anna Berg', language: 'de-AT' }
  const { id } = await asAdministrator<{ id: string }>(world, '/users', { userName: 'anna.berg@contoso.com', fields })
  await asAdministrator(world, `/users/${id}/cards`, { card: '04A2B91C' })
  pin = (await asAdministrator<{ pin: string }>(world, `/users/${id}/pin`)).pin
})
afterAll(() => world.stop())

async function atTerminal(
  size?: { width: number; height: number },
  colorScheme: 'light' | 'dark' = 'light',
): Promise<Page> {
  const page = await world.open(undefined, { colorScheme })
  if (size !== undefined) await page.setViewportSize(size)
  await page.goto(link)
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  return page
}

/** As a reader that is a keyboard: at once, and Enter at the end. */
async function readCard(page: Page, card: string): Promise<void> {
  await page.keyboard.type(card)
  await page.keyboard.press('Enter')
}

async function typePin(page: Page): Promise<void> {
  for (const digit of pin) await page.getByRole('button', { name: digit, exact: true }).click()
  await page.getByRole('button', { name: 'OK' }).click()
}

describe('Settings › Terminals', () => {
  it('makes a terminal and shows its token once, with a link for the terminal page', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/terminals`)
    await page.getByText('No terminals').waitFor()
    await page.getByRole('button', { name: 'Add terminal' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Entrance')
    await page.getByRole('checkbox', { name: 'PIN alone' }).check()
    await page.getByText('as secret as the key file').waitFor()
    await page.getByRole('radio', { name: 'may be registered by who' }).check()
    await picture(page, 'terminals-add')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    const dialog = page.getByRole('alertdialog')
    await dialog.getByRole('img', { name: 'The link as a QR code' }).waitFor()
    link = (await dialog.getByRole('link').getAttribute('href'))!
    await picture(page, 'terminals-token')
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('cell', { name: 'Entrance' }).waitFor()
    await expectAccessible(page)
    await picture(page, 'terminals-list')
    const endsIn = (time: string) =>
      world.database.db.query(`update terminals set expires_at = now() + $1::interval where name = 'Entrance'`, [time])
    await endsIn('-1 hour')
    await page.reload()
    await page.getByRole('row', { name: 'Entrance' }).getByText('has ended').waitFor()
    await endsIn('1 year')

    expect(link).toMatch(new RegExp(`^${world.url}/terminal#mtt_[\\w-]{43}$`))
    expect(await page.content()).not.toContain(link.slice(-40))
  })

  it('changes what a terminal may, gives it another token, and revokes it', async () => {
    await asAdministrator(world, '/terminals', {
      name: 'Old printer',
      may: ['card'],
      tells: [],
      unknownCard: 'refuse',
      cardTransform: null,
      days: null,
    })
    const page = await world.open('administrator', { width: 400, colorScheme: 'dark' })
    await page.goto(`${world.url}/settings/terminals`)
    const row = page.getByRole('row', { name: 'Old printer' })
    await row.getByRole('button', { name: 'Change' }).click()
    await page.getByRole('checkbox', { name: 'user name and PIN' }).check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await row.getByRole('button', { name: 'New token' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'New token' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Done' }).click()
    await row.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await row.waitFor({ state: 'detached' })

    const { rows } = await world.database.db.query<{ may: string[]; gone: boolean }>(
      `select may, revoked_at is not null as gone from terminals where name = 'Old printer'`,
    )
    expect(rows).toEqual([{ may: ['card', 'userNamePin'], gone: true }])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
  })
})

describe('the terminal page', () => {
  it('takes its token from the link, keeps it, and shows it nowhere', async () => {
    const page = await atTerminal()
    const address = page.url()
    await page.goto(`${world.url}/terminal`)
    await page.getByRole('heading', { name: 'Who are you?' }).waitFor()

    expect(address).toBe(`${world.url}/terminal`)
    expect(await page.content()).not.toContain('mtt_')
  })

  it('greets by card in the person’s language and waits for the next one', async () => {
    const page = await atTerminal({ width: 800, height: 480 })
    await picture(page, 'terminal-waiting-800')
    await expectAccessible(page)
    await readCard(page, '04a2b91c')
    await page.getByRole('heading', { name: 'Hallo, Anna Berg' }).waitFor()
    await picture(page, 'terminal-identified-800')
    expect(await page.getByRole('main').getAttribute('lang')).toBe('de')
    await page.getByRole('button', { name: 'Fertig' }).click()

    await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
  })

  it('takes a PIN on its pad, also on a narrow dark screen', async () => {
    const page = await atTerminal({ width: 400, height: 800 }, 'dark')
    await page.getByRole('button', { name: 'PIN', exact: true }).click()
    await page.getByRole('heading', { name: 'PIN' }).waitFor()
    await picture(page, 'terminal-pin-400-dark')
    await expectAccessible(page)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
    await typePin(page)

    await page.getByRole('heading', { name: 'Hallo, Anna Berg' }).waitFor()
  })

  it('is used with the keyboard alone', async () => {
    const page = await atTerminal({ width: 800, height: 480 })
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'PIN' }).waitFor()
    await picture(page, 'terminal-pin-800')
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBeLessThanOrEqual(480)
    await page.keyboard.type(pin)
    await page.keyboard.press('Enter')

    await page.getByRole('heading', { name: 'Hallo, Anna Berg' }).waitFor()
  })

  it('says that a PIN is wrong', async () => {
    const page = await atTerminal()
    await page.getByRole('button', { name: 'PIN', exact: true }).click()
    await page.getByLabel('PIN').fill(pin === '135792' ? '135793' : '135792')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('The PIN is wrong').waitFor()
    await page.getByRole('button', { name: 'Back' }).click()

    await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
    expect(await page.getByRole('heading').allTextContents()).toEqual(['Who are you?'])
  })

  it('registers an unknown card to who identifies himself, after he said so', async () => {
    const page = await atTerminal()
    await readCard(page, 'NEWCARD77')
    await page.getByRole('heading', { name: 'This card is unknown' }).waitFor()
    await page.getByRole('button', { name: 'PIN', exact: true }).click()
    await typePin(page)
    await page.getByRole('button', { name: 'Die gezeigte Karte registrieren' }).click()
    await page.getByText('Die Karte gehört jetzt Ihnen.').waitFor()
    await page.getByRole('button', { name: 'Fertig' }).click()
    await readCard(page, 'newcard77')

    await page.getByRole('heading', { name: 'Hallo, Anna Berg' }).waitFor()
    expect(await page.getByRole('heading').allTextContents()).toEqual(['Hallo, Anna Berg'])
  })

  it('says in the person’s language why a card was not registered', async () => {
    const page = await atTerminal()
    await readCard(page, 'NEWCARD78')
    await page.getByRole('button', { name: 'PIN', exact: true }).click()
    await typePin(page)
    const register = page.getByRole('button', { name: 'Die gezeigte Karte registrieren' })
    await register.waitFor()
    await world.database.db.query('delete from terminal_registrations')
    await register.click()

    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toContain('Die zwei Minuten dafür sind vorbei')
  })

  it('drops the answer to who has left, so that nobody registers a card as he', async () => {
    const page = await atTerminal()
    const { promise: letThrough, resolve: letItThrough } = Promise.withResolvers<void>()
    let nth = 0
    await page.route('**/api/v1/terminal/authenticate', async (route) => {
      nth += 1
      if (nth > 1) return route.continue()
      const response = await route.fetch()
      await letThrough
      return route.fulfill({ response })
    })
    await page.getByRole('button', { name: 'PIN', exact: true }).click()
    const asked = page.waitForRequest('**/api/v1/terminal/authenticate')
    await typePin(page)
    const annas = await asked
    await page.getByRole('button', { name: 'Back' }).click()
    await readCard(page, 'SOMEBODYS88')
    await page.getByRole('heading', { name: 'This card is unknown' }).waitFor()
    letItThrough()
    await (await annas.response())!.finished()
    // What the page does with the answer it has done before this one has come.
    await page.evaluate("fetch('/healthz').then((answer) => answer.text())")

    expect(await page.getByRole('heading').allTextContents()).toEqual(['This card is unknown'])
    await page.getByRole('button', { name: 'PIN', exact: true }).click()
    await page.getByRole('heading', { name: 'PIN' }).waitFor()
    expect(await page.getByRole('heading').allTextContents()).toEqual(['PIN'])
  })

  it('gives the browser nothing that it would offer to keep', async () => {
    const page = await atTerminal()
    await page.getByRole('button', { name: 'PIN', exact: true }).click()

    expect(await page.getByLabel('PIN').getAttribute('autocomplete')).toBe('one-time-code')
    expect(await page.locator('form').count()).toBe(0)
  })

  it('says that it is out of order when its token has ended, and takes another one', async () => {
    const page = await atTerminal()
    await world.database.db.query(`update terminals set revoked_at = now() where name = 'Entrance'`)
    await page.goto(`${world.url}/terminal`)
    await page.getByRole('heading', { name: 'This terminal is out of order' }).waitFor()
    await page.getByRole('button', { name: 'Enter another token' }).click()
    await page.getByRole('heading', { name: 'Set up this terminal' }).waitFor()
    await expectAccessible(page)
    await world.database.db.query(`update terminals set revoked_at = null where name = 'Entrance'`)
    await page.getByLabel('Token').fill(link.slice(link.indexOf('#') + 1))
    await page.getByRole('button', { name: 'Use this token' }).click()

    await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
    expect(await page.getByRole('heading').allTextContents()).toEqual(['Who are you?'])
  })

  it('met no mistake in the browser, and no page asked another host', () => {
    expect(world.complaints).toEqual([])
  })
})
