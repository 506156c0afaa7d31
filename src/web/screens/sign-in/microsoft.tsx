// Signing in with Microsoft: a button for each organization, a user name that chooses one, and what a refusal means.
import {
  Button,
  Checkbox,
  Divider,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
} from '@fluentui/react-components'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { isAboutAccount, SIGN_IN_REFUSALS } from '../../../contract/sign-in-refusals.ts'
import { call } from '../../api.ts'
import { Failed } from '../../components/states.tsx'
import { signInOptionsQuery } from '../../session.ts'
import { microsoftTexts as texts } from '../../texts/sign-in-microsoft.ts'

const useStyles = makeStyles({
  ways: { display: 'flex', flexDirection: 'column', gap: '12px' },
  // Long names of organizations take a second line.
  way: { whiteSpace: 'normal', overflowWrap: 'anywhere' },
  text: { whiteSpace: 'normal', overflowWrap: 'anywhere' },
  remedy: { display: 'block' },
})

/** Nothing where nobody signs in with Microsoft. */
export function MicrosoftWays({
  returnTo,
  refusal,
}: {
  readonly returnTo: string | undefined
  /** With what one has come back just now. */
  readonly refusal: string | undefined
}) {
  const styles = useStyles()
  const [userName, setUserName] = useState('')
  // Microsoft would send him back with the same account, and never show where another one is chosen.
  const [selectAccount, setSelectAccount] = useState(refusal !== undefined && isAboutAccount(refusal))
  const { data } = useQuery(signInOptionsQuery)
  const begin = useMutation({
    mutationFn: (choice: { readonly connection?: string; readonly userName?: string }) =>
      call(API.beginMicrosoft, {
        body: {
          ...choice,
          ...(returnTo === undefined ? {} : { returnTo }),
          ...(selectAccount ? { selectAccount } : {}),
        },
      }),
    onSuccess: ({ url }) => location.assign(url),
  })
  const connections = data?.microsoft ?? []
  if (connections.length === 0) return null
  // It stays so while the browser leaves the page.
  const isGoing = begin.isPending || begin.isSuccess
  const [only] = connections
  return (
    <div className={styles.ways}>
      {begin.error === null ? null : <Failed title={texts.failed} error={begin.error} />}
      {connections.length === 1 && only !== undefined ? (
        <Button
          appearance="primary"
          autoFocus
          disabledFocusable={isGoing}
          onClick={() => begin.mutate({ connection: only.name })}
        >
          {isGoing ? texts.going : texts.button}
        </Button>
      ) : (
        <>
          <form
            className={styles.ways}
            onSubmit={(event) => {
              event.preventDefault()
              if (userName.trim() !== '') begin.mutate({ userName: userName.trim() })
            }}
          >
            <Field label={texts.userName} hint={texts.userNameHint}>
              <Input
                type="email"
                name="microsoft-user-name"
                autoComplete="email"
                autoFocus
                value={userName}
                onChange={(_event, { value }) => setUserName(value)}
              />
            </Field>
            <Button type="submit" appearance="primary" disabledFocusable={isGoing}>
              {isGoing ? texts.going : texts.next}
            </Button>
          </form>
          {connections.map(({ name }) => (
            <Button
              key={name}
              className={styles.way}
              disabledFocusable={isGoing}
              onClick={() => begin.mutate({ connection: name })}
            >
              {texts.buttonOf(name)}
            </Button>
          ))}
        </>
      )}
      <Checkbox
        label={texts.otherAccount}
        checked={selectAccount}
        onChange={(_event, { checked }) => setSelectAccount(checked === true)}
      />
      <Divider>{texts.or}</Divider>
    </div>
  )
}

/** Why somebody came back from Microsoft without being signed in. */
export function MicrosoftRefusal({ code }: { readonly code: string | undefined }) {
  const styles = useStyles()
  if (code === undefined) return null
  const known = SIGN_IN_REFUSALS.find((refusal) => refusal === code)
  const { what, remedy } = known === undefined ? texts.unknown : texts.refusals[known]
  return (
    <MessageBar intent="error" layout="multiline" role="alert">
      <MessageBarBody className={styles.text}>
        <MessageBarTitle>{texts.refused}</MessageBarTitle>
        {what} <span className={styles.remedy}>{remedy}</span>
        <code>{known ?? ''}</code>
      </MessageBarBody>
    </MessageBar>
  )
}

/** The code of a refusal stands behind the `#`, and is taken out of the address. */
export function takeRefusal(): string | undefined {
  const [, code] = /^#error=([a-z-]{1,60})$/.exec(location.hash) ?? []
  if (code !== undefined) history.replaceState(history.state, '', `${location.pathname}${location.search}`)
  return code
}
