// Whether somebody sits in front of the page. Screens ask by themselves every half minute; that is not use of a session, which is to end
// when nobody is there any more.

/** Longer than anything is looked at without moving a finger, and far shorter than a session lasts without use. */
const UNATTENDED_MS = 120_000

/** A screen reader or a voice presses buttons, types and moves without pointer and keys. */
const INPUT = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'click', 'input', 'focusin'] as const

let unattended = false
let timer: ReturnType<typeof setTimeout> | undefined

/** Notes what somebody does with the page, from now on. */
export function watchInput(): void {
  const note = () => {
    unattended = false
    clearTimeout(timer)
    timer = setTimeout(() => {
      unattended = true
    }, UNATTENDED_MS)
  }
  for (const kind of INPUT) document.addEventListener(kind, note, { passive: true, capture: true })
  note()
}

/** Nobody has done anything with this page for two minutes. */
export function isUnattended(): boolean {
  return unattended
}
