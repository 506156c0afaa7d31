// The focus never falls out of the page: a button that takes something away, itself included, leaves it to what is nearest.
// Browsers leave it nowhere, and who uses a keyboard begins again at the top.

const FOCUSABLE = 'a[href], button, input, select, textarea, [tabindex]'

interface Place {
  readonly element: Element
  /** From the innermost. */
  readonly around: readonly Element[]
  /** Everything in the same panel, dialog or page that can have the focus, in order. */
  readonly all: readonly HTMLElement[]
}

/** Watches over the focus of the whole document. */
export function keepFocus(): void {
  let place: Place | undefined
  document.addEventListener('focusin', ({ target }) => {
    place = target instanceof Element ? placeOf(target) : undefined
  })
  const observer = new MutationObserver(() => {
    if (place === undefined || place.element.isConnected || !isFocusNowhere()) return
    nearest(place)?.focus()
    place = undefined
  })
  observer.observe(document.body, { childList: true, subtree: true })
}

export function isFocusNowhere(): boolean {
  const { activeElement } = document
  return activeElement === null || activeElement === document.body
}

function placeOf(element: Element): Place {
  const around: Element[] = []
  for (let at = element.parentElement; at !== null; at = at.parentElement) {
    around.push(at)
    if (at.matches('main, [role="dialog"], [role="alertdialog"]')) break
  }
  const all = [...(around.at(-1)?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])]
  return { element, around, all }
}

/** Undefined where the panel, dialog or page itself is gone: whatever closed it says where the focus goes. */
function nearest({ element, around, all }: Place): HTMLElement | undefined {
  const at = all.findIndex((one) => one === element)
  const before = all.slice(0, Math.max(0, at)).findLast(canHaveFocus)
  const after = all.slice(at + 1).find(canHaveFocus)
  for (const box of around) {
    if (!box.isConnected) continue
    for (const one of [before, after]) if (one !== undefined && box.contains(one)) return one
  }
  return undefined
}

function canHaveFocus(element: HTMLElement): boolean {
  return (
    element.isConnected && element.tabIndex >= 0 && !element.matches(':disabled') && element.getClientRects().length > 0
  )
}
