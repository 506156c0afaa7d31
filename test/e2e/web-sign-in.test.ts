// People sign in with Microsoft in a real browser, over the emulator's own pages.
import { setTimeout } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { remove } from '../../src/emulator/operations.ts'
import { createAccount } from '../../src/signin/administer.ts'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'
import { provideTenant, type ProvidedTenant } from '../support/oidc-provider.ts'
import {
  accountOf,
  asAdministrator,
  letPeopleSignIn,
  type RegistryPerson,
  typeAccount,
} from '../support/browser-sign-in.ts'
import { sessionOf } from '../support/server.ts'
import { syncStaff } from '../support/staff.ts'
import { testSealing } from '../support/world.ts'

let world: BrowserWorld
let people: readonly RegistryPerson[]

beforeAll(async () => {
  world = await aBrowserWorld({ users: 6, groups: 2, memberships: 6 })
  people = await letPeopleSignIn(world)
})
afterAll(() => world.stop())

/** So often an open page asks whether its session is one still, in milliseconds. */
const HALF_A_MINUTE = 30_000

/** From the button to where the emulator's page leads back to. */
async function signInAs(page: Page, person: { readonly object_id: string }, at = '/sign-in') {
  await page.goto(`${world.url}${at}`)
  await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
  await typeAccount(page, accountOf(world, person))
}

describe('the page to sign in at', () => {
  const slowly = async (page: Page, answer: 'what is true' | 'an error') =>
    page.route('**/api/v1/sign-in/options', async (route) => {
      await setTimeout(700)
      await (answer === 'an error' ? route.fulfill({ status: 500, body: '{}' }) : route.continue())
    })

  it('shows all ways at once, so that none takes the place or the focus of another', async () => {
    const page = await world.open()
    await slowly(page, 'what is true')
    await page.goto(`${world.url}/sign-in`)
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await name.waitFor()
    const before = await name.boundingBox()
    const focused = await page.evaluate('document.activeElement.innerText')
    await name.fill('somebody')
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).waitFor()

    expect(focused).toBe('Sign in with Microsoft')
    expect(await name.boundingBox()).toEqual(before)
    expect(await page.evaluate('document.activeElement.name')).toBe('username')
  })

  it('lets local accounts in also where Microsoft cannot be told of', async () => {
    const page = await world.open()
    await slowly(page, 'an error')
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('textbox', { name: 'Name', exact: true }).waitFor()

    expect(await page.evaluate('document.activeElement.name')).toBe('username')
    expect(await page.getByRole('button', { name: 'Sign in', exact: true }).isEnabled()).toBe(true)
  })
})

describe('somebody of the registry', () => {
  it('signs in with Microsoft and sees his own page, and nothing of the rest', async () => {
    const page = await world.open()
    await signInAs(page, people[0]!)
    await page.getByRole('heading', { name: 'My page' }).waitFor()

    await page.getByText(people[0]!.user_name).first().waitFor()
    await page.getByText('None: you see this page only').waitFor()
    expect(await page.getByRole('link', { name: 'Users' }).count()).toBe(0)
    await page.goto(`${world.url}/users`)
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    await expectAccessible(page)
    await picture(page, 'my-page')
  })

  it('draws himself a new PIN that is shown once', async () => {
    const page = await world.open()
    await signInAs(page, people[0]!)
    const draw = async () => {
      await page.getByRole('button', { name: 'Draw a new PIN' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Draw a new PIN' }).click()
    }
    await draw()
    // The tenant does not say when he signed in.
    await page.getByRole('button', { name: 'Sign in anew with Microsoft' }).click()
    await typeAccount(page, accountOf(world, people[0]!))
    await page.getByText('It is confirmed that it is you', { exact: true }).waitFor()
    await draw()
    const pin = await page.locator('output').textContent()

    expect(pin).toMatch(/^\d{4,}$/)
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('You have a PIN.').waitFor()
    expect(await page.content()).not.toContain(pin)
  })

  it('signs out, and is asked to sign in again', async () => {
    const page = await world.open()
    await signInAs(page, people[0]!)
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    await page.getByRole('banner').getByRole('button', { name: people[0]!.user_name }).click()
    await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click()

    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.goto(`${world.url}/me`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(new URL(page.url()).searchParams.get('to')).toBe('/me')
  })

  it('is put out where an administrator ends his session, and comes back to where he was', async () => {
    const page = await world.open()
    await page.clock.install()
    await signInAs(page, people[2]!)
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    await page.getByText(people[2]!.user_name).first().waitFor()
    const admin = await world.open('administrator')
    await admin.goto(`${world.url}/users/${people[2]!.id}`)
    const sessions = admin.getByRole('table', { name: 'Sessions' })
    await sessions.getByRole('button', { name: 'End' }).click()
    await expectAccessible(admin)
    await admin.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click()

    await admin.getByText('Signed in nowhere').waitFor()
    await page.clock.fastForward(HALF_A_MINUTE)
    await page.getByText('Your session has ended').waitFor()
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    expect(await page.content()).not.toContain(people[2]!.user_name)
    await expectAccessible(page)
    await picture(page, 'session-ended')
    // Microsoft knows him still.
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    await admin.context().close()
  })

  it('is not kept signed in by his own page, which asks by itself whether he still is', async () => {
    const page = await world.open()
    await page.clock.install()
    await signInAs(page, people[4]!)
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    const asked = page.waitForRequest('**/api/v1/session')
    await page.clock.fastForward(HALF_A_MINUTE)

    expect((await asked).headers()['x-muster-unattended']).toBe('1')
  })

  it('has a role where an administrator maps one, and sees what it lets him see', async () => {
    const { hosted } = world
    hosted.app.signIn.appRoles.push({
      id: '0a0b0c0d-0000-4000-8000-000000000001',
      value: 'Muster.Viewer',
      displayName: 'Viewer',
    })
    hosted.app.signIn.assignments.push({ principalId: people[1]!.object_id, role: 'Muster.Viewer' })
    const admin = await world.open('administrator')
    await admin.goto(`${world.url}/settings/sign-in`)
    // Microsoft takes http for that name only.
    await admin.getByText(`${world.url.replace('127.0.0.1', 'localhost')}/signin/microsoft`).waitFor()
    await admin.getByText('people sign in', { exact: true }).waitFor()
    await expectAccessible(admin)
    await picture(admin, 'settings-sign-in')
    await admin.getByRole('button', { name: 'Add role' }).click()
    await admin.getByLabel('Value of the app role').fill('Muster.Viewer')
    await admin.getByRole('dialog').getByRole('button', { name: 'Add role' }).click()
    await admin.getByRole('cell', { name: 'Muster.Viewer' }).waitFor()

    const page = await world.open()
    await signInAs(page, people[1]!, '/users')
    await page.getByRole('heading', { name: 'Users' }).waitFor()
    expect(await page.getByRole('link', { name: 'Administrators' }).count()).toBe(0)
  })
})

describe('a local account', () => {
  const endSessions = () => world.database.db.query('delete from sessions where administrator_id is not null')

  it('is put out where its session ended, by the next thing that it does', async () => {
    const page = await world.open('viewer')
    await page.goto(`${world.url}/users`)
    await page.getByRole('heading', { name: 'Users', exact: true }).waitFor()
    await endSessions()
    await page.getByRole('link', { name: 'Groups' }).click()

    await page.getByText('Your session has ended').waitFor()
    expect(new URL(page.url()).searchParams.get('to')).toBe('/groups')
    await page.getByRole('textbox', { name: 'Name', exact: true }).waitFor()
  })

  it('is put out where it does nothing, on a page that asks nothing else, with a question still open', async () => {
    const page = await world.open('administrator')
    await page.clock.install()
    await world.database.db.query(`update sessions set authenticated_at = null where administrator_id is not null`)
    await page.goto(`${world.url}/settings/installation`)
    await page.getByRole('link', { name: 'Download backup' }).click()
    await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor()
    await endSessions()
    await page.clock.fastForward(HALF_A_MINUTE)

    await page.getByText('Your session has ended').waitFor()
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(new URL(page.url()).searchParams.get('to')).toBe('/settings/installation')
  })

  it('is signed out where its session had ended before, without a word of that', async () => {
    const page = await world.open('viewer')
    await page.goto(`${world.url}/users`)
    await page.getByRole('heading', { name: 'Users', exact: true }).waitFor()
    await endSessions()
    await page.getByRole('banner').getByRole('button', { name: 'viewer' }).click()
    await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click()

    await page.getByRole('textbox', { name: 'Name', exact: true }).waitFor()
    await vi.waitFor(() => expect(new URL(page.url()).search).toBe(''))
    expect(await page.getByText('Your session has ended').count()).toBe(0)
    expect(await page.getByText('Sign out').count()).toBe(0)
  })

  it('goes on with what it has typed where it has signed in anew in another tab', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/sign-in`)
    await page.getByRole('button', { name: 'Add role' }).click()
    await page.getByLabel('Value of the app role').fill('Muster.Later')
    const anew = await sessionOf({ db: world.database.db, clock: systemClock }, 'administrator')
    await page.context().addCookies([{ name: 'muster-session', value: anew, url: world.url }])
    await page.getByRole('dialog').getByRole('button', { name: 'Add role' }).click()

    await page.getByRole('cell', { name: 'Muster.Later' }).waitFor()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await page.getByText('load the page again').count()).toBe(0)
  })

  it('is not put out of its next session by an answer to what it asked in the one before', async () => {
    const { db } = world.database
    const rea = { name: 'Rea', password: 'kestrel umbrella radish plinth', role: 'administrator' } as const
    await createAccount({ db, clock: systemClock, vault: testSealing }, rea, { kind: 'command line', name: 'test' })
    const page = await world.open()
    await page.clock.install()
    const signIn = async () => {
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill(rea.name)
      await page.getByLabel('Password').fill(rea.password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByRole('banner').getByRole('button', { name: rea.name }).waitFor()
    }
    const held = Promise.withResolvers<undefined>()
    await page.route('**/api/v1/role-mappings', async (route) => {
      if (route.request().method() === 'GET') return route.continue()
      await held.promise
      const problem = {
        type: 'about:blank',
        title: 'x',
        status: 401,
        code: 'signed-out',
        detail: 'You are signed out.',
      }
      return route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify(problem) })
    })
    await page.goto(`${world.url}/settings/sign-in`)
    await signIn()
    await page.getByRole('button', { name: 'Add role' }).click()
    await page.getByLabel('Value of the app role').fill('Muster.Slow')
    await page.getByRole('dialog').getByRole('button', { name: 'Add role' }).click()
    await endSessions()
    await page.clock.fastForward(HALF_A_MINUTE)
    await page.getByText('Your session has ended').waitFor()
    await signIn()
    const late = page.waitForResponse((response) => response.status() === 401)
    held.resolve(undefined)
    await (await late).finished()
    await page.getByRole('link', { name: 'Groups' }).click()

    await page.getByRole('heading', { name: 'Groups', exact: true }).waitFor()
    expect(await page.getByText('Your session has ended').count()).toBe(0)
  })

  it('sees nothing of whoever was signed in before in the same browser', async () => {
    const page = await world.open('viewer')
    await page.clock.install()
    await page.goto(`${world.url}/account`)
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    const other = await sessionOf({ db: world.database.db, clock: systemClock }, 'operator')
    await page.context().addCookies([{ name: 'muster-session', value: other, url: world.url }])
    const loaded = page.waitForEvent('load')
    await page.clock.fastForward(HALF_A_MINUTE)

    await loaded
    await page.getByRole('heading', { name: 'My account' }).waitFor()
    expect(await page.getByRole('banner').getByRole('button', { name: 'operator' }).count()).toBe(1)
  })
})

describe('who may not', () => {
  it('is told why: nobody of the registry, and deactivated by a run while he is signed in', async () => {
    const page = await world.open()
    await page.clock.install()
    await signInAs(page, people[2]!)
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    remove(world.hosted.tenant, people[2]!.object_id)
    expect((await syncStaff(world)).outcome).toBe('applied')

    await page.clock.fastForward(HALF_A_MINUTE)
    await page.getByText('Your session has ended').waitFor()

    await world.database.db.query('update users set object_id = gen_random_uuid() where id = $1', [people[3]!.id])
    const stranger = await world.open(undefined, { width: 400, colorScheme: 'dark' })
    await signInAs(stranger, people[3]!)
    await stranger.getByText('there is nobody of your account in this registry').waitFor()
    expect(new URL(stranger.url()).hash).toBe('')
    expect(await stranger.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
    await expectAccessible(stranger)
    await picture(stranger, 'sign-in-refused-400-dark')

    // With the same account he would be refused for ever; Microsoft lets him choose now.
    const other = stranger.getByRole('checkbox', { name: 'Use another account' })
    expect(await other.isChecked()).toBe(true)
    await stranger.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await stranger.getByRole('button', { name: 'Use another account' }).click()
    await typeAccount(stranger, accountOf(world, people[0]!))
    await stranger.getByRole('heading', { name: 'My page' }).waitFor()
  })

  it('may choose another account at Microsoft before he is refused', async () => {
    const page = await world.open()
    await signInAs(page, people[0]!)
    await page.getByRole('banner').getByRole('button', { name: people[0]!.user_name }).click()
    await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click()
    const other = page.getByRole('checkbox', { name: 'Use another account' })
    await other.check()
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await page.getByRole('button', { name: 'Use another account' }).click()
    await typeAccount(page, accountOf(world, people[1]!))

    await page.getByRole('banner').getByRole('button', { name: people[1]!.user_name }).waitFor()
    expect(await page.getByRole('banner').getByRole('button', { name: people[0]!.user_name }).count()).toBe(0)
  })
})

describe('through an OpenID provider that has nothing to do with the emulator', () => {
  let provider: ProvidedTenant
  beforeAll(async () => {
    const { tenantId, clientId } = world.hosted
    provider = await provideTenant({
      people: [{ userName: 'ann', password: 'not asked for', objectId: people[0]!.object_id }],
      redirectUris: [`${world.url}/signin/microsoft`],
      signedOutUris: [`${world.url}/sign-in`],
      tenantId,
      clientId,
    })
    await world.database.db.query('update connections set authority_url = $1', [provider.authorityUrl])
    // Beside the secret that the emulator knows: the newest is tried first.
    const credential = { kind: 'secret', clientSecret: provider.clientSecret }
    await asAdministrator(world, '/connections/contoso/credentials', credential)
  })
  afterAll(() => provider.stop())

  it('somebody signs in, sees his own page, signs out there as well, and is asked again the next time', async () => {
    const page = await world.open()
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await page.getByLabel('User name').fill('ann')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    await page.getByText(people[0]!.user_name).first().waitFor()
    await page.getByText('None: you see this page only').waitFor()

    await page.getByRole('banner').getByRole('button', { name: people[0]!.user_name }).click()
    await page.getByRole('menuitem', { name: 'Sign out here and at Microsoft' }).click()
    // The provider's own page, which asks whether that is meant.
    await page.getByRole('button', { name: 'Yes, sign me out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(new URL(page.url()).origin).toBe(new URL(world.url).origin)

    await page.goto(`${world.url}/me`)
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await page.getByLabel('User name').waitFor()
    expect(new URL(page.url()).origin).toBe(provider.authorityUrl)
  })

  it('somebody who cannot be signed out there is told so', async () => {
    const { db } = world.database
    const page = await world.open()
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await page.getByLabel('User name').fill('ann')
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'My page' }).waitFor()
    await db.query(`update connections set authority_url = 'http://127.0.0.1:1'`)
    await page.getByRole('banner').getByRole('button', { name: people[0]!.user_name }).click()
    await page.getByRole('menuitem', { name: 'Sign out here and at Microsoft' }).click()
    await page.getByRole('alert').getByText('signed out here, but not at Microsoft').waitFor()
    await expectAccessible(page)
    await db.query('update connections set authority_url = $1', [provider.authorityUrl])

    await page.goto(`${world.url}/me`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  it('whoever changes his mind there comes back and is told so', async () => {
    const page = await world.open()
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()

    await page.getByRole('alert').getByText('You cancelled at Microsoft').waitFor()
    await page.goto(`${world.url}/me`)
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(new URL(page.url()).searchParams.get('to')).toBe('/me')
  })
})
