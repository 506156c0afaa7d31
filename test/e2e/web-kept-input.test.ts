// What somebody has typed or asked for is neither taken away nor refused for good, whatever becomes of the answer.
import type { Locator, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashPassword } from '../../src/signin/hashing.ts'
import { type BrowserWorld, aBrowserWorld } from '../support/browser.ts'
import { letPeopleSignIn } from '../support/browser-sign-in.ts'

const PASSWORD = 'a lighthouse under seven moons'
let world: BrowserWorld

beforeAll(async () => {
  world = await aBrowserWorld({ users: 5, groups: 1, memberships: 3 })
  await letPeopleSignIn(world)
  await world.database.db.query(
    `insert into administrators (name, name_key, role, password, created_at) values ('grace', 'grace', 'viewer', $1, now())`,
    [await hashPassword(PASSWORD)],
  )
})
afterAll(() => world.stop())

/** A refusal as the server would send it. */
const refusal = (status: number, code: string) => ({
  status,
  contentType: 'application/problem+json',
  body: JSON.stringify({
    type: `urn:muster:problem:${code}`,
    title: 'Refused',
    status,
    code,
    detail: `Refused: ${code}.`,
  }),
})

describe('signing in', () => {
  it('keeps name and password where they were not looked at', async () => {
    const page = await world.open()
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('textbox', { name: 'Name' }).fill('grace')
    await page.getByLabel('Password').fill(PASSWORD)
    const signIn = page.getByRole('button', { name: 'Sign in', exact: true })
    await page.route('**/api/v1/session', (route) => route.fulfill(refusal(429, 'slow-down')), { times: 1 })
    await signIn.click()
    await page.getByText('Refused: slow-down.').waitFor()
    expect(await page.getByLabel('Password').inputValue()).toBe(PASSWORD)
    await page.route('**/api/v1/session', (route) => route.abort(), { times: 1 })
    await signIn.click()
    await page.getByText('The server did not answer').waitFor()

    expect(await page.getByLabel('Password').inputValue()).toBe(PASSWORD)
    await signIn.click()
    await page.getByRole('banner').getByRole('button', { name: 'grace' }).waitFor()
  })
})

describe('a search', () => {
  it('keeps the letters that are typed before the address has those of before', async () => {
    const page = await world.open('viewer')
    await page.goto(`${world.url}/groups`)
    const search = page.getByRole('searchbox')
    await search.waitFor()
    // The last letters come in the middle of what the page does with the first.
    await page.evaluate(`{
      const field = document.querySelector('input[type=search], [role=searchbox]')
      const type = (text) => {
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, text)
        field.dispatchEvent(new Event('input', { bubbles: true }))
      }
      for (const way of ['pushState', 'replaceState']) {
        const go = history[way].bind(history)
        history[way] = (state, unused, url) => {
          go(state, unused, url)
          if (/=mallo(&|$)/.test(String(url)) && field.value === 'mallo') type('mallory')
        }
      }
    }`)
    await search.fill('mallo')
    await page.waitForURL(/=mallory(&|$)/)

    expect(await search.inputValue()).toBe('mallory')
    // What changes the address behind the field's back counts all the same.
    await page.getByRole('link', { name: 'Groups', exact: true }).click()
    await expect.poll(() => search.inputValue()).toBe('')
  })
})

describe('a list', () => {
  it('stays where its next page fails, which is asked for again by whoever wants it', async () => {
    const page = await world.open('viewer')
    let failing = true
    let asked = 0
    await page.route(/\/api\/v1\/users(\?|$)/, (route) => {
      const url = new URL(route.request().url())
      url.searchParams.set('limit', '3')
      if (!url.searchParams.has('cursor')) return route.continue({ url: url.href })
      asked += 1
      return failing ? route.fulfill(refusal(500, 'internal')) : route.continue({ url: url.href })
    })
    await page.goto(`${world.url}/users`)
    await page.getByRole('alert').getByText('Refused: internal.').waitFor()
    await world.settled(page)

    expect(await page.getByRole('table').getByRole('link').count()).toBe(3)
    // Its place is in sight all the time.
    expect(asked).toBe(1)
    failing = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText('5 shown').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })
})

describe('a file', () => {
  it('that cannot be saved is told to be so', async () => {
    const page = await world.open('operator')
    await page.goto(`${world.url}/users`)
    await page.getByRole('button', { name: 'Export', exact: true }).click()
    await page.route('**/api/v1/session', (route) => route.abort())
    await page.getByRole('menuitem', { name: 'Users as CSV' }).click()

    await page.getByText('The file could not be saved', { exact: true }).last().waitFor()
    expect(await page.getByText('The server did not answer').last().isVisible()).toBe(true)
  })
})

describe('Synchronize now', () => {
  it('of many sources leads to the results of all of them', async () => {
    const page = await world.open('operator')
    const jobs = Array.from(
      { length: 60 },
      (_none, place) => `00000000-0000-4000-8000-${String(place).padStart(12, '0')}`,
    )
    let asked = 0
    page.on('request', (request) => (asked += request.url().includes('/api/v1/jobs/') ? 1 : 0))
    await page.clock.install()
    await page.goto(`${world.url}/settings/user-synchronization/results?jobs=${jobs.join(',')}`)

    // There are no such jobs; each says so, and goes on saying so.
    await page.getByRole('heading', { name: 'There is no such page' }).nth(59).waitFor()
    await page.clock.fastForward(10_000)
    await world.settled(page)
    expect(asked).toBe(60)
    expect(await page.getByText('Nothing is being synchronized').count()).toBe(0)
  })

  it('can be asked for again where the server does not know what became of it, and is one where it may be under way', async () => {
    const page = await world.open('operator')
    await page.goto(`${world.url}/settings/user-synchronization`)
    const keys: string[] = []
    const answers = [refusal(500, 'internal'), refusal(409, 'idempotency-unknown')]
    await page.route('**/api/v1/sources/*/runs', (route) => {
      keys.push(route.request().headers()['idempotency-key'] ?? '')
      const answer = answers.shift()
      return answer === undefined ? route.continue() : route.fulfill(answer)
    })
    await page.getByRole('checkbox', { name: 'staff' }).click()
    const button = page.getByRole('button', { name: 'Synchronize now' })
    await button.click()
    await page.getByText('Refused: internal.', { exact: true }).waitFor()
    await button.click()
    await page.getByText('Refused: idempotency-unknown.', { exact: true }).waitFor()
    await button.click()
    await page.getByRole('heading', { name: 'Synchronization Results' }).waitFor()

    expect(keys).toHaveLength(3)
    expect(keys[1]).toBe(keys[0])
    expect(keys[2]).not.toBe(keys[1])
  })
})

describe('whoever works without pointer and keys', () => {
  it('is there: what he asks for prolongs his session', async () => {
    const page = await world.open('viewer')
    await page.clock.install()
    await page.goto(`${world.url}/users`)
    await page.getByRole('heading', { name: 'Users', exact: true }).waitFor()
    const marks: boolean[] = []
    page.on('request', (request) => {
      if (request.url().includes('/api/v1/groups')) marks.push('x-muster-unattended' in request.headers())
    })
    await page.clock.fastForward(180_000)
    await page.getByRole('link', { name: 'Groups' }).dispatchEvent('click')
    await page.getByRole('heading', { name: 'Groups', exact: true }).waitFor()

    await expect.poll(() => marks).toContain(false)
    expect(marks).not.toContain(true)
  })
})

describe('what somebody else saved meanwhile', () => {
  const later = `updated_at = now() + interval '1 second'`
  const notRead = (page: Page) => page.getByText('Refused: internal.').waitFor()

  it('is not said to have been read of a source where it was not', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization`)
    await page.getByRole('link', { name: 'staff' }).click()
    await page.getByRole('spinbutton', { name: 'Priority' }).fill('60')
    await world.database.db.query(`update sources set ${later}`)
    await page.route('**/api/v1/sources/staff', (route) =>
      route.request().method() === 'GET' ? route.fulfill(refusal(500, 'internal')) : route.continue(),
    )
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await notRead(page)

    expect(await page.getByText('Somebody else saved this source meanwhile').count()).toBe(0)
    await page.unroute('**/api/v1/sources/staff')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Somebody else saved this source meanwhile').waitFor()
  })

  it('nor of a connection', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/connections?connection=contoso`)
    const form = page.getByRole('group', { name: 'Connection contoso' })
    await form.getByLabel('Application (client) ID').fill('99999999-2222-3333-4444-555555555555')
    await world.database.db.query(`update connections set ${later}`)
    await page.route('**/api/v1/connections', (route) => route.fulfill(refusal(500, 'internal')))
    await form.getByRole('button', { name: 'Save connection' }).click()
    await notRead(page)

    expect(await page.getByText('Somebody else saved this connection meanwhile').count()).toBe(0)
  })
})

describe('what is typed and not saved', () => {
  const discard = (page: Page) => page.getByRole('alertdialog', { name: 'Discard what you changed?' })
  const keep = async (page: Page) => {
    await discard(page).getByRole('button', { name: 'Keep editing' }).click()
    await discard(page).waitFor({ state: 'detached' })
  }

  it('of a new connection stays while other tabs of a source are looked at, and is not closed or saved away', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?add=entra`)
    await page.getByRole('tab', { name: 'Users' }).click()
    // Without a name of the source, which is nobody's mistake so far.
    await page.getByLabel('Result for User name').waitFor()
    await page.getByRole('tab', { name: 'General' }).click()
    await page.keyboard.press('Escape')
    // Nobody has changed anything: the connection that is chosen was not chosen by him.
    await page.getByRole('tab', { name: 'General' }).waitFor({ state: 'detached' })
    expect(await discard(page).count()).toBe(0)

    await page.goto(`${world.url}/settings/user-synchronization?add=entra`)
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('more-staff')
    await page.getByRole('button', { name: 'Add new' }).click()
    const form = page.getByRole('group', { name: 'New authentication server' })
    await form.getByLabel('Client secret').fill('shown-only-once')
    await page.getByRole('tab', { name: 'Users' }).click()
    await page.getByRole('switch', { name: 'Keep the old user name' }).waitFor()
    await page.getByRole('tab', { name: 'General' }).click()
    expect(await form.getByLabel('Client secret').inputValue()).toBe('shown-only-once')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('the new one is not saved yet').waitFor()
    await page.keyboard.press('Escape')
    await keep(page)
    expect(await form.getByLabel('Client secret').inputValue()).toBe('shown-only-once')
    await form.getByRole('button', { name: 'Cancel' }).click()
    await page.getByText('the new one is not saved yet').waitFor({ state: 'detached' })
  })

  it('of a list is not saved away: it is to be added first', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    await page.getByRole('tab', { name: 'Groups' }).click()
    const field = page.getByLabel('Ignore groups containing string')
    await field.fill('temp')
    await page.getByRole('tab', { name: 'General' }).click()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('what is typed here is not added yet').waitFor()
    await page.locator('input:focus').and(field).waitFor()
    await page.keyboard.press('Escape')
    await keep(page)
    await field.press('Enter')
    const asked = page.waitForRequest(/\/impact$/)
    await page.getByRole('button', { name: 'Save', exact: true }).click()

    expect((await asked).postDataJSON()).toMatchObject({ settings: { groups: { ignoreContaining: ['temp'] } } })
  })

  it('of a list stays where another setting makes it idle, and is shown where it keeps from saving', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    await page.getByRole('tab', { name: 'Groups' }).click()
    const field = page.getByRole('textbox', { name: 'Ignore groups containing string' })
    const imports = page.getByRole('switch', { name: 'Import groups' })
    if (!(await imports.isChecked())) await imports.click()
    await field.fill('temp')
    await imports.click()
    await field.waitFor({ state: 'hidden' })
    await page.getByRole('tab', { name: 'General' }).click()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.locator('input:focus').and(field).waitFor()

    expect(await field.inputValue()).toBe('temp')
    expect(await page.getByText('what is typed here is not added yet').isVisible()).toBe(true)
  })

  it('as the name of an own field is said to be taken where there is such a field', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    await page.getByRole('tab', { name: 'Users' }).click()
    const name = page.getByLabel('Name of the new field')
    await name.fill('shoeSize')
    await name.press('Enter')
    await page.getByRole('group', { name: 'shoeSize' }).waitFor()
    expect(await name.inputValue()).toBe('')
    await name.fill('shoeSize')
    await name.press('Enter')

    await page.getByText('there is a field of this name already').waitFor()
    expect(await page.getByRole('group', { name: 'shoeSize' }).count()).toBe(1)
  })

  it('of a filter is not replaced by a preset without being asked', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    await page.getByRole('tab', { name: 'Users' }).click()
    const preset = async () => {
      await page.getByRole('button', { name: 'Presets' }).click()
      await page.getByRole('menuitem').first().click()
    }
    const attribute = page.getByRole('combobox', { name: 'Attribute', exact: true }).first()
    // Where there is nothing yet, nothing is asked.
    await preset()
    await attribute.fill('department')
    await page.keyboard.press('Tab')
    await preset()
    const asked = page.getByRole('alertdialog', { name: 'Replace the conditions?' })
    await asked.getByRole('button', { name: 'Keep them' }).click()
    await asked.waitFor({ state: 'detached' })
    expect(await attribute.inputValue()).toBe('department')
    await preset()
    await asked.getByRole('button', { name: 'Replace' }).click()

    await expect.poll(() => attribute.inputValue()).toBe('givenName')
  })

  it('of a source is not given up by the way back in the browser without being asked', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization`)
    await page.getByRole('link', { name: 'staff' }).click()
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await name.fill('personnel')
    await page.evaluate('history.back()')
    await keep(page)
    expect(await name.inputValue()).toBe('personnel')
    await expect.poll(() => page.url()).toContain('source=staff')
    await page.evaluate('history.back()')
    await discard(page).getByRole('button', { name: 'Discard' }).click()
    await name.waitFor({ state: 'detached' })

    await expect.poll(() => page.url()).not.toContain('source=staff')
  })

  it('of a connection is not closed away, and the browser asks before the page is loaded again', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/connections?connection=contoso`)
    const form = page.getByRole('group', { name: 'Connection contoso' })
    const tenant = form.getByLabel('Tenant ID')
    const before = await tenant.inputValue()
    await tenant.fill('11111111-2222-3333-4444-555555555555')
    await page.keyboard.press('Escape')
    await keep(page)
    const asked = page.waitForEvent('dialog')
    page.on('dialog', (dialog) => void dialog.dismiss())
    await page.evaluate('setTimeout(() => location.reload())')
    expect((await asked).type()).toBe('beforeunload')
    expect(await tenant.inputValue()).toBe('11111111-2222-3333-4444-555555555555')
    await form.getByRole('button', { name: 'Cancel' }).click()
    await keep(page)
    await tenant.fill(before)
    await page.keyboard.press('Escape')
    await form.waitFor({ state: 'detached' })

    expect(await discard(page).count()).toBe(0)
  })

  it('as a credential of a connection is not given up without being asked: by Escape, Cancel and the way back in the browser', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/connections`)
    await page.getByRole('link', { name: 'contoso' }).click()
    const add = page.getByRole('button', { name: 'Add credential' })
    const dialog = page.getByRole('dialog', { name: 'Add credential' })
    const secret = dialog.getByLabel('Client secret')
    await add.click()
    await secret.fill('shown-only-once')
    await page.evaluate('history.back()')
    await keep(page)
    // One goes on where one was, in the dialog: it is what can be reached.
    await page.locator('input:focus').and(secret).waitFor()
    expect(await secret.inputValue()).toBe('shown-only-once')
    for (const close of [
      () => page.keyboard.press('Escape'),
      () => dialog.getByRole('button', { name: 'Cancel' }).click(),
    ]) {
      await close()
      await keep(page)
      await page.locator('input:focus, button:focus').and(dialog.locator('input, button')).waitFor()
      expect(await secret.inputValue()).toBe('shown-only-once')
    }
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await discard(page).getByRole('button', { name: 'Discard' }).click()
    await dialog.waitFor({ state: 'detached' })
    await add.click()
    // Who has given it up himself begins anew.
    expect(await secret.inputValue()).toBe('')
    await page.keyboard.press('Escape')
    // And where nothing is typed nobody is asked.
    await dialog.waitFor({ state: 'detached' })
    await add.click()
    await secret.fill('shown-only-once')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.evaluate('history.back()')
    await add.waitFor({ state: 'detached' })

    expect(await discard(page).count()).toBe(0)
  })

  it('of a new connection is nothing where all of it was put back', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/connections?add=connection`)
    const form = page.getByRole('group', { name: 'New authentication server' })
    const signIn = form.getByRole('switch', { name: 'Enable Sign in with Microsoft' })
    await signIn.click()
    await signIn.click()
    await form.getByLabel('Cloud').click()
    await page.getByRole('option', { name: 'Custom' }).click()
    await form.getByLabel('Graph URL').fill('http')
    await form.getByLabel('Graph URL').fill('')
    await form.getByLabel('Cloud').click()
    await page.getByRole('option', { name: 'Global' }).click()
    await page.keyboard.press('Escape')
    await form.waitFor({ state: 'detached' })

    expect(await discard(page).count()).toBe(0)
  })
})

describe('a new source', () => {
  it('can be made where the connections cannot be read, which is said, and asked again', async () => {
    const page = await world.open('administrator')
    let asked = 0
    await page.route('**/api/v1/connections', (route) => {
      asked += 1
      return route.fulfill(refusal(500, 'internal'))
    })
    await page.goto(`${world.url}/settings/user-synchronization?add=entra`)
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('more-staff')
    await page.getByRole('tabpanel').getByText('Refused: internal.').waitFor()
    await world.settled(page)

    expect(asked).toBeLessThanOrEqual(2)
    expect(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('more-staff')
    await page.unroute('**/api/v1/connections')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('combobox', { name: 'Authentication Server' }).click()
    await page.getByRole('option', { name: 'contoso' }).click()
    expect(await page.getByText('Refused: internal.').count()).toBe(0)
  })

  it('without a connection is told one thing about it, where it is put right', async () => {
    const page = await world.open('administrator')
    await page.route('**/api/v1/connections', (route) => route.fulfill({ json: { items: [] } }))
    await page.goto(`${world.url}/settings/user-synchronization?add=entra`)
    await page.getByRole('textbox', { name: 'Name', exact: true }).first().fill('more-staff')
    const form = page.getByRole('group', { name: 'New authentication server' })
    const save = page.getByRole('button', { name: 'Save', exact: true })
    await save.click()
    await page.getByText('choose one, or add a new one').waitFor()
    expect(await page.getByText('1 setting to correct').count()).toBe(1)
    await page.locator('input:focus').and(form.getByLabel('Name')).waitFor()
    await form.getByLabel('Client secret').fill('shown-only-once')
    await save.click()
    await page.getByText('the new one is not saved yet').waitFor()

    expect(await page.getByText('1 setting to correct').count()).toBe(1)
    expect(await page.getByText('choose one, or add a new one').count()).toBe(0)
    await page.locator('input:focus').and(form.getByLabel('Name')).waitFor()
  })
})

/** Answers of the server that wait until they are let through. */
async function hold(page: Page, request: { readonly method: string; readonly path: RegExp }): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  await page.route(request.path, async (route) => {
    if (route.request().method() === request.method) await promise
    await route.continue()
  })
  return resolve
}

/** As with a hand: where the field is, whatever it is ready for. */
async function typeInto(page: Page, field: Locator, text: string): Promise<void> {
  await field.scrollIntoViewIfNeeded()
  const box = await field.boundingBox()
  await page.mouse.click(box!.x + box!.width / 2, box!.y + box!.height / 2)
  await page.keyboard.type(text)
}

describe('what is typed on while a source is being saved', () => {
  const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true }).click()
  const isWrite = (request: Request) => request.method() === 'PUT'
  /** Opens the panel with another full name for everybody. */
  const changeFullName = async (page: Page, template: string) => {
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    await page.getByRole('tab', { name: 'Users' }).click()
    await page.getByRole('combobox', { name: 'Full name: from' }).click()
    await page.getByRole('option', { name: 'Template' }).click()
    const field = page.getByRole('textbox', { name: 'Full name: value' })
    await field.fill(template)
    return field
  }
  const impact = (page: Page) => page.getByRole('dialog', { name: 'What saving changes' })

  it('is not taken until whom it would change was looked at, and then it is', async () => {
    const page = await world.open('administrator')
    const field = await changeFullName(page, '%displayName% (looked at)')
    const release = await hold(page, { method: 'POST', path: /\/impact$/ })
    const looked = page.waitForRequest(/\/impact$/)
    await save(page)
    await looked
    await typeInto(page, field, 'unseen')
    expect(await field.inputValue()).toBe('%displayName% (looked at)')
    release()
    await impact(page).getByRole('button', { name: 'Back to editing' }).click()
    await impact(page).waitFor({ state: 'detached' })
    await typeInto(page, field, 'seen')

    expect(await field.inputValue()).toContain('seen')
  })

  it('is not written: that is what was looked at, whichever way the form became another one', async () => {
    const page = await world.open('administrator')
    const field = await changeFullName(page, '%displayName% (looked at)')
    const looking = page.waitForRequest(/\/impact$/)
    await save(page)
    const looked: unknown = (await looking).postDataJSON()
    await impact(page)
      .getByText(/Users: \d+ updated/)
      .waitFor()
    // As a program in the browser would.
    await page.evaluate(`{
      const field = [...document.querySelectorAll('input')].find(({ value }) => value === '%displayName% (looked at)')
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '%displayName% (unseen)')
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }`)
    await page.route(/\/sources\/staff$/, (route) =>
      isWrite(route.request()) ? route.fulfill(refusal(500, 'internal')) : route.continue(),
    )
    const writing = page.waitForRequest(isWrite)
    await impact(page).getByRole('button', { name: 'Save', exact: true }).click()
    const written: unknown = (await writing).postDataJSON()
    await page.getByText('Refused: internal.').waitFor()

    expect(await field.inputValue()).toBe('%displayName% (unseen)')
    const fullName = { template: '%displayName% (looked at)' }
    expect(looked).toMatchObject({ settings: { users: { properties: { fullName } } } })
    expect(written).toMatchObject(looked as object)
  })

  it('is not lost: nothing can be typed while it is written, and everything once that was refused', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    const priority = page.getByRole('spinbutton', { name: 'Priority' })
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await priority.fill('63')
    const { promise, resolve: release } = Promise.withResolvers<void>()
    await page.route(/\/sources\/staff$/, async (route) => {
      if (!isWrite(route.request())) return route.continue()
      await promise
      return route.fulfill(refusal(500, 'internal'))
    })
    const sent = page.waitForRequest(isWrite)
    await save(page)
    await sent
    await typeInto(page, name, 'unsaved')
    expect(await name.inputValue()).toBe('staff')
    expect(await page.getByRole('button', { name: 'Earlier settings' }).isDisabled()).toBe(true)
    release()
    await page.getByText('Refused: internal.').waitFor()
    await typeInto(page, name, 'unsaved')

    expect(await name.inputValue()).toContain('unsaved')
    expect(await priority.inputValue()).toBe('63')
  })
})

describe('what is typed on while a connection is being saved', () => {
  it('is not lost: nothing can be typed while it is written, and everything once that was refused', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/connections?connection=contoso`)
    const client = page.getByRole('textbox', { name: 'Application (client) ID' })
    const before = await client.inputValue()
    const { promise, resolve: release } = Promise.withResolvers<void>()
    await page.route(/\/connections\/contoso$/, async (route) => {
      if (route.request().method() !== 'PUT') return route.continue()
      await promise
      return route.fulfill(refusal(500, 'internal'))
    })
    const sent = page.waitForRequest((request) => request.method() === 'PUT')
    await page.getByRole('button', { name: 'Save connection' }).click()
    await sent
    await typeInto(page, client, 'unsaved')
    expect(await client.inputValue()).toBe(before)
    release()
    await page.getByText('Refused: internal.').waitFor()
    await typeInto(page, client, 'unsaved')

    expect(await client.inputValue()).toContain('unsaved')
  })

  it('nor in a source, and what is given up meanwhile is not chosen there', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    const server = page.getByRole('combobox', { name: 'Authentication Server' })
    await page.getByRole('button', { name: 'Add new' }).click()
    const form = page.getByRole('group', { name: 'New authentication server' })
    const name = form.getByRole('textbox', { name: 'Name', exact: true })
    await name.fill('another-tenant')
    await form.getByRole('textbox', { name: 'Tenant ID' }).fill('22222222-2222-4222-8222-222222222222')
    await form.getByRole('textbox', { name: 'Application (client) ID' }).fill('33333333-3333-4333-8333-333333333333')
    await form.getByLabel('Client secret').fill('shown-only-once')
    const release = await hold(page, { method: 'POST', path: /\/api\/v1\/connections$/ })
    const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/connections'))
    await form.getByRole('button', { name: 'Save connection' }).click()
    await sent
    await typeInto(page, name, 'unsaved')
    expect(await name.inputValue()).toBe('another-tenant')
    await form.getByRole('button', { name: 'Cancel' }).click()
    await form.waitFor({ state: 'detached' })
    release()
    await page.getByText('another-tenant was saved').last().waitFor()
    await world.settled(page)

    expect(await server.innerText()).toBe('contoso')
  })
})

describe('whom a source would change, looked at for long', () => {
  it('is given up without giving up what was typed, and asked for again', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    const priority = page.getByRole('spinbutton', { name: 'Priority' })
    await priority.fill('64')
    const { promise, resolve: release } = Promise.withResolvers<void>()
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'PUT') sent.push(request.url())
    })
    let looks = 0
    await page.route(/\/impact$/, async (route) => {
      looks += 1
      if (looks === 1) await promise
      await route.continue()
    })
    const looked = page.waitForRequest(/\/impact$/)
    const ended = page.waitForEvent('requestfailed')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await looked
    await page.getByText('Nothing is saved yet').waitFor()
    await page.getByRole('button', { name: 'Back to editing' }).click()
    await page.getByRole('button', { name: 'Cancel', exact: true }).waitFor()
    // The server need not go on.
    expect((await ended).url()).toMatch(/\/impact$/)
    release()
    expect(await priority.inputValue()).toBe('64')
    await priority.fill('65')
    await page.route(/\/sources\/staff$/, (route) =>
      route.request().method() === 'PUT' ? route.fulfill(refusal(500, 'internal')) : route.continue(),
    )
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Refused: internal.').waitFor()

    expect(sent).toHaveLength(1)
    expect(await priority.inputValue()).toBe('65')
  })
})

describe('what is given up while it is being saved', () => {
  const another = async (page: Page) => {
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Add Entra ID source' }).click()
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await name.fill('more-staff')
    return name
  }
  const giveUp = async (page: Page) => {
    await page.keyboard.press('Escape')
    await page.getByRole('alertdialog').getByRole('button', { name: 'Discard' }).click()
    await page.getByRole('tabpanel').waitFor({ state: 'detached' })
  }

  it('is not saved where only its impact was asked for so far', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    await page.getByRole('spinbutton', { name: 'Priority' }).fill('61')
    const release = await hold(page, { method: 'POST', path: /\/impact$/ })
    const sent: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'PUT') sent.push(request.url())
    })
    const looked = page.waitForResponse(/\/impact$/)
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await giveUp(page)
    const name = await another(page)
    release()
    await looked
    await world.settled(page)

    expect(sent).toEqual([])
    expect(await name.inputValue()).toBe('more-staff')
  })

  it('closes nothing that was opened since, where it was sent before', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/user-synchronization?source=staff`)
    await page.getByRole('spinbutton', { name: 'Priority' }).fill('62')
    const release = await hold(page, { method: 'PUT', path: /\/sources\/staff$/ })
    const sent = page.waitForRequest((request) => request.method() === 'PUT')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await sent
    await giveUp(page)
    const name = await another(page)
    release()
    await page.getByText('staff was saved').last().waitFor()
    await world.settled(page)

    expect(await name.inputValue()).toBe('more-staff')
  })

  it('nor where it is a connection', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/connections?connection=contoso`)
    const release = await hold(page, { method: 'PUT', path: /\/connections\/contoso$/ })
    const sent = page.waitForRequest((request) => request.method() === 'PUT')
    await page.getByRole('button', { name: 'Save connection' }).click()
    await sent
    await page.keyboard.press('Escape')
    await page.getByRole('group', { name: 'Connection contoso' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Add connection' }).click()
    const secret = page.getByLabel('Client secret')
    await secret.fill('shown-only-once')
    release()
    await page.getByText('contoso was saved').last().waitFor()
    await world.settled(page)

    expect(await secret.inputValue()).toBe('shown-only-once')
  })
})
