// Shows a value that is not shown again, until it is dismissed.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  makeStyles,
  mergeClasses,
  Text,
  tokens,
} from '@fluentui/react-components'
import { FocusBack } from './focus-back.tsx'
import type { ReactNode } from 'react'
import { shell } from '../texts/shell.ts'

const useStyles = makeStyles({
  content: { display: 'flex', flexDirection: 'column', gap: '16px' },
  value: {
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeHero700,
    lineHeight: tokens.lineHeightHero700,
    overflowWrap: 'anywhere',
    userSelect: 'all',
  },
  long: { fontSize: tokens.fontSizeBase300, lineHeight: tokens.lineHeightBase300 },
})

export function ShowOnce(props: {
  readonly title: string
  readonly text: string
  /** Undefined: nothing is shown. */
  readonly value: string | undefined
  /** A long one that is copied, rather than one that is read and remembered. */
  readonly isLong?: boolean
  /** What else can be done with it, below it. */
  readonly children?: (value: string) => ReactNode
  readonly onDone: () => void
}) {
  const styles = useStyles()
  return (
    <Dialog
      modalType="alert"
      open={props.value !== undefined}
      onOpenChange={(_event, { open }) => {
        if (!open) props.onDone()
      }}
    >
      <DialogSurface>
        <FocusBack />
        <DialogBody>
          <DialogTitle>{props.title}</DialogTitle>
          <DialogContent className={styles.content}>
            <Text>{props.text}</Text>
            <output className={mergeClasses(styles.value, props.isLong === true && styles.long)}>{props.value}</output>
            {props.value === undefined ? null : props.children?.(props.value)}
          </DialogContent>
          <DialogActions>
            <Button appearance="primary" onClick={props.onDone}>
              {shell.done}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  )
}
