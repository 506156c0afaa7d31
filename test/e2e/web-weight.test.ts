// What the first load of a page weighs: everything that comes over the wire until it stands, headers, data and all, by somebody who was
// never here before, an administrator, with the demo's company behind it.
import type { Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aWorldOfScreens, type WorldOfScreens } from '../support/screens.ts'

const MOST_BYTES = 350_000
/** A run's page has the dialogs that decide about it, progress, and fifty lines of its plan. */
const MOST_BYTES_OF_RUN = 390_000
/** The panel of a source is half of the web, and stands over its list. */
const MOST_BYTES_OF_PANEL = 470_000

function mostOf(name: string): number {
  if (name === 'source-general' || name === 'source-add') return MOST_BYTES_OF_PANEL
  return name.startsWith('run-') ? MOST_BYTES_OF_RUN : MOST_BYTES
}

/** A push weighs the pages that people come to first and the heaviest; WEIGH=all every one, a minute longer. */
const isEverything = process.env['WEIGH'] === 'all'
const isWeighed = (name: string) =>
  isEverything || /^(overview|sign-in|users?|run-(applied|held)|runs|source-general|sources)/.test(name)

/** Twenty-five pages, each in a window of its own. */
const PATIENCE_MS = 300_000

let all: WorldOfScreens

beforeAll(async () => {
  all = await aWorldOfScreens()
})
afterAll(() => all.world.stop())

describe('the first load', () => {
  it(
    'of no page weighs more than 350 kB, but for those of a run and the panel of a source',
    async () => {
      // Who has signed in or is a device has been on a page before.
      const pages = all.screens.filter(
        ({ name, to = 'account', first }) =>
          (to === 'account' || to === 'nobody') && first === undefined && isWeighed(name),
      )
      const weights = new Map<string, number>()
      for (const screen of pages) {
        const page = await all.open(screen.to ?? 'account', {})
        const sizes: Promise<number>[] = []
        page.on('requestfinished', (request) => sizes.push(sizeOf(request)))
        await all.show(page, screen)
        weights.set(
          screen.name,
          (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0),
        )
        await page.context().close()
      }
      const tooHeavy = [...weights].filter(([name, bytes]) => bytes > mostOf(name))

      expect(tooHeavy).toEqual([])
      expect(weights.size).toBeGreaterThan(isEverything ? 20 : 6)
      expect(Math.min(...weights.values())).toBeGreaterThan(150_000)
    },
    PATIENCE_MS,
  )
})

async function sizeOf(request: Request): Promise<number> {
  const { responseBodySize, responseHeadersSize } = await request.sizes()
  return responseBodySize + responseHeadersSize
}
