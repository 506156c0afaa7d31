// A backup saved in the browser, restored elsewhere, and the copy taken over in the browser: by who looks after the installation.
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { type BrowserWorld, aBrowserWorld, expectAccessible, launchBrowser, picture } from '../support/browser.ts'
import { letPeopleSignIn } from '../support/browser-sign-in.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster } from '../support/muster.ts'
import { sessionOf } from '../support/server.ts'
import { type RunningServer, startServer } from '../support/serving.ts'

const STEP_MS = 20_000

let world: BrowserWorld
let folder: string
let file: string
let target: TestDatabase
let copy: RunningServer | undefined
let browser: Browser

beforeAll(async () => {
  world = await aBrowserWorld({ users: 12, groups: 2, memberships: 12 })
  await letPeopleSignIn(world)
  folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-web-backup-`))
  file = join(folder, 'muster.backup')
  target = await createTestDatabase({ schema: 'empty' })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser.close()
  await copy?.stop()
  await world.stop()
  await target.drop()
  await rm(folder, { recursive: true })
})

async function atCopy(path: string): Promise<Page> {
  const url = copy!.url
  const token = await sessionOf({ db: target.db, clock: systemClock }, 'administrator')
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' })
  await context.addCookies([{ name: 'muster-session', value: token, url }])
  const page = await context.newPage()
  page.setDefaultTimeout(STEP_MS)
  await page.goto(`${url}${path}`)
  return page
}

async function synchronize(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'User Synchronization' }).click()
  await page.getByRole('checkbox', { name: 'Choose staff' }).check()
  await page.getByRole('button', { name: 'Synchronize now' }).click()
  await page.getByRole('heading', { name: 'Synchronization Results' }).waitFor()
}

async function runsOf({ db }: Pick<TestDatabase, 'db'>): Promise<readonly object[]> {
  const { rows } = await db.query<object>('select id, outcome, plan_hash from runs order by id')
  return rows
}

describe('This installation', () => {
  it('gives an administrator a backup, and says what is not in it', async () => {
    const page = await world.open('administrator')
    await page.goto(`${world.url}/settings/installation`)
    const section = page.getByRole('region', { name: 'Backup' })
    await section.getByText('The key file is not in it').waitFor()
    const download = page.waitForEvent('download')
    await section.getByRole('link', { name: 'Download backup' }).click()
    await (await download).saveAs(file)
    await picture(page, 'backup')

    expect(await section.innerText()).toContain(join(world.home, 'key'))
    expect((await download).suggestedFilename()).toMatch(/^muster-[\dT-]+Z\.backup$/)
    expect(await page.getByText('This installation is a copy').count()).toBe(0)
    const { rows } = await world.database.db.query(`select actor_name from audit where action = 'backup.create'`)
    expect(rows).toEqual([{ actor_name: 'administrator' }])
  })

  it('restored elsewhere says that it is a copy, and applies nothing', async () => {
    await copyFile(join(world.home, 'key'), join(folder, 'key'))
    const restored = await callMuster(['restore', file, '--home', folder, '--database-url', target.url])
    expect(restored).toMatchObject({ code: 0 })
    copy = await startServer({ home: folder, databaseUrl: target.url })
    const page = await atCopy('/')
    await page.getByText('This installation was restored or copied').waitFor()
    await page.getByRole('button', { name: 'Open' }).first().click()
    await page.getByRole('alert').getByText('This installation is a copy').waitFor()
    await expectAccessible(page)
    await picture(page, 'copied')
    await synchronize(page)
    await page.getByText('It was not started').waitFor()

    expect(await runsOf(target)).toEqual(await runsOf(world.database))
  })

  it('is taken over by who says that the original is stopped, and synchronizes then', async () => {
    const page = await atCopy('/settings/installation')
    await page.getByRole('button', { name: 'Take over' }).click()
    const dialog = page.getByRole('dialog', { name: 'Make this the installation?' })
    await dialog.getByText('If the original still runs, both do so').waitFor()
    const action = dialog.getByRole('button', { name: 'Take over' })
    expect(await action.getAttribute('aria-disabled')).toBe('true')
    await picture(page, 'take-over')
    await dialog.getByRole('checkbox', { name: 'The original is stopped, and stays so' }).check()
    await action.click()
    await page.getByText('This installation is a copy').waitFor({ state: 'detached' })
    await synchronize(page)
    await page.getByText('Nothing had to be changed.').waitFor()

    const { rows } = await target.db.query(`select actor_name from audit where action = 'installation.take-over'`)
    expect(rows).toEqual([{ actor_name: 'administrator' }])
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByLabel('In figures').getByText('Active people').waitFor()
    expect(await page.getByText('This installation was restored or copied').count()).toBe(0)
  })

  it('met no mistake in the browser, and no page asked another host', () => {
    expect(world.complaints).toEqual([])
  })
})
