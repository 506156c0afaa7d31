// A connection explains itself in the browser: what is wrong is said in words, each with its remedy; credentials are replaced without a gap.
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DEFAULT_PASSWORD } from '../../src/emulator/accounts.ts'
import { addCertificate, addSecret } from '../../src/emulator/applications.ts'
import { addRedirectUri } from '../../src/emulator/appsignin.ts'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'

let world: BrowserWorld
let page: Page

beforeAll(async () => {
  world = await aBrowserWorld({ users: 20, groups: 4, memberships: 30 })
  page = await world.open('administrator')
  await page.goto(`${world.url}/settings/connections`)
  await page.getByRole('button', { name: 'Add connection' }).click()
  await form().getByLabel('Name').fill('contoso')
  await form().getByLabel('Tenant ID').fill(world.hosted.tenantId)
  await form().getByLabel('Application (client) ID').fill(world.hosted.clientId)
  await form().getByLabel('Cloud').click()
  await page.getByRole('option', { name: 'Custom' }).click()
  await form().getByLabel('Sign-in URL').fill(world.graphUrl)
  await form().getByLabel('Graph URL').fill(world.graphUrl)
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await picture(page, 'failed')
})
afterAll(() => world.stop())

const form = () => page.getByRole('group', { name: 'New authentication server' })
const edit = () => page.getByRole('group', { name: 'Connection contoso' })
const credentials = () => page.getByRole('region', { name: 'Credentials' })
const button = (name: string) => page.getByRole('button', { name, exact: true })

/** The findings of a check with a secret in the form. */
async function checkedWith(secret: string): Promise<string> {
  await form().getByLabel('Client secret').fill(secret)
  await form().getByRole('button', { name: 'Check connection' }).click()
  const status = form().getByRole('status')
  await status.waitFor()
  return status.innerText()
}

describe('a connection that does not work', () => {
  it('O1: a wrong secret is said in words, with what to do', async () => {
    const told = await checkedWith('not~the.secret')

    expect(told).toContain('The connection does not work yet')
    expect(told).toContain('The client secret is wrong. (AADSTS7000215)')
    expect(told).toContain('copy its Value')
    await expectAccessible(page)
    await picture(page, 'connection-wrong-secret')
  })

  it('O1: the ID of a secret is recognized at its field, before anything is sent to Microsoft', async () => {
    const asked = world.emulator.requests.length
    await form().getByLabel('Client secret').fill('3f2504e0-4f89-41d3-9a0c-0305e82c3301')
    await form().getByRole('button', { name: 'Check connection' }).click()
    await form().getByText('this is the ID of a client secret, not its value').waitFor()
    await button('Save connection').click()

    await form().getByText('this is the ID of a client secret, not its value').waitFor()
    expect(world.emulator.requests).toHaveLength(asked)
  })

  it('O1: an expired secret is told as expired', async () => {
    const now = world.emulator.clock.now()
    const endsAt = new Date(now.getTime() - 86_400_000)
    const { secretText } = addSecret(world.hosted.app, world.emulator.random, { now: endsAt, endsAt })

    const told = await checkedWith(secretText)

    expect(told).toContain('The client secret has expired. (AADSTS7000222)')
    expect(told).toContain('Create a client secret')
  })

  it('L3: a missing permission is named with what needs it, the remedy and the link for consent', async () => {
    world.hosted.app.roles.delete('GroupMember.Read.All')
    const told = await checkedWith(world.hosted.clientSecret)
    world.hosted.app.roles.add('GroupMember.Read.All')

    expect(told).toContain('User.Read.All is granted. Needed because every source reads users.')
    expect(told).toContain('GroupMember.Read.All is missing.')
    expect(told).toContain('grant admin consent')
    const link = form().getByRole('link', { name: 'Grant admin consent' })
    expect(await link.getAttribute('href')).toBe(
      `${world.graphUrl}/${world.hosted.tenantId}/adminconsent?client_id=${world.hosted.clientId}`,
    )
    await expectAccessible(page)
    await picture(page, 'connection-missing-permission')
  })

  it('the link of consent leads to Microsoft’s page, and back to a page that says how it ended', async () => {
    const { app, tenant, tenantId } = world.hosted
    const [administrator] = [...tenant.live('user')]
    addRedirectUri(app.signIn, { uri: `${world.url}/signin/microsoft`, platform: 'web' })
    app.roles.delete('GroupMember.Read.All')
    await checkedWith(world.hosted.clientSecret)
    const popup = page.waitForEvent('popup')
    await form().getByRole('link', { name: 'Grant admin consent' }).click()
    const consent = await popup
    await consent.locator('#loginfmt').fill(String(administrator?.properties['userPrincipalName']))
    await consent.locator('#passwd').fill(DEFAULT_PASSWORD)
    await consent.getByRole('button', { name: 'Sign in' }).click()
    await consent.getByText('User.Read.All, GroupMember.Read.All').waitFor()
    await consent.getByRole('button', { name: 'Accept' }).click()

    await consent.getByText('Consent was given').waitFor()
    await consent.getByText(`has consented for tenant ${tenantId}`).waitFor()
    await expectAccessible(consent)
    await picture(consent, 'consent-given')
    // Who is signed in stays so.
    await consent.getByRole('link', { name: 'Go on to Muster' }).click()
    await consent.getByRole('heading', { name: 'Overview' }).waitFor()
    await consent.close()
    expect(await checkedWith(world.hosted.clientSecret)).toContain('GroupMember.Read.All is granted.')
  })
})

describe('registering the app', () => {
  it('is explained for what is chosen, with the permissions and no others', async () => {
    await button('How to register the app').click()
    const dialog = page.getByRole('dialog', { name: 'How to register the app' })
    await dialog.getByRole('heading', { name: 'Make a client secret' }).waitFor()

    const text = await dialog.innerText()
    expect(text).toContain('User.Read.All')
    expect(text).toContain('Redirect URI: none is needed to synchronize')
    expect(text).not.toContain('ReadWrite')
    await expectAccessible(page)
    await picture(page, 'connection-registering')
    await dialog.getByRole('button', { name: 'Close' }).click()
    await dialog.waitFor({ state: 'detached' })
  })
})

describe('the credentials of a connection', () => {
  it('O2: a certificate that Muster makes stands beside the secret, is downloaded, uploaded and used', async () => {
    await form().getByLabel('Client secret').fill(world.hosted.clientSecret)
    await button('Save connection').click()
    await page.getByRole('link', { name: 'contoso' }).click()
    await credentials().getByText('Not tried yet').waitFor()
    await button('Add credential').click()
    const dialog = page.getByRole('dialog', { name: 'Add credential' })
    await dialog.getByRole('combobox', { name: 'Credential' }).click()
    await page.getByRole('option', { name: 'Certificate made by Muster' }).click()
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await credentials().getByText('made by Muster').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      credentials().getByRole('link', { name: 'Download certificate' }).click(),
    ])
    const pem = await readFile(await download.path(), 'utf8')
    addCertificate(world.hosted.app, world.emulator.random, pem)

    expect(pem).not.toContain('PRIVATE')
    const { fingerprint } = new X509Certificate(pem)
    await credentials().getByText(fingerprint.replaceAll(':', '')).waitFor()
    await edit().getByRole('button', { name: 'Check connection' }).click()
    await edit().getByText('works and is used').waitFor()
    await credentials().getByText('Works').nth(1).waitFor()
    await expectAccessible(page)
    await picture(page, 'connection-credentials')
  })

  it('the old one is removed, and the new one goes on', async () => {
    await credentials()
      .getByRole('button', { name: /^Remove Client secret/ })
      .click()
    const dialog = page.getByRole('dialog', { name: /^Remove Client secret/ })
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click()
    await credentials().getByRole('listitem').nth(1).waitFor({ state: 'detached' })
    await edit().getByRole('button', { name: 'Check connection' }).click()

    await edit().getByText('The connection works').waitFor()
    expect(await credentials().getByRole('listitem').count()).toBe(1)
  })

  it('a connection that somebody else saved meanwhile loses nothing of his, and nothing of one’s own', async () => {
    const second = await world.open('administrator')
    await second.goto(`${world.url}/settings/connections?connection=contoso`)
    const his = second.getByRole('group', { name: 'Connection contoso' })
    await his.getByRole('switch', { name: 'Enable Sign in with Microsoft' }).click()
    const { clientId } = world.hosted
    await edit().getByLabel('Application (client) ID').fill('99999999-2222-3333-4444-555555555555')
    await his.getByRole('button', { name: 'Save connection' }).click()
    await his.waitFor({ state: 'detached' })
    await second.context().close()
    await edit().getByRole('button', { name: 'Save connection' }).click()
    await edit().getByText('Somebody else saved this connection meanwhile').waitFor()
    await expectAccessible(page)
    await picture(page, 'connection-meanwhile')
    const kept = async () =>
      (
        await world.database.db.query<{ id: string; signs: boolean }>(
          'select client_id as id, sign_in_with_microsoft as signs from connections',
        )
      ).rows

    expect(await kept()).toEqual([{ id: clientId, signs: true }])
    await edit().getByRole('button', { name: 'Save connection' }).click()
    await edit().waitFor({ state: 'detached' })
    expect(await kept()).toEqual([{ id: '99999999-2222-3333-4444-555555555555', signs: true }])
    await page.getByRole('link', { name: 'contoso' }).click()
    await edit().getByLabel('Application (client) ID').fill(clientId)
    await edit().getByRole('switch', { name: 'Enable Sign in with Microsoft' }).click()
    await edit().getByRole('button', { name: 'Save connection' }).click()
    await edit().waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'contoso' }).click()
    await edit().waitFor()
  })

  it('one that ends soon is told above them, and on the overview', async () => {
    const soon = new Date(world.emulator.clock.now().getTime() + 5.5 * 86_400_000)
    await world.database.db.query('update connection_credentials set expires_at = $1', [soon])
    await world.app.configure({
      document: { sources: { staff: { connection: 'contoso' } } },
      secrets: new Map(),
      prune: false,
      dryRun: false,
      actor: { kind: 'command line', name: 'ada@test' },
      signal: new AbortController().signal,
    })
    await page.reload()
    await page.getByText('A credential expires in 5 days').waitFor()
    await picture(page, 'connection-expiring')
    await page.goto(world.url)

    await page.getByText('The certificate of contoso ends in 5 days').waitFor()
    expect(world.complaints).toEqual([])
  })

  it.each([
    [400, 'light'],
    [400, 'dark'],
    [1280, 'dark'],
  ] as const)('are readable %d pixels wide in %s', async (width, colorScheme) => {
    const other = await world.open('administrator', { width, colorScheme })
    await other.goto(`${world.url}/settings/connections?connection=contoso`)
    await other.getByRole('region', { name: 'Credentials' }).waitFor()

    await expectAccessible(other)
    expect(await other.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    await picture(other, `connection-${width}-${colorScheme}`)
    await other.context().close()
  })
})
