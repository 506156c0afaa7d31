// Enter in a field, as in a form. There is no form around the fields of a terminal: a browser offers to keep what is sent with one.
import type { KeyboardEvent } from 'react'

export function onEnter(enter: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    // While a word is put together it only ends the word.
    if (event.key !== 'Enter' || event.nativeEvent.isComposing) return
    event.preventDefault()
    enter()
  }
}
