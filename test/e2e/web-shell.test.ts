// What surrounds every screen, in a browser: weight of the first load, roles, dark, narrow, keyboard.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashPassword } from '../../src/signin/hashing.ts'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'

/** Of everything that the first page needs, compressed. */
const MOST_BYTES = 350_000

let world: BrowserWorld

beforeAll(async () => {
  world = await aBrowserWorld({ users: 5, groups: 1, memberships: 3 })
})
afterAll(() => world.stop())

const sources = (page: Page) => page.goto(`${world.url}/settings/user-synchronization`)

describe('the web', () => {
  it('weighs under 350 kB at the first load', async () => {
    const page = await world.open('viewer')
    const sizes: Promise<number>[] = []
    page.on('requestfinished', (request) =>
      sizes.push(
        request.sizes().then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize),
      ),
    )
    await sources(page)
    await page.getByText('No sources yet').waitFor()
    await page.waitForLoadState('networkidle')

    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    expect(bytes).toBeGreaterThan(50_000)
    expect(bytes).toBeLessThan(MOST_BYTES)
  })

  it('offers a viewer nothing that he may not do', async () => {
    const page = await world.open('viewer')
    await sources(page)
    await page.getByText('An administrator adds the first source.').waitFor()

    expect(await page.getByRole('button', { name: 'Add' }).count()).toBe(0)
    expect(await page.getByRole('link', { name: 'Administrators' }).count()).toBe(0)
  })

  it('asks who comes without a session to sign in, and leads on to where he wanted to go', async () => {
    await world.database.db.query('update setup set done_at = now()')
    const page = await world.open()
    await sources(page)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()

    expect(new URL(page.url()).searchParams.get('to')).toContain('/settings/user-synchronization')
    await expectAccessible(page)
  })

  it('signs in with name and password, and out again, after which nothing is shown any more', async () => {
    const hashed = await hashPassword('a lighthouse under seven moons')
    await world.database.db.query(
      `insert into administrators (name, name_key, role, password, created_at) values ('grace', 'grace', 'viewer', $1, now())`,
      [hashed],
    )
    const page = await world.open()
    await page.goto(`${world.url}/users`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByRole('textbox', { name: 'Name' }).fill('Grace')
    await page.getByLabel('Password').fill('not what it is, I am afraid')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('Signing in did not work').waitFor()
    await expectAccessible(page)
    await page.getByLabel('Password').fill('a lighthouse under seven moons')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Users', exact: true }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/users')
    await page.getByRole('button', { name: 'grace' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goto(`${world.url}/users`)

    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(
      await world.database.db.query(
        'select 1 from sessions s join administrators a on a.id = s.administrator_id where a.name = $1',
        ['grace'],
      ),
    ).toMatchObject({ rowCount: 0 })
  })

  it('is dark where the system is, and the navigation is a menu at 400 pixels', async () => {
    const page = await world.open('administrator', { width: 400, colorScheme: 'dark' })
    await sources(page)
    await page.getByText('No sources yet').waitFor()
    await picture(page, 'sources-400-dark')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Open navigation' }).click()
    await page.getByRole('dialog').getByRole('link', { name: 'Connections' }).click()

    await page.getByRole('heading', { name: 'Connections', exact: true }).waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('is used with the keyboard alone: skip link, menu, panel, and back to where one was', async () => {
    const page = await world.open('administrator')
    await sources(page)
    await page.getByText('No sources yet').waitFor()
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Skip to content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Add')
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'Add Entra ID source' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('tab', { name: 'General' }).waitFor()
    await page.keyboard.press('Escape')

    await page.getByRole('tab', { name: 'General' }).waitFor({ state: 'detached' })
  })

  it('tells without a source what needs attention, and who is here, beside the way to the first one', async () => {
    const page = await world.open('administrator')
    await page.route('**/api/v1/overview', async (route) => {
      const response = await route.fetch()
      const overview = (await response.json()) as { concerns: unknown[]; users: object }
      const concern = { level: 'warning', code: 'any', message: 'Look at this.', remedy: 'Do that.', at: null }
      const json = { ...overview, concerns: [concern], users: { ...overview.users, local: 130 } }
      await route.fulfill({ response, json })
    })
    await page.goto(world.url)
    await page.getByRole('region', { name: 'Needs attention' }).getByText('Look at this.').waitFor()

    expect(await page.getByRole('definition').allInnerTexts()).toContain('130')
    await page.getByRole('heading', { name: 'Welcome to Muster' }).waitFor()
    await expectAccessible(page)
    await page.unroute('**/api/v1/overview')
    await page.reload()
    await page.getByRole('heading', { name: 'Welcome to Muster', level: 1 }).waitFor()
  })

  it('says under Administrators where people of Entra get a role, and leads there', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/administrators`)
    await page.getByText('People who sign in with Microsoft may do so too').getByRole('link').click()

    await page.getByRole('heading', { name: 'Sign-in', exact: true }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/settings/sign-in')
  })

  it('leads from the API tokens to the API documentation', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/tokens`)
    const address = await page.getByRole('link', { name: 'API documentation' }).getAttribute('href')
    await page.goto(`${world.url}${address}`)

    await page.getByRole('heading', { name: 'Muster', exact: false }).first().waitFor()
    await world.settled(page)
    expect(world.complaints).toEqual([])
  })

  it('says that the server cannot be reached where a page cannot be loaded, keeps the menu, and goes on when it answers', async () => {
    const page = await world.open('administrator')
    await page.goto(world.url)
    await page.getByRole('heading', { name: 'Welcome to Muster' }).waitFor()
    await page.route('**/*', (route) => route.abort('connectionrefused'))
    await page.getByRole('link', { name: 'Audit' }).click()

    await page.getByText('The server cannot be reached').waitFor()
    expect(await page.getByRole('link', { name: 'Audit' }).count()).toBe(1)
    await expectAccessible(page)
    await picture(page, 'unreachable')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('The server cannot be reached').waitFor()
    await page.unroute('**/*')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Audit', exact: true }).waitFor()
  })

  it('says that it is what was read before while the server does not answer, and is new again without being asked', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/runs`)
    await page.getByText('No runs yet').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('heading', { name: 'Welcome to Muster' }).waitFor()
    await page.route('**/api/v1/**', (route) => route.abort('connectionrefused'))
    await page.getByRole('link', { name: 'Users' }).click()
    await page.getByText('No connection to Muster').waitFor()
    await page.getByRole('link', { name: 'Runs' }).click()
    await page.getByText('No runs yet').waitFor()
    expect(await page.getByText('No connection to Muster').count()).toBe(1)
    await page.getByRole('link', { name: 'Users' }).click()
    await page.getByText('This could not be loaded').waitFor()
    await page.unroute('**/api/v1/**')

    await page.getByText('No connection to Muster').waitFor({ state: 'detached' })
    await page.getByText('No users yet').waitFor()
  })

  it('loads a page anew whose parts the server has no more, because there is a newer version', async () => {
    const page = await world.open('administrator')
    await page.goto(world.url)
    await page.getByRole('heading', { name: 'Welcome to Muster' }).waitFor()
    let gone = 0
    await page.route('**/assets/audit-*', (route) => {
      gone += 1
      return gone === 1 || page.url().endsWith('/') ? route.fulfill({ status: 404, body: '' }) : route.continue()
    })
    await page.getByRole('link', { name: 'Audit' }).click()

    await page.getByRole('heading', { name: 'Audit', exact: true }).waitFor()
    expect(gone).toBeGreaterThan(1)
  })

  it('met no mistake in the browser, and no page asked another host', () => {
    expect(world.complaints).toEqual([])
  })
})

function focused(page: Page): Promise<string> {
  return page.evaluate<string>("document.activeElement?.innerText ?? ''")
}
