// A terminal's token, shown once: as text, and as a link and QR code for the terminal page.
import { Link } from '@fluentui/react-components'
import { QrCode } from '../../components/qr-code.tsx'
import { ShowOnce } from '../../components/show-once.tsx'
import { terminalsTexts as texts } from '../../texts/terminals.ts'

export function TerminalToken(props: { readonly token: string | undefined; readonly onDone: () => void }) {
  return (
    <ShowOnce title={texts.theToken} text={texts.theTokenText} value={props.token} isLong onDone={props.onDone}>
      {(token) => <PageLink token={token} />}
    </ShowOnce>
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
