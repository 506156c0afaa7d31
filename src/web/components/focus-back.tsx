// Stands in a panel or dialog that no trigger of its own opens: when that closes, the focus goes back to where it was, or to the
// heading of the page where that is gone.
import { useLayoutEffect, useState } from 'react'
import { isFocusNowhere } from '../focus.ts'

export function FocusBack() {
  const [opener] = useState(() => document.activeElement)
  useLayoutEffect(
    () => () => {
      // When it is out of the page, and before Fluent gives the focus to the trigger that had it last, wherever that is: behind another
      // dialog, which would count as hidden then.
      queueMicrotask(() => {
        if (!isFocusNowhere()) return
        if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
        // Whatever closed together with this has had its turn by then, and what replaces it.
        requestAnimationFrame(() => {
          if (isFocusNowhere()) document.querySelector<HTMLElement>('main h1')?.focus()
        })
      })
    },
    [opener],
  )
  return null
}
