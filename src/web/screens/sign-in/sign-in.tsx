// Signing in: with Microsoft where a connection has it, or with name and password of a local account.
import { Button, Field, Input, makeStyles, MessageBar, MessageBarBody } from '@fluentui/react-components'
import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { isCodeAsked, PasswordAndCodeFields, usePasswordAndCode } from '../../components/password-and-code.tsx'
import { Failed } from '../../components/states.tsx'
import { signInOptionsQuery } from '../../session.ts'
import { signInTexts as texts } from '../../texts/sign-in.ts'
import { SignInCard } from './card.tsx'
import { useEnter } from './entering.ts'
import { MicrosoftRefusal, MicrosoftWays, takeRefusal } from './microsoft.tsx'

const useStyles = makeStyles({ form: { display: 'flex', flexDirection: 'column', gap: '16px' } })
const route = getRouteApi('/sign-in')

export function SignIn() {
  const styles = useStyles()
  const { to, ended, signedOut } = route.useSearch()
  const enter = useEnter()
  const [refusal] = useState(takeRefusal)
  const [name, setName] = useState('')
  const { data: options } = useQuery(signInOptionsQuery)
  const typed = usePasswordAndCode('sign-in-failed')
  const signIn = useMutation({
    mutationFn: () => call(API.signIn, { body: { name, ...typed.given } }),
    onSuccess: (session) => enter(session, to),
    onError: typed.refused,
  })
  return (
    <SignInCard title={texts.title}>
      {ended === true ? (
        <MessageBar layout="multiline" role="status">
          <MessageBarBody>{texts.ended}</MessageBarBody>
        </MessageBar>
      ) : null}
      {signedOut === 'here' ? (
        <MessageBar intent="warning" layout="multiline" role="alert">
          <MessageBarBody>{texts.signedOutHere}</MessageBarBody>
        </MessageBar>
      ) : null}
      <MicrosoftRefusal code={refusal} />
      <MicrosoftWays returnTo={to} refusal={refusal} />
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          if (name !== '' && typed.isTyped) signIn.mutate()
        }}
      >
        {signIn.error === null || isCodeAsked(signIn.error) ? null : (
          <Failed title={texts.failed} error={signIn.error} />
        )}
        <Field label={texts.name} required>
          <Input
            name="username"
            autoComplete="username"
            autoFocus={options === undefined || options.microsoft.length === 0}
            value={name}
            onChange={(_event, { value }) => setName(value)}
          />
        </Field>
        <PasswordAndCodeFields
          typed={typed}
          texts={{ password: texts.password, code: texts.code2, codeHint: texts.code2Hint }}
        />
        <Button type="submit" appearance="primary" disabledFocusable={signIn.isPending}>
          {signIn.isPending ? texts.signingIn : texts.signIn}
        </Button>
      </form>
    </SignInCard>
  )
}
