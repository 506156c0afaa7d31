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
  Text,
  tokens,
} from '@fluentui/react-components'
import { FocusBack } from './focus-back.tsx'
import { shell } from '../texts/shell.ts'

const useStyles = makeStyles({
  value: {
    display: 'block',
    marginTop: '16px',
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeHero700,
    lineHeight: tokens.lineHeightHero700,
    overflowWrap: 'anywhere',
    userSelect: 'all',
  },
})

export function ShowOnce(props: {
  readonly title: string
  readonly text: string
  /** Undefined: nothing is shown. */
  readonly value: string | undefined
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
          <DialogContent>
            <Text>{props.text}</Text>
            <output className={styles.value}>{props.value}</output>
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
