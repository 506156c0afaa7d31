// What is sensitive asks who one is, in a real browser: over the dialog that wanted it, before a file is saved, and by a way to Microsoft.
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type BrowserWorld, aBrowserWorld, expectAccessible, picture } from '../support/browser.ts'
import {
  accountOf,
  asAdministrator,
  letPeopleSignIn,
  type RegistryPerson,
  typeAccount,
} from '../support/browser-sign-in.ts'

const PASSWORD = 'kestrel umbrella radish plinth'
const CARD = '0471104711'
let world: BrowserWorld
let page: Page
let people: readonly RegistryPerson[]

beforeAll(async () => {
  world = await aBrowserWorld({ users: 6, groups: 1, memberships: 2 })
  const link = await world.setupLink()
  people = await letPeopleSignIn(world)
  await world.database.db.query('update setup set done_at = null')
  page = await world.open()
  await page.goto(link)
  await page.getByLabel('Name').fill('Ann')
  await page.getByLabel('Password').first().fill(PASSWORD)
  await page.getByLabel('Password, again').fill(PASSWORD)
  await page.getByRole('button', { name: 'Create administrator and sign in' }).click()
  await page.getByRole('banner').getByRole('button', { name: 'Ann' }).waitFor()
  await asAdministrator(world, `/users/${people[1]!.id}/cards`, { card: CARD })
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await picture(page, 'failed')
})
afterAll(() => world.stop())

/** As if everybody had signed in a while ago. */
const age = () => world.database.db.query(`update sessions set authenticated_at = now() - interval '11 minutes'`)
const proof = (of: Page) => of.getByRole('dialog', { name: 'Confirm that it is you' })

async function reveal(of: Page): Promise<void> {
  await of.getByRole('button', { name: 'Reveal', exact: true }).click()
  await of
    .getByRole('dialog', { name: 'Reveal the number of this card?' })
    .getByRole('button', { name: 'Reveal', exact: true })
    .click()
}

describe('a local account', () => {
  it('is asked over the dialog that wanted it, told when the password is wrong, and goes on where it was', async () => {
    await page.goto(`${world.url}/users/${people[1]!.id}`)
    await page.getByRole('heading', { name: people[1]!.user_name }).waitFor()
    await age()
    await reveal(page)
    await proof(page).waitFor()
    await expectAccessible(page)
    await picture(page, 'prove-again')
    expect(await page.getByText(CARD, { exact: true }).count()).toBe(0)
    // The field has the focus, and Enter is enough.
    await page.keyboard.type('not that one')
    await page.keyboard.press('Enter')
    await proof(page).getByText('The password is wrong').waitFor()
    await proof(page).getByLabel('Your password').fill(PASSWORD)
    await page.keyboard.press('Enter')

    await page.getByText(CARD, { exact: true }).waitFor()
    await proof(page).waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
  })

  it('that changes his mind is told why nothing was done', async () => {
    await page.reload()
    await page.getByRole('heading', { name: people[1]!.user_name }).waitFor()
    await age()
    await reveal(page)
    await proof(page).getByRole('button', { name: 'Cancel' }).click()

    await page.getByText('This asks for a recent proof of who you are').waitFor()
    expect(await page.getByText(CARD, { exact: true }).count()).toBe(0)
  })

  it('is asked over the dialog of an undo, and nothing is done where he gives it up', async () => {
    await page.goto(`${world.url}/runs/1`)
    await age()
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Take this run back?' })
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('it was wrong')
    await dialog.getByRole('button', { name: 'Undo', exact: true }).click()
    await proof(page).getByRole('button', { name: 'Cancel' }).click()

    await page.getByText('This asks for a recent proof of who you are').waitFor()
    // The dialog is what can be reached, with what was typed.
    await dialog.getByRole('button', { name: 'Undo', exact: true }).and(page.locator(':focus')).waitFor()
    expect(await dialog.getByRole('textbox', { name: 'Reason' }).inputValue()).toBe('it was wrong')
    const { rows } = await world.database.db.query(`select from jobs where kind = 'revert'`)
    expect(rows).toEqual([])
  })

  it('is asked before a file is saved, and not again within ten minutes', async () => {
    await page.goto(`${world.url}/users`)
    await page.getByRole('link', { name: people[1]!.user_name }).waitFor()
    await age()
    const save = async () => {
      await page.getByRole('button', { name: 'Export', exact: true }).click()
      await page.getByRole('menuitem', { name: 'Users as CSV' }).click()
    }
    await save()
    await proof(page).getByLabel('Your password').fill(PASSWORD)
    const [asked] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
    await proof(page).waitFor({ state: 'detached' })
    const [again] = await Promise.all([page.waitForEvent('download'), save()])

    expect(await readFile(await asked.path(), 'utf8')).toContain(CARD)
    expect(await readFile(await again.path(), 'utf8')).toContain(CARD)
  })
})

describe('somebody who signed in with Microsoft', () => {
  it('signs in anew there, comes back to the page that he left, and does it then', async () => {
    const { hosted } = world
    const value = 'Muster.Operator'
    hosted.app.signIn.appRoles.push({ id: '0a0b0c0d-0000-4000-8000-000000000002', value, displayName: 'Operator' })
    hosted.app.signIn.assignments.push({ principalId: people[0]!.object_id, role: value })
    await asAdministrator(world, '/role-mappings', { connection: 'contoso', kind: 'appRole', value, role: 'operator' })
    const other = await world.open(undefined, { width: 400, colorScheme: 'dark' })
    const path = `/users/${people[1]!.id}`
    await other.goto(`${world.url}/sign-in?to=${encodeURIComponent(path)}`)
    await other.getByRole('button', { name: 'Sign in with Microsoft' }).click()
    await typeAccount(other, accountOf(world, people[0]!))
    await other.getByRole('heading', { name: people[1]!.user_name }).waitFor()
    // The tenant does not say when he signed in.
    await other.goto(`${world.url}/runs/1`)
    const undo = other.getByRole('dialog', { name: 'Take this run back?' })
    await other.getByRole('button', { name: 'Undo', exact: true }).click()
    await undo.getByText('Confirm first that it is you', { exact: true }).waitFor()
    await undo.getByRole('button', { name: 'Confirm now' }).click()
    await proof(other).getByText('What is typed here and not saved is lost').waitFor()
    await proof(other).getByRole('button', { name: 'Cancel' }).click()
    await other.goto(`${world.url}${path}`)
    await reveal(other)
    await proof(other).waitFor()
    expect(await other.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(400)
    await expectAccessible(other)
    await picture(other, 'prove-again-400-dark')
    await other.getByRole('button', { name: 'Sign in anew with Microsoft' }).click()
    // He is signed in at Microsoft, and is asked all the same.
    await typeAccount(other, accountOf(world, people[0]!))
    await other.getByText('It is confirmed that it is you', { exact: true }).waitFor()
    expect(new URL(other.url()).pathname).toBe(path)
    expect(new URL(other.url()).hash).toBe('')
    await other.getByRole('heading', { name: people[1]!.user_name }).waitFor()
    await reveal(other)

    await other.getByText(CARD, { exact: true }).waitFor()
    await other.goto(`${world.url}/runs/1`)
    await other.getByRole('button', { name: 'Undo', exact: true }).click()
    await undo.getByRole('textbox', { name: 'Reason' }).waitFor()
    expect(await undo.getByText('Confirm first that it is you').count()).toBe(0)
    const expected = /40[13]|^asked \S+oauth2/
    expect(world.complaints.filter((complaint) => !expected.test(complaint))).toEqual([])
  })
})
