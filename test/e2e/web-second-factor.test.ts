// A second factor in a real browser: turned on with an app, asked for when signing in, lost, and reset by somebody else.
import { TOTP, URI } from 'otpauth'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'

const PASSWORD = 'kestrel umbrella radish plinth'
let world: BrowserWorld

beforeAll(async () => {
  world = await aBrowserWorld({ users: 2, groups: 1, memberships: 2 })
})
afterAll(() => world.stop())

/** The code of an app that was given this secret; `steps` half minutes from now. */
function codeOf(secret: string, steps = 0): string {
  const totp = URI.parse(`otpauth://totp/Muster:Ann?secret=${secret}&issuer=Muster&algorithm=SHA1&digits=6&period=30`)
  if (!(totp instanceof TOTP)) throw new Error('no time-based code')
  return totp.generate({ timestamp: Date.now() + steps * 30_000 })
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('banner').getByRole('button', { name: 'Ann' }).click()
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
}

async function typePassword(page: Page): Promise<void> {
  await page.getByLabel('Name').fill('Ann')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

it('is turned on, asked for, used in both ways, and reset by another administrator', async () => {
  const page = await world.open()
  await page.goto(await world.setupLink())
  await page.getByLabel('Name').fill('Ann')
  await page.getByLabel('Password').first().fill(PASSWORD)
  await page.getByLabel('Password, again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Create administrator and sign in' }).click()
  await page.getByRole('banner').getByRole('button', { name: 'Ann' }).waitFor()

  await page.goto(`${world.url}/account`)
  await page.getByText('Off: your password alone lets one in.').waitFor()
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByRole('dialog').getByLabel('Current password').fill(PASSWORD)
  await page.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click()
  await page.getByRole('img', { name: 'Square code for the authenticator app' }).waitFor()
  const secret = (await page.locator('output').textContent()) ?? ''
  await expectAccessible(page)
  await picture(page, 'second-factor-scan')
  await page.getByLabel('Code of the app').fill('000000')
  await page.getByRole('button', { name: 'Confirm' }).click()
  await page.getByText('The code is wrong').waitFor()
  await page.getByLabel('Code of the app').fill(codeOf(secret))
  await page.getByRole('button', { name: 'Confirm' }).click()
  await page.getByRole('button', { name: 'I have kept them' }).waitFor()
  const codes = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allTextContents()
  expect(codes).toHaveLength(10)
  await page.getByRole('button', { name: 'I have kept them' }).click()
  await page.getByText('10 of 10 recovery codes are left').waitFor()
  expect(await page.content()).not.toContain(codes[0])

  await signOut(page)
  await typePassword(page)
  await page.getByLabel('Code of the authenticator app').fill(codeOf(secret, 1))
  await expectAccessible(page)
  await picture(page, 'sign-in-second-factor')
  await page.keyboard.press('Enter')
  await page.getByRole('banner').getByRole('button', { name: 'Ann' }).waitFor()

  await signOut(page)
  await typePassword(page)
  await page.getByLabel('Code of the authenticator app').fill('123456')
  await page.keyboard.press('Enter')
  await page.getByText('The code is wrong').waitFor()
  await page.getByLabel('Code of the authenticator app').fill(codes[0] ?? '')
  await page.keyboard.press('Enter')
  await page.getByRole('banner').getByRole('button', { name: 'Ann' }).waitFor()
  await page.goto(`${world.url}/account`)
  await page.getByText('9 of 10 recovery codes are left').waitFor()
  // One's own goes there alone, with password and code.
  await page.goto(`${world.url}/settings/administrators`)
  await page.getByRole('row', { name: 'Ann' }).getByRole('button', { name: 'Change' }).waitFor()
  expect(await page.getByRole('button', { name: 'Reset second factor' }).count()).toBe(0)

  const other = await world.open('administrator', { width: 400, colorScheme: 'dark' })
  await other.goto(`${world.url}/settings/administrators`)
  await other.getByRole('button', { name: 'Reset second factor' }).click()
  await other.getByRole('dialog').getByRole('button', { name: 'Reset second factor' }).click()
  await other.getByRole('dialog').waitFor({ state: 'detached' })
  await other.getByRole('button', { name: 'Reset second factor' }).waitFor({ state: 'detached' })
  await page.reload()
  await typePassword(page)
  await page.getByRole('banner').getByRole('button', { name: 'Ann' }).waitFor()
  expect(world.complaints.filter((complaint) => !complaint.includes('401') && !complaint.includes('403'))).toEqual([])
})

it('is not needed by who came by a link of the console, and his lost password is set anew without it', async () => {
  const { database, app } = world
  await database.db.query(
    `insert into administrators (name, name_key, role, password, created_at) values ('Lea', 'lea', 'viewer', 'none', now())`,
  )
  await database.db.query('update setup set done_at = coalesce(done_at, now())')
  const actor = { kind: 'command line', name: 'root@host' } as const
  const { link } = await app.signInLink({ name: 'Lea', resetSecondFactor: false, actor })
  const page = await world.open()
  await page.goto(`${world.url}/link${new URL(link).hash}`)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('banner').getByRole('button', { name: 'Lea' }).waitFor()
  await page.goto(`${world.url}/account`)
  await page.getByText('You came by a link of the console').waitFor()
  expect(await page.getByLabel('Current password').count()).toBe(0)
  await expectAccessible(page)
  await page.getByLabel('New password').first().fill(PASSWORD)
  await page.getByLabel('New password again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('The password is changed').first().waitFor()
  // The next time it is asked for again.
  await page.getByLabel('Current password').waitFor()
  await page.context().close()

  const other = await world.open()
  await other.goto(`${world.url}/sign-in`)
  await other.getByLabel('Name').fill('Lea')
  await other.getByLabel('Password').fill(PASSWORD)
  await other.getByRole('button', { name: 'Sign in', exact: true }).click()
  await other.getByRole('banner').getByRole('button', { name: 'Lea' }).waitFor()
})
