// Screens stand still while their data comes, each answer of the server by itself and late: what somebody is about to click does not move
// away. Measured as browsers measure it (Cumulative Layout Shift).
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aWorldOfScreens, type Screen, type WorldOfScreens } from '../support/screens.ts'

/** Twenty screens that are slow on purpose, on a machine that others work on as well. */
const PATIENCE_MS = 600_000
/** A tenth is what counts as good on the web; what a line of text takes here is a hundredth. */
const MOST = 0.02
/** So late the answers come, in turn: each screen is seen with some of its data, but not all. */
const LATE_MS = [150, 600, 300, 900, 450]

interface Shift {
  readonly value: number
  readonly moved: readonly string[]
}

// Of what follows a click or a key the browser says so itself; nobody touches these pages.
const OBSERVE = `
  window.shifts = []
  const nameOf = (node) => node === null ? 'gone' : node.nodeType === 3 ? '"' + node.data.slice(0, 30) + '"'
    : node.tagName.toLowerCase() + ' "' + (node.textContent ?? '').slice(0, 40) + '"'
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push({ value: entry.value, moved:
      entry.sources.map(({ node, previousRect: a, currentRect: b }) => nameOf(node) + ' ' + [a.x, a.y, a.width, a.height].map(Math.round) + ' to ' + [b.x, b.y, b.width, b.height].map(Math.round)) })
  }).observe({ type: 'layout-shift', buffered: true })`

let all: WorldOfScreens

beforeAll(async () => {
  all = await aWorldOfScreens()
}, PATIENCE_MS)
afterAll(() => all.world.stop())

/** A window whose server takes its time. */
async function slowWindow(width: number) {
  const page = await all.open('account', { width })
  await page.addInitScript(OBSERVE)
  const open = new Set<string>()
  let asked = 0
  await page.route('**/api/v1/**', async (route) => {
    const url = route.request().url()
    if (url.includes('/events')) return route.continue()
    open.add(url)
    asked += 1
    await sleep(LATE_MS[asked % LATE_MS.length])
    await route.continue()
  })
  page.on('requestfinished', (of) => void open.delete(of.url()))
  page.on('requestfailed', (of) => void open.delete(of.url()))
  return { page, open }
}

/** What moved until everything was there. */
async function shiftsOf(
  { page, open }: Awaited<ReturnType<typeof slowWindow>>,
  screen: Screen,
): Promise<readonly Shift[]> {
  await page.goto(`${all.world.url}${screen.path}`)
  await page.getByText(screen.shows).filter({ visible: true }).first().waitFor()
  await expect.poll(() => open.size, { timeout: 30_000 }).toBe(0)
  await twoFrames(page)
  // What came last may have asked for more.
  await expect.poll(() => open.size, { timeout: 30_000 }).toBe(0)
  await twoFrames(page)
  return page.evaluate<Shift[]>('window.shifts')
}

const twoFrames = (page: Page) =>
  page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')

describe.each([1280, 400])('%d pixels wide', (width) => {
  it(
    'no screen of an administrator jumps while its data comes',
    async () => {
      const window = await slowWindow(width)
      const screens = all.screens.filter(({ to = 'account', first }) => to === 'account' && first === undefined)
      expect(screens.length).toBeGreaterThan(12)
      const jumping: unknown[] = []
      for (const screen of screens) {
        const shifts = await shiftsOf(window, screen)
        const sum = shifts.reduce((total, { value }) => total + value, 0)
        if (sum > MOST) jumping.push({ screen: screen.name, sum, shifts })
      }

      expect(jumping).toEqual([])
    },
    PATIENCE_MS,
  )
})
