// A dialog with much to read: it is open as long as it is there, and what is between title and buttons scrolls.
import {
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
} from '@fluentui/react-components'
import type { ReactNode } from 'react'
import { FocusBack } from './focus-back.tsx'
import { scrollRegion } from './scroll-region.ts'

const useStyles = makeStyles({
  text: { maxWidth: 'min(760px, 96vw)' },
  table: { maxWidth: 'min(900px, 96vw)' },
  content: { display: 'flex', flexDirection: 'column', gap: '12px', '& > *': { flexShrink: 0 } },
})

export function ScrollingDialog(props: {
  readonly title: string
  /** What it has room for. */
  readonly widthOf: 'text' | 'table'
  readonly children: ReactNode
  /** The buttons. */
  readonly actions: ReactNode
  readonly onClose: () => void
}) {
  const styles = useStyles()
  return (
    <Dialog
      open
      onOpenChange={(_event, { open }) => {
        if (!open) props.onClose()
      }}
    >
      <DialogSurface className={styles[props.widthOf]}>
        <FocusBack />
        <DialogBody>
          <DialogTitle>{props.title}</DialogTitle>
          <DialogContent className={styles.content} {...scrollRegion(props.title)}>
            {props.children}
          </DialogContent>
          <DialogActions>{props.actions}</DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  )
}
