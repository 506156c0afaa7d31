// Asks before what somebody typed is given up, whichever way he leaves: by closing what it stands in, by a link, with the browser's Back.
import { useBlocker } from '@tanstack/react-router'
import { type ReactNode, useRef, useState } from 'react'
import { mayHoldBack } from '../leaving.ts'
import { shell } from '../texts/shell.ts'
import { ConfirmDialog } from './confirm-dialog.tsx'

interface Typed {
  readonly isChanged: boolean
  /** What becomes of it. */
  readonly text: string
  readonly onClose: () => void
}

interface Asking {
  readonly close: () => void
  readonly question: ReactNode
}

/**
 * @param onClose leaves without being asked again: it navigates with `ignoreBlocker`
 * @returns `close` for every way out of what is guarded, and the question, which has to be shown
 */
export function useDiscardGuard(options: Typed): Asking {
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
    <Question
      isOpen={isAsking || elsewhere.status === 'blocked'}
      text={text}
      onDiscard={() => {
        setAsking(false)
        if (elsewhere.status === 'blocked') elsewhere.proceed()
        else onClose()
      }}
      onKeep={() => {
        setAsking(false)
        elsewhere.reset?.()
      }}
    />
  )
  return { close: () => (isChanged ? setAsking(true) : onClose()), question }
}

/**
 * For a dialog inside of what is guarded: asks where that alone is closed; the other ways are asked about around it, once.
 *
 * @returns as `useDiscardGuard`
 */
export function useDiscardQuestion(options: Typed): Asking {
  const { isChanged, text, onClose } = options
  const [isAsking, setAsking] = useState(false)
  const isGivenUp = useRef(false)
  const question = (
    <Question
      isOpen={isAsking}
      text={text}
      onDiscard={() => {
        isGivenUp.current = true
        setAsking(false)
      }}
      onKeep={() => setAsking(false)}
      // One after the other: closed together, both leave the focus to what stands behind the panel, which would be hidden by that.
      onGone={() => {
        if (!isGivenUp.current) return
        isGivenUp.current = false
        onClose()
      }}
    />
  )
  return { close: () => (isChanged ? setAsking(true) : onClose()), question }
}

function Question(props: {
  readonly isOpen: boolean
  readonly text: string
  readonly onDiscard: () => void
  readonly onKeep: () => void
  readonly onGone?: () => void
}) {
  return (
    <ConfirmDialog
      isOpen={props.isOpen}
      title={shell.discardTitle}
      text={props.text}
      action={shell.discard}
      cancel={shell.keepEditing}
      onConfirm={props.onDiscard}
      onCancel={props.onKeep}
      {...(props.onGone === undefined ? {} : { onGone: props.onGone })}
    />
  )
}

/** One function for all times: with another one the way would be free for a moment. */
function always(): boolean {
  return true
}
