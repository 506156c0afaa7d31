// A card reader that types what it reads, as a keyboard would, and ends with Enter.
import { useEffect, useRef } from 'react'

/** A reader types without such a pause; a person who touched some keys begins anew. */
const PAUSE_MS = 1_000
const SHORTEST = 3

/** Calls `onCard` with what is typed while it listens. */
export function useCardReader(isListening: boolean, onCard: (card: string) => void): void {
  const latest = useRef(onCard)
  useEffect(() => {
    latest.current = onCard
  })
  useEffect(() => {
    if (!isListening) return undefined
    let typed = ''
    let lastMs = 0
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return
      if (event.timeStamp - lastMs > PAUSE_MS) typed = ''
      lastMs = event.timeStamp
      if (event.key === 'Enter' && typed.length >= SHORTEST) {
        // The button that has the focus was not meant.
        event.preventDefault()
        latest.current(typed)
        typed = ''
      } else if (event.key.length === 1 && (event.key !== ' ' || typed !== '')) typed += event.key
    }
    addEventListener('keydown', onKey, { capture: true })
    return () => removeEventListener('keydown', onKey, { capture: true })
  }, [isListening])
}
