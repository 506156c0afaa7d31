// Whose answer it is: what was asked counts until the step is left or something else is asked, and never for who stands there then.
import { useRef } from 'react'

export interface Answers {
  /** Drops what was asked before. @returns whether what is asked now is still waited for */
  readonly ask: () => () => boolean
  /** Drops what was asked. The request goes on, so that the server takes a right attempt back and audits it. */
  readonly leave: () => void
}

export function useAnswers(): Answers {
  const latest = useRef(0)
  const leave = () => {
    latest.current += 1
  }
  const ask = () => {
    leave()
    const asked = latest.current
    return () => asked === latest.current
  }
  return { ask, leave }
}
