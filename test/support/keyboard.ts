// Somebody who has a keyboard and no mouse: he sees where the focus is and goes on from there. Nothing here finds an element for him.
import type { CDPSession, Page } from 'playwright-core'
import { expect } from 'vitest'

/** What a screen reader says of where the focus is. */
export interface Focus {
  readonly role: string
  readonly name: string
  /** Of a list that is open: the choice that Enter would take. */
  readonly choice?: string
}

/** More presses of one key than any of our screens needs to reach something; then the focus goes round. */
const MOST_PRESSES = 90
const PATIENCE_MS = 20_000

export class Keyboard {
  readonly #page: Page
  readonly #session: CDPSession
  /** Where the focus was, each time that it was somewhere without being seen. Stays empty. */
  readonly unseen: string[] = []

  private constructor(page: Page, session: CDPSession) {
    this.#page = page
    this.#session = session
  }

  static async of(page: Page): Promise<Keyboard> {
    return new Keyboard(page, await page.context().newCDPSession(page))
  }

  /** Presses keys one after the other. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#look()
      await this.#page.keyboard.press(key)
      await this.#page.evaluate(COMPARE)
      await this.#collect()
    }
  }

  async type(text: string): Promise<void> {
    await this.#page.keyboard.type(text)
  }

  /** Types over what is there. */
  async replace(text: string): Promise<void> {
    await this.#page.keyboard.press('Control+a')
    await this.#page.keyboard.type(text)
  }

  /** Tabs on to this element, past everything that is before it. */
  async tabTo(role: string, name: string | RegExp): Promise<void> {
    await this.#go('Tab', { role, name })
  }

  /** The same, backwards. */
  async backTo(role: string, name: string | RegExp): Promise<void> {
    await this.#go('Shift+Tab', { role, name })
  }

  /** Opens the list that has the focus, goes down to this choice and takes it. */
  async choose(name: string | RegExp): Promise<void> {
    if ((await this.focus()).choice === undefined) await this.press('ArrowDown')
    await becomesTrue(async () => (await this.focus()).choice !== undefined, 'a choice')
    const passed: string[] = []
    for (let presses = 0; presses < MOST_PRESSES; presses++) {
      const { choice = '' } = await this.focus()
      if (fits(choice, name)) {
        await this.press('Enter')
        return
      }
      passed.push(choice)
      await this.press('ArrowDown')
    }
    throw new Error(`no choice ${String(name)} among ${passed.join(' | ')}`)
  }

  /** Where the focus is, as the browser tells assistive technology. */
  async focus(): Promise<Focus> {
    const at = await this.#named('document.activeElement')
    const chosen = await this.#named(
      `document.getElementById(document.activeElement?.getAttribute('aria-activedescendant') ?? '')`,
    )
    return {
      role: at?.role ?? 'nothing',
      name: at?.name ?? '',
      ...(chosen === undefined ? {} : { choice: chosen.name }),
    }
  }

  async #go(key: 'Tab' | 'Shift+Tab', to: { readonly role: string; readonly name: string | RegExp }): Promise<void> {
    const passed: string[] = []
    for (let presses = 0; presses < MOST_PRESSES; presses++) {
      await this.press(key)
      const at = await this.focus()
      if (at.role === to.role && fits(at.name, to.name)) return
      passed.push(`${at.role} "${at.name}"`)
    }
    throw new Error(`${key} does not lead to ${to.role} ${String(to.name)}; it passed\n${passed.join('\n')}`)
  }

  async #named(expression: string): Promise<{ readonly role: string; readonly name: string } | undefined> {
    const { result } = await this.#session.send('Runtime.evaluate', { expression })
    if (result.objectId === undefined || result.subtype === 'null') return undefined
    const { nodes } = await this.#session.send('Accessibility.getPartialAXTree', {
      objectId: result.objectId,
      fetchRelatives: false,
    })
    await this.#session.send('Runtime.releaseObject', { objectId: result.objectId })
    const [node] = nodes
    return { role: String(node?.role?.value ?? ''), name: String(node?.name?.value ?? '').trim() }
  }

  /** Before the focus goes on: is it somewhere, on screen, uncovered? Its looks are kept, to be compared without the focus. */
  async #look(): Promise<void> {
    const trouble = await this.#page.evaluate<string>(LOOK)
    if (trouble !== '') await this.#note(trouble)
  }

  async #collect(): Promise<void> {
    const lost = await this.#page.evaluate<string>(`globalThis.__unseen?.splice(0).join('; ') ?? ''`)
    if (lost !== '') await this.#note(lost)
  }

  async #note(trouble: string): Promise<void> {
    this.unseen.push(`${new URL(this.#page.url()).pathname}: ${trouble}`)
  }
}

/** Waits until the focus is there of itself: after something was opened, closed or done. */
export async function expectFocus(keyboard: Keyboard, role: string, name: string | RegExp): Promise<void> {
  await becomesTrue(
    async () => {
      const at = await keyboard.focus()
      return (at.role === role && fits(at.name, name)) || `${at.role} "${at.name}"`
    },
    `focus at ${role} ${String(name)}`,
  )
}

/** Waits; what there is instead is told when it does not come. */
async function becomesTrue(read: () => Promise<boolean | string>, what: string): Promise<void> {
  await expect.poll(read, { timeout: PATIENCE_MS, message: what }).toBe(true)
}

function fits(name: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? name === wanted : wanted.test(name)
}

// What of an element's looks a person could notice: lines around it, shadows, colours; of it, of what is drawn before and after it, and of
// the boxes around it, which is where text fields show that one types in them.
const LOOKS = `(element) => {
  const all = []
  for (let at = element, up = 0; at !== null && up < 4; at = at.parentElement, up++) {
    for (const part of [null, '::before', '::after']) {
      const s = getComputedStyle(at, part)
      all.push(s.outlineStyle === 'none' ? '' : [s.outlineStyle, s.outlineWidth, s.outlineColor].join(' '), s.boxShadow, s.textDecoration, s.borderTopColor,
        s.borderBottomColor, s.borderTopWidth, s.borderBottomWidth, s.content, s.transform, s.scale, s.opacity, s.top)
    }
  }
  return all.join('|')
}`

const NAME = `(element) => element.tagName.toLowerCase() + ' "' +
  (element.getAttribute('aria-label') || element.innerText || element.id || '').trim().slice(0, 60) + '"'`

/** Headings and regions that a page gives the focus to are not worked with: nothing has to be drawn around them. */
const IS_PLACE = `(element) => element.tabIndex < 0 || element.getAttribute('role') === 'dialog'`

/** What slides in or out has the focus before it is where it will be. */
const LOOK = `(async () => {
  await Promise.allSettled(document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity).map((one) => one.finished))
  const element = document.activeElement
  globalThis.__before = undefined
  if (element === null || element === document.body) return ''
  const named = (${NAME})(element)
  if ((${IS_PLACE})(element)) return ''
  globalThis.__before = { element, looks: (${LOOKS})(element), named, checked: element.checked }
  const box = element.getBoundingClientRect()
  const seen = { left: Math.max(0, box.left), top: Math.max(0, box.top), right: Math.min(innerWidth, box.right), bottom: Math.min(innerHeight, box.bottom) }
  if (seen.right - seen.left < 1 || seen.bottom - seen.top < 1) return named + ' is out of sight'
  const top = document.elementFromPoint((seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2)
  const isSeen = top !== null && (element.contains(top) || top.contains(element) || [...(element.labels ?? [])].some((label) => label.contains(top)))
  return isSeen ? '' : named + ' is covered by ' + (top === null ? 'nothing' : (${NAME})(top))
})()`

const COMPARE = `(() => {
  const before = globalThis.__before
  globalThis.__unseen ??= []
  if (before === undefined || !before.element.isConnected || before.element.checked !== before.checked) return
  // From a text to the button within the same field: the field shows both.
  if (before.element.parentElement?.contains(document.activeElement) === true && before.element.matches('input')) return
  if (document.activeElement === before.element) return
  if ((${LOOKS})(before.element) === before.looks) globalThis.__unseen.push(before.named + ' looks the same with and without the focus')
})()`
