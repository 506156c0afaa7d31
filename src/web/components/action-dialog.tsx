// A question before something is done. Stays open while it is done, and tells in place what kept it from being done.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  makeStyles,
  Spinner,
} from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { type ReactElement, type ReactNode, useState } from 'react'
import { newIntention } from '../api.ts'
import { shell } from '../texts/shell.ts'
import { useDiscardQuestion } from './discard-guard.tsx'
import { ProofFirst } from './proof-first.tsx'
import { Failed } from './states.tsx'

const useStyles = makeStyles({
  // What does not fit scrolls: a message bar would give up its height instead, and what follows would lie over its buttons.
  content: { display: 'flex', flexDirection: 'column', gap: '16px', '& > *': { flexShrink: 0 } },
  wide: { maxWidth: 'min(900px, 96vw)' },
})

export function ActionDialog(props: {
  /** The button that opens it. */
  readonly trigger: ReactElement
  readonly title: string
  readonly children?: ReactNode
  /** What the button that does it is called. */
  readonly action: string
  /** Does it; what it throws is shown, and the dialog stays open. `key` names this one intention (see `CallOptions`). */
  readonly act: (key: string) => Promise<void>
  /** False while something is missing that `act` needs. */
  readonly isReady?: boolean
  /** It is done with a recent proof of who one is, and there is something to fill in before. */
  readonly needsProof?: true
  /** Empties the form when it is opened again. */
  readonly onOpen?: () => void
  /** Ends what goes on in it when it is closed, undone or done. */
  readonly onClose?: () => void
  /** What is typed in it that is not to be lost by closing it unasked, told in these words; undefined: nothing. */
  readonly unsaved?: string | undefined
  /** For a table. */
  readonly isWide?: boolean
}) {
  const styles = useStyles()
  const [isOpen, setOpen] = useState(false)
  const [key, setKey] = useState('')
  const acting = useMutation({ mutationFn: () => props.act(key), onSuccess: () => setOpen(false) })
  const { close, question } = useDiscardQuestion({
    isChanged: props.unsaved !== undefined,
    text: props.unsaved ?? '',
    onClose: () => {
      props.onClose?.()
      setOpen(false)
    },
  })
  return (
    <>
      <Dialog
        open={isOpen}
        onOpenChange={(_event, { open }) => {
          if (acting.isPending) return
          if (!open) {
            close()
            return
          }
          acting.reset()
          setKey(newIntention())
          props.onOpen?.()
          setOpen(true)
        }}
      >
        <DialogTrigger disableButtonEnhancement>{props.trigger}</DialogTrigger>
        <DialogSurface {...(props.isWide === true ? { className: styles.wide } : {})}>
          <form
            noValidate
            onSubmit={(event) => {
              event.preventDefault()
              if (props.isReady !== false && !acting.isPending) acting.mutate()
            }}
          >
            <DialogBody>
              <DialogTitle>{props.title}</DialogTitle>
              <DialogContent className={styles.content}>
                {props.needsProof === true ? <ProofFirst /> : null}
                {props.children}
                {acting.error === null ? null : <Failed title={shell.notDone} error={acting.error} />}
              </DialogContent>
              <DialogActions>
                <DialogTrigger disableButtonEnhancement>
                  <Button appearance="secondary">{shell.cancel}</Button>
                </DialogTrigger>
                <Button
                  type="submit"
                  appearance="primary"
                  disabledFocusable={props.isReady === false || acting.isPending}
                  {...(acting.isPending ? { icon: <Spinner size="tiny" aria-hidden /> } : {})}
                >
                  {props.action}
                </Button>
              </DialogActions>
            </DialogBody>
          </form>
        </DialogSurface>
      </Dialog>
      {question}
    </>
  )
}
