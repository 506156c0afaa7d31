// A terminal's token, shown once: as text, and as a link and QR code for the terminal page.
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Link,
  makeStyles,
  Text,
  tokens,
} from '@fluentui/react-components'
import { QrCode } from '../../components/qr-code.tsx'
import { shell } from '../../texts/shell.ts'
import { terminalsTexts as texts } from '../../texts/terminals.ts'

const useStyles = makeStyles({
  content: { display: 'flex', flexDirection: 'column', gap: '16px' },
  token: { fontFamily: tokens.fontFamilyMonospace, overflowWrap: 'anywhere', userSelect: 'all' },
})

export function TerminalToken(props: { readonly token: string | undefined; readonly onDone: () => void }) {
  const styles = useStyles()
  return (
    <Dialog
      modalType="alert"
      open={props.token !== undefined}
      onOpenChange={(_event, { open }) => {
        if (!open) props.onDone()
      }}
    >
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{texts.theToken}</DialogTitle>
          <DialogContent className={styles.content}>
            <Text>{texts.theTokenText}</Text>
            <output className={styles.token}>{props.token}</output>
            {props.token === undefined ? null : <PageLink token={props.token} />}
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

/** Behind `#`, so that it reaches no log. */
function PageLink({ token }: { readonly token: string }) {
  const address = `${location.origin}/terminal#${token}`
  return (
    <>
      <Link href={address} target="_blank" rel="noreferrer">
        {texts.openPage}
      </Link>
      <QrCode text={address} label={texts.qr} size={200} />
    </>
  )
}
