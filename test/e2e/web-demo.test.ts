// What the demo promises, kept: as a process of its own, its link in a browser, and the commands that it prints.
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, picture } from '../support/browser.ts'
import { callMuster, startMuster } from '../support/muster.ts'

const STEP_MS = 20_000
/** Installing a database, a first load, the server. */
const START_MS = 100_000

let home: string
let demo: ReturnType<typeof startMuster>
let browser: Browser
let told = ''
let pin: string

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-web-demo-`))
  await chmod(home, 0o700)
  demo = startMuster(['demo'], { env: { MUSTER_HOME: home } })
  browser = await launchBrowser()
  for await (const text of demo.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    told += String(text)
    if (/muster sync \S+\n$/.test(told)) return
  }
  throw new Error(`the demo ended: ${told}`)
}, START_MS)
afterAll(async () => {
  await browser.close()
  if (demo.exitCode === null) {
    demo.kill('SIGINT')
    await once(demo, 'close')
  }
  await rm(home, { recursive: true })
})

const printed = (what: RegExp): string => {
  const found = what.exec(told)?.[1]
  if (found === undefined) throw new Error(`the demo did not print ${String(what)}`)
  return found
}
const link = () => printed(/^ +(http:\/\/\S+\/link#\S+)$/m)

async function typeAccount(page: Page, userName: string): Promise<void> {
  await page.locator('#loginfmt').fill(userName)
  await page.locator('#passwd').fill(printed(/password (\S+)/))
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function signInWithMicrosoft(page: Page, userName: string): Promise<void> {
  await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
  await typeAccount(page, userName)
}

async function open(address: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(STEP_MS)
  await page.goto(address)
  return page
}

describe('the demo', () => {
  let page: Page

  it('prints a link that signs in as administrator, where everything is there at once', async () => {
    page = await open(link())
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const figure = async (name: string) =>
      Number(await page.getByLabel('In figures').locator('div', { hasText: name }).locator('dd').innerText())
    const people = (await figure('Active people')) + (await figure('Deactivated'))
    await picture(page, 'demo')

    expect(page.url()).not.toContain('#')
    expect(people).toBe(Number(printed(/now holds (\d+) people/)))
    expect(await figure('Groups')).toBe(Number(printed(/ and (\d+) groups\. Look/)))
    await page.getByRole('button', { name: 'Demo' }).click()
    await page.getByText('· Administrator').waitFor()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('link', { name: 'Administrators' }).count()).toBe(1)
  })

  it('shows who came, who is called otherwise and who left', async () => {
    await page.getByRole('link', { name: 'Users', exact: true }).click()
    await page.getByRole('searchbox').fill('wilson')
    await page.getByRole('link', { name: 'megan.wilson@contoso.com' }).waitFor()
    await page.getByRole('searchbox').fill('lovelace')
    await page.getByRole('link', { name: 'ada.lovelace@contoso.com' }).click()
    const reveal = { name: 'Reveal', exact: true }
    await page.getByRole('region', { name: 'Cards' }).getByRole('button', reveal).click()
    await page.getByRole('dialog').getByRole('button', reveal).click()
    await page.getByText('04:A2:3B:1C:55:18:15').waitFor()
    await page.goto(new URL('/users?status=deactivated', page.url()).href)

    await page.getByRole('link', { name: /^alex/i }).waitFor()
    expect(await page.getByRole('row').count()).toBe(2)
  })

  it('its link works once', async () => {
    const second = await open(link())
    await second.getByRole('button', { name: 'Sign in', exact: true }).click()

    await second.getByText('This link does not work').waitFor()
    await second.goto(new URL('/users', second.url()).href)
    await second.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await second.context().cookies()).not.toContainEqual(expect.objectContaining({ name: 'muster-session' }))
  })

  it('lets one in as one of its people, by the words that it prints, and draws a PIN for her', async () => {
    const person = await open(printed(/^ +(http:\/\/\S+\/sign-in) /m))
    await signInWithMicrosoft(person, printed(/user name (\S+)/))
    await person.getByRole('heading', { name: 'My page' }).waitFor()
    const draw = async () => {
      await person.getByRole('button', { name: 'Draw a new PIN' }).click()
      await person.getByRole('dialog').getByRole('button', { name: 'Draw a new PIN' }).click()
    }
    await draw()
    await person.getByRole('button', { name: 'Sign in anew with Microsoft' }).click()
    await typeAccount(person, printed(/user name (\S+)/))
    await person.getByText('It is confirmed that it is you', { exact: true }).waitFor()
    await draw()
    const shown = person.getByRole('alertdialog', { name: 'Your new PIN' })
    pin = await shown.getByText(/^\d{6,}$/).innerText()

    expect(await person.getByRole('link', { name: 'Users' }).count()).toBe(0)
  })

  it.each([
    ['raul.razo@contoso.com', 'Administrator', undefined],
    // He has a second factor at Microsoft.
    ['allan.deyoung@contoso.com', 'Operator', 'Approve'],
    ['kwame.mensah@contoso.com', 'Helpdesk', undefined],
  ])('lets %s in as %s, by the app role', async (userName, role, needs) => {
    const person = await open(printed(/^ +(http:\/\/\S+\/sign-in) /m))
    await signInWithMicrosoft(person, userName)
    if (needs !== undefined) await person.getByRole('button', { name: needs }).click()
    await person.getByRole('heading', { name: 'Overview' }).waitFor()
    await person.getByRole('button', { name: userName }).click()

    await person.getByText(`· ${role}`).waitFor()
    expect(await person.getByRole('link', { name: 'Users', exact: true }).count()).toBe(1)
  })

  it('has a terminal that knows her by the card that it prints, by her PIN, and by a code', async () => {
    const terminal = await open(printed(/^ +(http:\/\/\S+\/terminal#\S+) /m))
    const isKnown = async () => {
      await terminal.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
      await terminal.getByRole('button', { name: 'Done' }).click()
      await terminal.getByRole('heading', { name: 'Who are you?' }).waitFor()
    }
    await terminal.getByRole('heading', { name: 'Who are you?' }).waitFor()
    await terminal.keyboard.type(printed(/ card (\S+)$/m))
    await terminal.keyboard.press('Enter')
    await isKnown()
    await terminal.getByRole('button', { name: 'PIN', exact: true }).click()
    await terminal.getByLabel('PIN').fill(pin)
    await terminal.keyboard.press('Enter')
    await isKnown()
    await terminal.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    const phone = await open((await terminal.getByText(/\/devicelogin$/).textContent())!)
    await phone.getByLabel('Code').fill((await terminal.locator('output').textContent())!)
    await phone.getByRole('button', { name: 'Next' }).click()
    await typeAccount(phone, printed(/user name (\S+)/))
    await phone.getByRole('button', { name: 'Continue' }).click()
    await phone.getByText('You have signed in').waitFor()
    await isKnown()

    expect(terminal.url()).not.toContain('#')
  })

  it('lets one join the company with the commands that it prints, and shows one then', async () => {
    const [, key = '', body = '', hire = ''] = /curl -X POST -H 'x-admin-key: (\S+)' -d '(.+)' (\S+)/.exec(told) ?? []
    const hired = await fetch(hire, { method: 'POST', headers: { 'x-admin-key': key }, body })
    const synced = await callMuster(['sync', printed(/muster sync (\S+)\n$/), '--home', home])
    await page.goto(new URL('/users?search=you', page.url()).href)

    await page.getByRole('link', { name: 'you@contoso.com' }).waitFor()
    expect(hired.ok).toBe(true)
    expect(synced).toMatchObject({ code: 0, stderr: '' })
  })

  it('ends with Ctrl-C, and the web with it', async () => {
    demo.kill('SIGINT')
    await once(demo, 'close')

    expect(demo.exitCode).toBe(0)
    await expect(fetch(new URL('/healthz', page.url()))).rejects.toThrow('fetch failed')
  })
})
