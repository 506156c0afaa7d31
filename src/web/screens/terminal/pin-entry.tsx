// A PIN on a pad of large keys, or typed; with the user name where that is asked for.
import { Button, Field, Input, makeStyles } from '@fluentui/react-components'
import { BackspaceRegular } from '@fluentui/react-icons/svg/backspace'
import { useState } from 'react'
import type { Spoken } from '../../texts/terminal-page.ts'
import { onEnter } from './on-enter.ts'

const LOW = '@media (max-height: 540px) and (min-width: 640px)'

const useStyles = makeStyles({
  form: {
    display: 'flex',
    flexDirection: 'column',
    gap: '12px',
    width: '300px',
    maxWidth: '100%',
    // Low screens of printers: beside each other.
    [LOW]: { flexDirection: 'row', alignItems: 'center', gap: '32px', width: '620px' },
  },
  fields: { display: 'flex', flexDirection: 'column', gap: '12px', flex: 1 },
  pad: { flex: 1, display: 'grid', gridTemplateColumns: 'repeat(3, 1fr)', gap: '8px' },
  key: { minWidth: 0, maxWidth: 'none', width: '100%', minHeight: '52px', fontSize: '22px' },
})

export function PinEntry(props: {
  readonly texts: Spoken['texts']
  readonly withUserName: boolean
  readonly onEntered: (entered: { readonly userName: string; readonly pin: string }) => void
}) {
  const styles = useStyles()
  const { texts, withUserName } = props
  const [userName, setUserName] = useState('')
  const [pin, setPin] = useState('')
  const isReady = pin !== '' && (!withUserName || userName.trim() !== '')
  const key = (digit: string) => (
    <Button key={digit} className={styles.key} onClick={() => setPin(pin + digit)}>
      {digit}
    </Button>
  )
  const enter = () => {
    if (isReady) props.onEntered({ userName: userName.trim(), pin })
  }
  return (
    <div className={styles.form}>
      <div className={styles.fields}>
        {withUserName ? (
          <Field label={texts.userName}>
            <Input
              size="large"
              autoFocus
              autoComplete="off"
              value={userName}
              onKeyDown={onEnter(enter)}
              onChange={(_event, { value }) => setUserName(value)}
            />
          </Field>
        ) : null}
        <Field label={texts.pin} hint={texts.digits(pin.length)}>
          <Input
            size="large"
            type="password"
            // The pad is the keyboard here; a real one works as well.
            inputMode="none"
            autoFocus={!withUserName}
            // As in password-entry.tsx.
            autoComplete="one-time-code"
            value={pin}
            onKeyDown={onEnter(enter)}
            onChange={(_event, { value }) => setPin(value)}
          />
        </Field>
      </div>
      <div className={styles.pad}>
        {['1', '2', '3', '4', '5', '6', '7', '8', '9'].map(key)}
        <Button
          className={styles.key}
          icon={<BackspaceRegular />}
          aria-label={texts.erase}
          onClick={() => setPin(pin.slice(0, -1))}
        />
        {key('0')}
        <Button appearance="primary" className={styles.key} disabledFocusable={!isReady} onClick={enter}>
          {texts.ok}
        </Button>
      </div>
    </div>
  )
}
