// What makes an element that scrolls by itself reachable by keyboard, and names it for who cannot see it.

/** Props of an element that scrolls. They are spread: the lint rule against focus on what takes no input does not know scrolling. */
export function scrollRegion(label: string) {
  return { tabIndex: 0, role: 'region', 'aria-label': label } as const
}
