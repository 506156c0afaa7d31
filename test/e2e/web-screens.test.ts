// Every screen as a browser shows it, with the demo's company: nothing scrolls sideways, axe finds nothing serious, and where
// MUSTER_PICTURES names a folder a picture of each is kept, at 1280 and 400 pixels, light and dark.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible, picture, sidewaysOf, wholePicture, type WindowOptions } from '../support/browser.ts'
import { aWorldOfScreens, type Onlooker, type WorldOfScreens } from '../support/screens.ts'

/** Forty screens, on a machine that others work on as well. */
const PATIENCE_MS = 900_000

const VARIANTS: readonly (Required<WindowOptions> & { readonly isJudged: boolean })[] = [
  { width: 1280, colorScheme: 'light', isJudged: true },
  { width: 400, colorScheme: 'dark', isJudged: true },
  { width: 400, colorScheme: 'light', isJudged: false },
  { width: 1280, colorScheme: 'dark', isJudged: false },
]

const hasPictures = process.env['MUSTER_PICTURES'] !== undefined

let all: WorldOfScreens

beforeAll(async () => {
  all = await aWorldOfScreens()
})
afterAll(() => all.world.stop())

describe.each(VARIANTS)('at $width pixels, $colorScheme', ({ isJudged, ...options }) => {
  it.runIf(isJudged || hasPictures)(
    'no screen scrolls sideways, and axe finds nothing serious',
    async () => {
      const windows = new Map<Onlooker, Page>()
      const wide: string[] = []
      for (const screen of all.screens) {
        const { to = 'account' } = screen
        const page = windows.get(to) ?? (await all.open(to, options))
        windows.set(to, page)
        await all.show(page, screen)
        wide.push(...(await sidewaysOf(page)).map((what) => `${screen.name}: ${what}`))
        const variant = `${options.width}-${options.colorScheme}`
        if (screen.kept === variant) await picture(page, `web-${screen.name}`)
        await wholePicture(page, `${screen.name}-${variant}`)
        if (isJudged) await expectAccessible(page, screen.name)
      }

      expect(wide).toEqual([])
    },
    PATIENCE_MS,
  )
})
