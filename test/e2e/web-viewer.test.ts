// A second administrator who may look and not change, as the first one lets him in: every screen that is for him, what can be pressed
// there, and what the server says to the rest.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { API } from '../../src/contract/api/api.ts'
import { type Endpoint, mayAct, ROLES } from '../../src/contract/api/endpoint.ts'
import { aWorldOfScreens, type WorldOfScreens } from '../support/screens.ts'

const PASSWORD = 'nine windows towards the evening'
/** Thirty screens, on a machine that others work on as well. */
const PATIENCE_MS = 600_000

// What he may press: it leads elsewhere, opens, closes, or says what is listed.
const LOOKING = new Set(
  `vera|Close|Show more|Show log|General|Users|Groups|clear|Status|Source|Local users only|Outcome|Object|Action|Kind
  |Show all users|Open|Why?|Whom do you ask about?|Another user|Open Another user`.split(/\n? *\|/),
)
/** How many of a plan's items are of a kind; shows those. */
const TALLY = /^[A-Z][a-zA-Z ]+: \d+$/
/** On the page about himself. */
const HIS_OWN = /^(?:Current password|New password|New password again)\*$|^Change password$|^Turn on$|^Sign out/

const PRESSABLE = `[...document.querySelectorAll(
    'button, summary, [role="button"], [role="switch"], [role="tab"], [role="menuitem"], input:not([type="search"])')]
  .filter((one) => one.getClientRects().length > 0 && !one.matches(':disabled, [aria-disabled="true"]'))
  .map((one) => (one.getAttribute('aria-label') || one.labels?.[0]?.innerText || one.innerText).trim())`

// As somebody would who has the session and more patience than the web offers.
const ASK_ALL = `async (requests) => {
  const session = await (await fetch('/api/v1/session')).json()
  const headers = { 'Content-Type': 'application/json', 'X-Muster-Csrf': session.csrf }
  return Promise.all(requests.map(async ([method, path]) => {
    const answer = await fetch(path, { method, headers, ...(method === 'GET' ? {} : { body: '{}' }) })
    return answer.status + ' ' + method + ' ' + path
  }))
}`

let all: WorldOfScreens
let page: Page
const answers: string[] = []

beforeAll(async () => {
  all = await aWorldOfScreens()
  const first = await all.open('account', {})
  await first.goto(`${all.world.url}/settings/administrators`)
  await first.getByRole('button', { name: 'Add administrator' }).click()
  const dialog = first.getByRole('dialog')
  await dialog.getByLabel('Name').fill('vera')
  await dialog.getByLabel('Password').fill(PASSWORD)
  await dialog.getByRole('radio', { name: 'Viewer' }).check()
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  await first.getByRole('cell', { name: 'vera' }).waitFor()

  // What concerns administrators alone, of which a viewer is not told.
  await all.world.database.db.query(
    `insert into alerts (key, facts, raised_at) values ('test', '{"kind":"guessing","terminal":"Entrance","tried":"card","misses":40}', now())`,
  )
  page = await all.open('nobody', {})
  page.on('response', (response) => {
    if (response.status() === 403) answers.push(`${new URL(page.url()).pathname}: ${response.url()}`)
  })
  await page.goto(`${all.world.url}/sign-in`)
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('vera')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
})
afterAll(() => all.world.stop())

describe('a viewer', () => {
  it(
    'sees every screen that is for him, where nothing that can be pressed changes anything',
    async () => {
      const found: string[] = []
      const mine = all.screens.filter(({ role = 'viewer', to = 'account' }) => role === 'viewer' && to === 'account')
      for (const screen of mine) {
        await all.show(page, screen)
        for (const name of await pressable(page)) {
          if (LOOKING.has(name) || TALLY.test(name) || (screen.name === 'account' && HIS_OWN.test(name))) continue
          found.push(`${screen.name}: ${name}`)
        }
      }

      expect(mine.length).toBeGreaterThan(15)
      expect(found).toEqual([])
      expect(answers).toEqual([])
    },
    PATIENCE_MS,
  )

  it('is told of no terminal on the overview, nor led to a page that refuses him', async () => {
    await page.goto(all.world.url)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const open = page.getByRole('button', { name: 'Open', exact: true })
    await open.first().waitFor()
    const told = await page.getByRole('main').innerText()
    const count = await open.count()
    for (let nth = 0; nth < count; nth += 1) {
      await open.nth(nth).click()
      await page.getByRole('main').getByRole('heading').first().waitFor()
      expect(await page.getByRole('heading', { name: 'Your role is Viewer' }).count()).toBe(0)
      await page.goBack()
      await open.first().waitFor()
    }

    expect(count).toBeGreaterThan(0)
    expect(told).not.toContain('guessing')
  })

  it('is led to nothing that is not for him, and told so where somebody sends him the address', async () => {
    await page.goto(all.world.url)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const links = await page.getByRole('navigation').getByRole('link').allInnerTexts()
    const others = all.screens.filter(({ role, first }) => role === 'administrator' && first === undefined)
    const told: string[] = []
    for (const { path, name } of others) {
      await page.goto(`${all.world.url}${path}`)
      await page.getByRole('main').getByRole('heading').first().waitFor()
      await all.world.settled(page)
      if ((await page.getByRole('heading', { name: 'Your role is Viewer' }).count()) > 0) told.push(name)
    }

    expect(links).toEqual(
      'Overview Users Groups Why? Runs Issues'.split(' ').concat('User Synchronization', 'Connections'),
    )
    expect(told).toEqual(['administrators', 'sign-in-settings', 'tokens', 'terminals', 'audit', 'installation'])
    expect(answers).toEqual([])
  })

  it('is refused by the server whatever changes something, or is for others', async () => {
    await page.goto(all.world.url)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const endpoints: readonly Endpoint[] = Object.values(API)
    const forOthers = endpoints.filter(({ role }) => {
      const needed = ROLES.find((known) => known === role)
      return needed !== undefined && !mayAct('viewer', needed)
    })
    const requests = forOthers.map(({ method, path }) => [method, path.replaceAll(/:\w+/g, '1')] as const)
    const statuses = await page.evaluate<string[]>(`(${ASK_ALL})(${JSON.stringify(requests)})`)

    expect(statuses).toEqual(requests.map(([method, path]) => `403 ${method} ${path}`))
    expect(requests.length).toBeGreaterThan(40)
    expect(all.world.complaints).toEqual([])
  })
})

/** The names of what can be pressed or set on the page, in the order of the page; links lead elsewhere. */
function pressable(of: Page): Promise<readonly string[]> {
  return of.evaluate<string[]>(PRESSABLE)
}
