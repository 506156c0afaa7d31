// A real browser on a whole Muster: an emulated tenant over HTTP, PostgreSQL, the server with its queue, the built web, Chromium.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import chromium from '@sparticuz/chromium'
import { chromium as launcher, type Browser, type BrowserContext, type Page, type Request } from 'playwright-core'
import { expect, onTestFinished, TestRunner, vi } from 'vitest'
import type { App, Serving } from '../../src/app.ts'
import { openApp } from '../../src/open-app.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { loadConfig } from '../../src/config.ts'
import type { Role } from '../../src/contract/api/endpoint.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'
import { issueSetupCode } from '../../src/signin/codes.ts'
import { openVault } from '../../src/vault/keys.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { ROOT } from './generated.ts'
import { sessionOf } from './server.ts'
import { SIGNING } from './world.ts'

export interface BrowserWorld {
  readonly emulator: Emulator
  readonly hosted: HostedTenant
  readonly graphUrl: string
  /** Where the web is. */
  readonly url: string
  readonly database: TestDatabase
  /** MUSTER_HOME of what serves it, where its key file lies. */
  readonly home: string
  /** What serves it, for making what a test begins with. */
  readonly app: App
  /** A link as the console prints it at first start. */
  setupLink(): Promise<string>
  /**
   * A page in a window of its own, signed in as an account of this role; undefined: as nobody. It is closed after the test that opened it,
   * unless that runs beside others.
   */
  open(role?: Role, options?: WindowOptions): Promise<Page>
  /** Waits until a page has everything that it asked for; events that come for ever are not waited for. */
  settled(page: Page): Promise<void>
  /** What the browser complained about, and what pages asked of other hosts, so far. Both should stay empty. */
  readonly complaints: readonly string[]
  stop(): Promise<void>
}

export interface WindowOptions {
  /** Pixels; 1280 unless told. */
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** A generated tenant. */
interface TenantSize {
  readonly users: number
  readonly groups: number
  readonly memberships: number
}

const PICTURES = process.env['MUSTER_PICTURES']

const HEIGHT = 860
/** Shorter than a test may take, so that what was waited for is named. */
const STEP_MS = 20_000

/** Takes some seconds; the web is built where a source of it is newer than the build. */
export async function aBrowserWorld(tenant: TenantSize | ((clock: Clock) => Tenant)): Promise<BrowserWorld> {
  await buildWeb()
  const database = await createTestDatabase()
  const home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-web-`))
  const emulator = new Emulator({ seed: 5, signingCertificate: SIGNING })
  const { clock } = emulator
  const hosted = emulator.host(
    typeof tenant === 'function' ? tenant(clock) : generateTenant({ ...tenant, seed: 11, clock }),
  )
  const { graphUrl } = await emulator.listen()
  const config = loadConfig({ MUSTER_HOME: home, MUSTER_DATABASE_URL: database.url, MUSTER_LISTEN: '127.0.0.1:0' })
  const app: App = await openApp(config, { clock: systemClock, log: silentLog })
  await keepSchedulesAway(database)
  const serving: Serving = await app.serve()
  const browser = await launchBrowser()
  const complaints: string[] = []
  const asked = new WeakMap<Page, ReadonlySet<Request>>()
  return {
    emulator,
    hosted,
    graphUrl,
    url: serving.url,
    database,
    home,
    app,
    complaints,
    async setupLink() {
      const vault = await openVault({ keyFile: config.keyFile, db: database.db, allowCreate: false })
      const code = await issueSetupCode({ db: database.db, vault, clock: systemClock })
      return `${serving.url}/setup#${code}`
    },
    async open(role, { width = 1280, colorScheme = 'light' } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: HEIGHT },
        colorScheme,
        reducedMotion: 'reduce',
      })
      if (role !== undefined) {
        const token = await sessionOf({ db: database.db, clock: systemClock }, role)
        await context.addCookies([{ name: 'muster-session', value: token, url: serving.url }])
      }
      closeAfterTest(context)
      const page = await context.newPage()
      page.setDefaultTimeout(STEP_MS)
      watch(page, { own: serving.url, complaints })
      asked.set(page, openRequests(page))
      return page
    },
    async settled(page) {
      // What came last may have asked for more.
      for (let round = 0; round < 2; round += 1) {
        await vi.waitFor(() => expect(asked.get(page)?.size).toBe(0), { interval: 20, timeout: STEP_MS })
        await twoFrames(page)
      }
    },
    async stop() {
      await browser.close()
      await serving.stop()
      await app.close()
      await emulator.stop()
      await database.drop()
      await rm(home, { recursive: true })
    },
  }
}

/** A source is synchronized every quarter of an hour by default; that it ends within a test is not for chance to say. */
async function keepSchedulesAway({ db }: TestDatabase): Promise<void> {
  await db.query(`
    create function no_schedule() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger no_schedule before insert on schedules for each row execute function no_schedule()`)
}

/** Chromium, with its protections on. */
export async function launchBrowser(): Promise<Browser> {
  // The package's own arguments are for one page in one process, and switch protections off that are to be tested.
  return launcher.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none'],
  })
}

/** What a window shows goes on moving and asking: a file's tests would each be slower than the one before. */
function closeAfterTest(context: BrowserContext): void {
  // Of several at once it cannot be told which one asks. Outside of tests there is none.
  const test = TestRunner.getCurrentTest()
  if (test !== undefined && test.concurrent !== true) onTestFinished(() => context.close())
}

function openRequests(page: Page): ReadonlySet<Request> {
  const open = new Set<Request>()
  page.on('request', (request) => {
    if (request.resourceType() !== 'eventsource') open.add(request)
  })
  page.on('requestfinished', (request) => open.delete(request))
  page.on('requestfailed', (request) => open.delete(request))
  return open
}

/** What has come is drawn. */
function twoFrames(page: Page): Promise<unknown> {
  return page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
}

function watch(page: Page, { own, complaints }: { readonly own: string; readonly complaints: string[] }): void {
  page.on('pageerror', (error) => complaints.push(`mistake: ${error.message}`))
  page.on('console', (message) => {
    // Refused requests are answers, not mistakes: the browser logs each of them.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(own) && !/^(?:data|blob|about):/.test(url)) complaints.push(`asked ${url}`)
  })
}

const AXE = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// Half faded in, a text has less contrast than it will have.
const SETTLED = `Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity)
  .map((a) => a.finished.catch(() => undefined)))`

/** Fails where axe finds something serious or worse on the page as it is. */
export async function expectAccessible(page: Page, where = 'the page'): Promise<void> {
  // What is being replaced is dimmed until then.
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
  const complaints = await askAxe(page)
  const passing = complaints.filter(([rule]) => rule === 'aria-hidden-focus')
  expect(
    complaints.filter((complaint) => !passing.includes(complaint)),
    where,
  ).toEqual([])
  // A dialog that has just opened or closed hides what is beside it, or shows it again, a moment later; nothing else may pass by waiting.
  if (passing.length > 0) await expect.poll(() => askAxe(page), { message: where, timeout: 5_000 }).toEqual([])
}

/** Each rule that the page breaks seriously, and where. */
async function askAxe(page: Page): Promise<readonly (readonly [rule: string, places: readonly string[]])[]> {
  const session = await page.context().newCDPSession(page)
  const isThere = await page.evaluate<boolean>(`'axe' in window`)
  const { result } = await session.send('Runtime.evaluate', {
    // Elements of the focus library, hidden on purpose and left at once by what they catch.
    expression: `${isThere ? '' : await AXE}; ${SETTLED}.then(() => axe.run({ exclude: [['[data-tabster-dummy]']] }, { resultTypes: ['violations'] })).then((r) =>
      JSON.stringify(r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => [v.id, v.nodes.map((n) => n.html)])))`,
    awaitPromise: true,
    returnByValue: true,
  })
  await session.detach()
  return JSON.parse(String(result.value))
}

// Whatever may be scrolled: the window, the content, a panel, a dialog.
const SIDEWAYS = `[document.documentElement, ...document.querySelectorAll('body *')]
  .filter((e) => e === document.documentElement || ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
  .filter((e) => e.scrollWidth > e.clientWidth + 1)
  .map((e) => e.tagName.toLowerCase() + ' ' + (e.getAttribute('aria-label') ?? e.id) + ': ' + e.scrollWidth + ' > ' + e.clientWidth)`

/** What of the page is wider than its place, each with its widths in pixels. */
export function sidewaysOf(page: Page): Promise<readonly string[]> {
  return page.evaluate<string[]>(SIDEWAYS)
}

// Boxes that one sees, and that neither scroll nor cut off what is in them. Lines of text may stand out of theirs by a pixel.
const SPILLED = `[...document.querySelectorAll('body *')].filter((e) => {
    const { overflowY, borderTopWidth, borderBottomWidth } = getComputedStyle(e)
    const isBox = parseFloat(borderTopWidth) > 0 && parseFloat(borderBottomWidth) > 0
    return isBox && overflowY === 'visible' && e.clientHeight > 0 && e.scrollHeight > e.clientHeight + 1
  })
  .map((e) => e.tagName.toLowerCase() + ' "' + e.textContent.slice(0, 60) + '": ' + e.scrollHeight + ' > ' + e.clientHeight)`

/** What of the page runs out of its box, over what is below, each with its heights in pixels. */
export function spilledOf(page: Page): Promise<readonly string[]> {
  return page.evaluate<string[]>(SPILLED)
}

// A word of letters alone; names with points and hashes are broken on purpose where they do not fit.
const BROKEN_WORDS = `(() => {
  const broken = new Set()
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const range = document.createRange()
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    for (const { 0: word, index } of text.data.matchAll(/(?<=^|[\\s(])\\p{L}{4,20}(?=$|[\\s).,;:])/gu)) {
      range.setStart(text, index)
      range.setEnd(text, index + word.length)
      const lines = new Set([...range.getClientRects()].filter(({ width }) => width > 0).map(({ top }) => Math.round(top)))
      if (lines.size > 1) broken.add(word)
    }
  }
  return [...broken]
})()`

/** Words that go on in the next line. */
export function brokenWordsOf(page: Page): Promise<readonly string[]> {
  return page.evaluate<string[]>(BROKEN_WORDS)
}

/** Keeps a picture where MUSTER_PICTURES names a folder; tests do not depend on it. */
export async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return
  await page.evaluate(SETTLED)
  await page.screenshot({ path: join(PICTURES, `${name}.png`) })
}

/** The same of all that can be scrolled to, in a window as high as it takes. */
export async function wholePicture(page: Page, name: string): Promise<void> {
  const size = page.viewportSize()
  if (PICTURES === undefined || size === null) return
  const height = await page.evaluate<number>(
    `Math.max(...[...document.querySelectorAll('body *')].map((e) => e.scrollHeight)) + 120`,
  )
  await page.setViewportSize({ ...size, height: Math.max(size.height, Math.min(height, 4000)) })
  await picture(page, name)
  await page.setViewportSize(size)
}

async function buildWeb(): Promise<void> {
  const built = await stat(join(ROOT, 'dist/web/index.html')).catch(() => undefined)
  const sources = ['src/web', 'src/contract', 'src/directory']
  const newest = Math.max(...(await Promise.all(sources.map((folder) => newestIn(join(ROOT, folder))))))
  if (built !== undefined && built.mtimeMs > newest) return
  // As it is shipped: in this process it would be built for development.
  const vite = spawn(join(ROOT, 'node_modules/.bin/vite'), ['build', '--logLevel', 'error'], {
    cwd: ROOT,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: 'inherit',
  })
  const [code] = await once(vite, 'close')
  if (code !== 0) throw new Error('the web could not be built')
}

async function newestIn(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const times = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).mtimeMs),
  )
  return Math.max(...times)
}
