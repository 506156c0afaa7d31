// The emulator's sign-in in a real browser: its pages work under their own policy, and the browser comes back in each way.
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { DEFAULT_PASSWORD } from '../../src/emulator/accounts.ts'
import { addRedirectUri } from '../../src/emulator/appsignin.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { contosoSignIn, demoCompany } from '../../src/emulator/tenants/contoso.ts'
import { expectAccessible, launchBrowser } from '../support/browser.ts'
import { SIGNING } from '../support/world.ts'

const emulator = new Emulator({ clock: systemClock, signingCertificate: SIGNING })
const tenant = demoCompany({ clock: emulator.clock })
const { clientId, app } = emulator.host(tenant, { signIn: contosoSignIn(tenant) })
const complaints: string[] = []
const arrived: { method: string | undefined; parameters: URLSearchParams }[] = []
let root: string
let callback: string
let listener: Server
let browser: Browser

beforeAll(async () => {
  listener = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    request.on('end', () => {
      const query = new URL(request.url ?? '/', 'http://x').search
      if (request.url?.startsWith('/back') === true)
        arrived.push({ method: request.method, parameters: new URLSearchParams(body === '' ? query : body) })
      response.end('back')
    })
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  callback = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/back`
  addRedirectUri(app.signIn, { uri: callback, platform: 'web' })
  root = (await emulator.listen()).authorityUrl
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser.close()
  await emulator.stop()
  listener.close()
})

async function openPage(width: number, colorScheme: 'light' | 'dark'): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width, height: 800 }, colorScheme })).newPage()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  return page
}

async function type(page: Page, userName: string, password: string): Promise<void> {
  await page.getByLabel('Email, phone, or Skype').fill(userName)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

it.each([
  ['query', 'GET', 1280, 'light'],
  ['form_post', 'POST', 400, 'dark'],
] as const)(
  'a mistake is told, a second factor approved, and the browser returns by %s',
  async (mode, method, width, colorScheme) => {
    const page = await openPage(width, colorScheme)
    const asked = { client_id: clientId, response_type: 'code', redirect_uri: callback, scope: 'openid', state: mode }
    const query = new URLSearchParams({ ...asked, response_mode: mode }).toString()

    await page.goto(`${root}/${tenant.id}/oauth2/v2.0/authorize?${query}`)
    await type(page, 'allan.deyoung@contoso.com', 'wrong')
    expect(await page.getByRole('alert').textContent()).toContain('Your account or password is incorrect.')
    await expectAccessible(page)
    await type(page, 'allan.deyoung@contoso.com', DEFAULT_PASSWORD)
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.waitForURL(`${callback}*`)

    const last = arrived.at(-1)
    expect([last?.method, last?.parameters.get('state')]).toEqual([method, mode])
    expect(last?.parameters.get('code')?.length).toBeGreaterThan(200)
    expect(complaints).toEqual([])
  },
)

it('a device’s code is typed, and the page of the emulator shows who signs in with what, also on a telephone', async () => {
  const page = await openPage(400, 'light')
  app.signIn.publicClient = true
  const begun = await fetch(`${root}/${tenant.id}/oauth2/v2.0/devicecode`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, scope: 'openid' }),
  })
  const { user_code, verification_uri } = (await begun.json()) as Record<string, string>

  await page.goto(verification_uri ?? '')
  await page.getByLabel('Code').fill(user_code ?? '')
  await page.getByRole('button', { name: 'Next' }).click()
  await type(page, 'raul.razo@contoso.com', DEFAULT_PASSWORD)
  await page.getByRole('button', { name: 'Continue' }).click()
  expect(await page.textContent('main')).toContain('You may now close this window.')

  await page.goto(root)
  expect(await page.textContent('main')).toContain('raul.razo@contoso.com')
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
  await expectAccessible(page)
  expect(complaints).toEqual([])
})
