// Asks before what somebody typed is given up, whichever way he leaves: by closing what it stands in, by a link, with the browser's Back.
import { useBlocker } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { mayHoldBack } from '../leaving.ts'
import { shell } from '../texts/shell.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'

/**
 * @param onClose leaves without being asked again: it navigates with `ignoreBlocker`
 * @returns `close` for every way out of what is guarded, and the question, which has to be shown
 */
export function useDiscardGuard(options: {
  readonly isChanged: boolean
  /** What becomes of it. */
  readonly text: string
  readonly onClose: () => void
}): { readonly close: () => void; readonly question: ReactNode } {
  const { isChanged, text, onClose } = options
  const [isAsking, setAsking] = useState(false)
  const elsewhere = useBlocker({
    disabled: !isChanged,
    shouldBlockFn: always,
    // Closing the window, loading the page again, or the way to Microsoft: there the browser asks, in its words.
    enableBeforeUnload: mayHoldBack,
    withResolver: true,
  })
  const question = (
    <ConfirmDialog
      isOpen={isAsking || elsewhere.status === 'blocked'}
      title={shell.discardTitle}
      text={text}
      action={shell.discard}
      cancel={shell.keepEditing}
      onConfirm={() => {
        setAsking(false)
        if (elsewhere.status === 'blocked') elsewhere.proceed()
        else onClose()
      }}
      onCancel={() => {
        setAsking(false)
        elsewhere.reset?.()
      }}
    />
  )
  return { close: () => (isChanged ? setAsking(true) : onClose()), question }
}

/** One function for all times: with another one the way would be free for a moment. */
function always(): boolean {
  return true
}
