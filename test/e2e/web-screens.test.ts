// Every screen as a browser shows it, with the demo's company: nothing scrolls sideways or runs out of its box, axe finds nothing serious, and where
// MUSTER_PICTURES names a folder a picture of each is kept, at 1280 and 400 pixels, light and dark.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  brokenWordsOf,
  expectAccessible,
  picture,
  sidewaysOf,
  spilledOf,
  wholePicture,
  type WindowOptions,
} from '../support/browser.ts'
import { aWorldOfScreens, type WorldOfScreens } from '../support/screens.ts'

/** Fifty screens, on a machine that others work on as well. */
const PATIENCE_MS = 900_000

const VARIANTS: readonly (Required<WindowOptions> & { readonly isJudged: boolean })[] = [
  { width: 1280, colorScheme: 'light', isJudged: true },
  { width: 400, colorScheme: 'dark', isJudged: true },
  { width: 400, colorScheme: 'light', isJudged: false },
  { width: 1280, colorScheme: 'dark', isJudged: false },
]

const HAS_PICTURES = process.env['MUSTER_PICTURES'] !== undefined

let all: WorldOfScreens

beforeAll(async () => {
  all = await aWorldOfScreens()
})
afterAll(() => all.world.stop())

it('words that go on in the next line are noticed, addresses that do not fit are none', async () => {
  const page = await all.open('nobody', {})
  await page.setContent(
    '<p style="width: 60px; overflow-wrap: anywhere">The Administrator ada.lovelace@contoso.com</p>',
  )

  expect(await brokenWordsOf(page)).toEqual(['Administrator'])
})

it('text that runs out of its box is noticed', async () => {
  const page = await all.open('nobody', {})
  const box = 'width: 200px; border: 1px solid; line-height: 20px'
  await page.setContent(`<p style="${box}">fits</p><p style="${box}; height: 10px">does not fit</p>`)

  expect(await spilledOf(page)).toEqual(['p "does not fit": 20 > 10'])
})

describe('at 1280 pixels, light, and at 400 pixels, dark', () => {
  it(
    'no screen scrolls sideways, breaks a word or lets text run out of its box, and axe finds nothing serious',
    async () => {
      const wrong: string[] = []
      const variants = VARIANTS.filter(({ isJudged }) => isJudged || HAS_PICTURES)
      // A window is made narrow with the screen in it, as somebody does: to make it anew takes longer than to look at it.
      await all.lookAt(
        all.screens,
        (onlooker) => all.open(onlooker, {}),
        async (page, screen) => {
          await page.setViewportSize({ width: 1280, height: 860 })
          await all.show(page, screen)
          for (const { width, colorScheme, isJudged } of variants) {
            await page.setViewportSize({ width, height: 860 })
            await page.emulateMedia({ colorScheme })
            await all.world.settled(page)
            const place = `${screen.name} ${width}`
            wrong.push(...(await sidewaysOf(page)).map((what) => `${place}: ${what}`))
            wrong.push(...(await spilledOf(page)).map((what) => `${place}: out of its box, ${what}`))
            wrong.push(...(await brokenWordsOf(page)).map((word) => `${place}: ${word} is broken`))
            const variant = `${width}-${colorScheme}`
            if (screen.kept === variant) await picture(page, `web-${screen.name}`)
            await wholePicture(page, `${screen.name}-${variant}`)
            if (isJudged) await expectAccessible(page, place)
          }
        },
      )

      expect(wrong).toEqual([])
    },
    PATIENCE_MS,
  )
})
