// Asks before something that one may not have meant.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
} from '@fluentui/react-components'
import { useEffectEvent, useLayoutEffect } from 'react'
import { FocusBack } from './focus-back.tsx'

export function ConfirmDialog(props: {
  readonly isOpen: boolean
  readonly title: string
  readonly text: string
  readonly action: string
  readonly cancel: string
  readonly onConfirm: () => void
  readonly onCancel: () => void
  /** It is out of the page, and the focus back where it was. */
  readonly onGone?: () => void
}) {
  return (
    <Dialog
      open={props.isOpen}
      modalType="alert"
      onOpenChange={(_event, { open }) => {
        if (!open) props.onCancel()
      }}
    >
      <DialogSurface>
        <FocusBack />
        <Gone onGone={props.onGone} />
        <DialogBody>
          <DialogTitle>{props.title}</DialogTitle>
          <DialogContent>{props.text}</DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={props.onConfirm}>
              {props.action}
            </Button>
            <Button onClick={props.onCancel}>{props.cancel}</Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  )
}

/** Stands after what gives the focus back, and so has its turn after that. */
function Gone(props: { readonly onGone: (() => void) | undefined }) {
  const tell = useEffectEvent(() => props.onGone?.())
  useLayoutEffect(() => () => queueMicrotask(tell), [])
  return null
}
