// The terminal page: for a tablet or kiosk with a card reader that types, and an example for whoever builds a terminal. The token comes
// once, by a link or pasted, and stays in this browser.
import { Button, Field, Input } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { ApiError, call } from '../../api.ts'
import { Failed, Loading } from '../../components/states.tsx'
import { speak, type Spoken } from '../../texts/terminal-page.ts'
import { Identifying } from './identifying.tsx'
import { TerminalFrame } from './frame.tsx'

const KEY = 'muster.terminal'

export function TerminalPage() {
  const [token, setToken] = useState(takeToken)
  const spoken = speak(...navigator.languages)
  useEffect(() => {
    document.title = spoken.texts.title
  }, [spoken.texts.title])
  const keep = (given: string | undefined) => {
    if (given === undefined) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, given)
    setToken(given)
  }
  return token === undefined ? (
    <SetUp spoken={spoken} onToken={keep} />
  ) : (
    <Ready key={token} token={token} spoken={spoken} onForget={() => keep(undefined)} />
  )
}

/** The token of the link that was opened, taken out of the address at once; or the one of before. */
function takeToken(): string | undefined {
  const given = location.hash.slice(1)
  if (!given.startsWith('mtt_')) return localStorage.getItem(KEY) ?? undefined
  history.replaceState(history.state, '', location.pathname)
  localStorage.setItem(KEY, given)
  return given
}

function SetUp({ spoken, onToken }: { readonly spoken: Spoken; readonly onToken: (token: string) => void }) {
  const [text, setText] = useState('')
  const { texts } = spoken
  const token = text.trim()
  return (
    <TerminalFrame spoken={spoken} title={texts.setUp}>
      <p>{texts.setUpText}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (token.startsWith('mtt_')) onToken(token)
        }}
      >
        <Field label={texts.token} required>
          <Input
            type="password"
            autoComplete="off"
            size="large"
            value={text}
            onChange={(_event, { value }) => setText(value)}
          />
        </Field>
        <p>
          <Button type="submit" appearance="primary" size="large" disabledFocusable={!token.startsWith('mtt_')}>
            {texts.use}
          </Button>
        </p>
      </form>
    </TerminalFrame>
  )
}

function Ready(props: { readonly token: string; readonly spoken: Spoken; readonly onForget: () => void }) {
  const { token, spoken, onForget } = props
  const { data, error, refetch } = useQuery({
    queryKey: ['terminal', token],
    queryFn: ({ signal }) => call(API.getTerminal, {}, { signal, terminalToken: token }),
    // What an administrator changes is seen without anybody touching the device.
    refetchInterval: 60_000,
  })
  const { texts } = spoken
  if (error instanceof ApiError && error.status === 401) {
    return (
      <TerminalFrame spoken={spoken} title={texts.stopped}>
        <p>{texts.stoppedText}</p>
        <Button size="large" onClick={onForget}>
          {texts.another}
        </Button>
      </TerminalFrame>
    )
  }
  if (data !== undefined) return <Identifying token={token} terminal={data} spoken={spoken} />
  return (
    <TerminalFrame spoken={spoken} title={texts.title}>
      {error === null ? <Loading /> : <Failed error={error} retry={() => void refetch()} />}
    </TerminalFrame>
  )
}
