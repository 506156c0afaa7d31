// Who it is, in his language; and the card that he showed before, if it is to become his.
import { Button, makeStyles, tokens } from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import type { Identification } from '../../../contract/api/terminals.ts'
import { call } from '../../api.ts'
import type { Spoken } from '../../texts/terminal-page.ts'
import { tellError } from './told.ts'

const useStyles = makeStyles({
  groups: { margin: 0, padding: 0, listStyleType: 'none', color: tokens.colorNeutralForeground2 },
})

/** More would not be read by anybody who stands there. */
const MOST_GROUPS = 8

export function Identified(props: {
  readonly token: string
  readonly texts: Spoken['texts']
  readonly answer: Extract<Identification, { kind: 'identified' }>
  /** A card that nobody had when it was shown. */
  readonly card: string | undefined
  readonly onDone: () => void
}) {
  const styles = useStyles()
  const { token, texts, answer, card, onDone } = props
  const registering = useMutation({
    mutationFn: (body: { readonly registration: string; readonly card: string }) =>
      call(API.registerCard, { body }, { terminalToken: token }),
  })
  const { user, registration } = answer
  const canRegister = registration !== null && card !== undefined && !registering.isSuccess
  return (
    <>
      {user.groups === undefined || user.groups.length === 0 ? null : (
        <ul className={styles.groups} aria-label={texts.groups}>
          {user.groups.slice(0, MOST_GROUPS).map(({ id, path }) => (
            <li key={id}>{path}</li>
          ))}
        </ul>
      )}
      {registering.isSuccess ? <p role="status">{texts.registered}</p> : null}
      {registering.error === null ? null : <p role="alert">{tellError(texts, registering.error)}</p>}
      {canRegister ? (
        <Button
          size="large"
          disabledFocusable={registering.isPending}
          onClick={() => registering.mutate({ registration: registration.code, card })}
        >
          {texts.register}
        </Button>
      ) : null}
      <Button size="large" appearance="primary" onClick={onDone}>
        {texts.done}
      </Button>
    </>
  )
}
