// User name and Microsoft password, typed on the device's own keyboard. Neither stays in the page when it is left.
import { Button, Field, Input, makeStyles } from '@fluentui/react-components'
import { useState } from 'react'
import type { Spoken } from '../../texts/terminal-page.ts'
import { onEnter } from './on-enter.ts'

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '16px', width: '360px', maxWidth: '100%', textAlign: 'start' },
})

export function PasswordEntry(props: {
  readonly texts: Spoken['texts']
  readonly onEntered: (entered: { readonly userName: string; readonly password: string }) => void
}) {
  const styles = useStyles()
  const { texts } = props
  const [userName, setUserName] = useState('')
  const [password, setPassword] = useState('')
  const [isAsking, setAsking] = useState(false)
  const isReady = userName.trim() !== '' && password !== '' && !isAsking
  const enter = () => {
    if (!isReady) return
    setAsking(true)
    props.onEntered({ userName: userName.trim(), password })
  }
  return (
    <div className={styles.form}>
      <Field label={texts.userName}>
        <Input
          size="large"
          autoFocus
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={200}
          value={userName}
          onKeyDown={onEnter(enter)}
          onChange={(_event, { value }) => setUserName(value)}
        />
      </Field>
      <Field label={texts.microsoftPassword}>
        <Input
          size="large"
          type="password"
          // The next person must not find it in the browser, which passes over `off` where it sees a password.
          autoComplete="one-time-code"
          maxLength={256}
          value={password}
          onKeyDown={onEnter(enter)}
          onChange={(_event, { value }) => setPassword(value)}
        />
      </Field>
      <Button appearance="primary" size="large" disabledFocusable={!isReady} onClick={enter}>
        {isAsking ? texts.asking : texts.ok}
      </Button>
    </div>
  )
}
