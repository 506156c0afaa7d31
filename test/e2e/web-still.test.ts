// Screens stand still while their data comes, each answer of the server by itself and late: what somebody is about to click does not move
// away. Measured as browsers measure it (Cumulative Layout Shift).
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withTransaction } from '../../src/database/transaction.ts'
import { picture } from '../support/browser.ts'
import { asAdministrator } from '../support/browser-sign-in.ts'
import { aWorldOfScreens, type Onlooker, type Screen, type WorldOfScreens } from '../support/screens.ts'

/** Fifty screens that are slow on purpose, on a machine that others work on as well. */
const PATIENCE_MS = 600_000
/** A tenth is what counts as good on the web; what a line of text takes here is a hundredth. */
const MOST = 0.02
/** So late the answers come, in turn: each screen is seen with some of its data, but not all. */
const LATE_MS = [150, 600, 300, 900, 450]

/** The dialog grows by what taking a run back would do, of which nobody knows before how much it is. */
const GROWS = 'run-undo'

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

// In the page itself: a browser whose requests are held up from outside keeps no file of the web, and compiles it anew for each screen.
const LATE = `
  const late = ${JSON.stringify(LATE_MS)}
  const ask = window.fetch
  let asked = 0
  window.fetch = async (...what) => {
    if (String(what[0]?.url ?? what[0]).includes('/api/v1/')) await new Promise((done) => setTimeout(done, late[(asked += 1) % late.length]))
    return ask(...what)
  }`

/** A window whose server takes its time. */
async function slowWindow(onlooker: Onlooker, width: number): Promise<Page> {
  const page = await all.open(onlooker, { width })
  await page.addInitScript(OBSERVE)
  await page.addInitScript(LATE)
  return page
}

/** What moved until everything was there. */
async function shiftsOf(page: Page, screen: Screen): Promise<readonly Shift[]> {
  await all.show(page, screen)
  return page.evaluate<Shift[]>('window.shifts')
}

describe.concurrent.each([1280, 400])('%d pixels wide', (width) => {
  it(
    'no screen jumps while its data comes, nor a dialog, nor the page of a terminal or of a person',
    async () => {
      const jumping: unknown[] = []
      const windowOf = (onlooker: Onlooker) => slowWindow(onlooker, width)
      const still = all.screens.filter(({ name }) => name !== GROWS)
      await all.lookAt(still, windowOf, async (page, screen) => {
        const shifts = await shiftsOf(page, screen)
        const sum = shifts.reduce((total, { value }) => total + value, 0)
        if (sum > MOST) jumping.push({ screen: screen.name, sum, shifts })
      })

      expect(jumping).toEqual([])
    },
    PATIENCE_MS,
  )
})

describe.each([1280, 400])('a run that is followed to its end, %d pixels wide', (width) => {
  it('ends where it was: its outcome takes a place that was kept for it', async () => {
    const { world } = all
    const page = await all.open('account', { width })
    await page.addInitScript(OBSERVE)
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { promise: held, resolve: onHeld } = Promise.withResolvers<void>()
    // It goes no further than its planning as long as somebody looks at it.
    const holding = withTransaction(world.database.db, async (tx) => {
      await tx.query('lock table plan_items in exclusive mode')
      onHeld()
      await released
    })
    await held
    const { id } = await asAdministrator<{ id: string }>(world, '/sources/contoso-staff/runs', { kind: 'plan' })
    await page.goto(`${world.url}/settings/user-synchronization/results?jobs=${id}`)
    await page.getByRole('progressbar', { name: 'Planning' }).waitFor()
    await world.settled(page)
    release()
    await holding
    await page.getByText('This is what a synchronization would change').waitFor()
    await page.getByText('A synchronization of this plan would wait for approval').waitFor()
    await world.settled(page)
    const shifts = await page.evaluate<Shift[]>('window.shifts')
    const sum = shifts.reduce((total, { value }) => total + value, 0)

    expect(sum > MOST ? { sum, shifts } : {}).toEqual({})
    await picture(page, `results-ended-${width}`)
  })
})
