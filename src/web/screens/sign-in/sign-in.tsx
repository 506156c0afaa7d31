// Signing in: with Microsoft where a connection has it, or with name and password of a local account.
import { Button, Field, Input, makeStyles } from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { ApiError, call } from '../../api.ts'
import { Failed } from '../../components/states.tsx'
import { signInTexts as texts } from '../../texts/sign-in.ts'
import { SignInCard } from './card.tsx'
import { useEnter } from './entering.ts'
import { MicrosoftRefusal, MicrosoftWays } from './microsoft.tsx'

const useStyles = makeStyles({ form: { display: 'flex', flexDirection: 'column', gap: '16px' } })
const route = getRouteApi('/sign-in')

export function SignIn() {
  const styles = useStyles()
  const { to } = route.useSearch()
  const enter = useEnter()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  /** Of the second factor; undefined until the server asks for one. */
  const [code, setCode] = useState<string>()
  const signIn = useMutation({
    mutationFn: () => call(API.signIn, { body: { name, password, ...(code === undefined ? {} : { code }) } }),
    onSuccess: (session) => enter(session, to),
    onError: (error) => {
      const told = error instanceof ApiError ? error.problem.code : undefined
      if (told === 'second-factor-needed' || told === 'second-factor-wrong') setCode('')
      // Whatever else it was, what was typed was not looked at or may be right: one need not type it again.
      else if (told === 'sign-in-failed') {
        setPassword('')
        setCode(undefined)
      }
    },
  })
  const isAskedFor = signIn.error instanceof ApiError && signIn.error.problem.code === 'second-factor-needed'
  return (
    <SignInCard title={texts.title}>
      <MicrosoftRefusal />
      <MicrosoftWays returnTo={to} />
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          if (name !== '' && password !== '' && code !== '') signIn.mutate()
        }}
      >
        {signIn.error === null || isAskedFor ? null : <Failed title={texts.failed} error={signIn.error} />}
        <Field label={texts.name} required>
          <Input
            name="username"
            autoComplete="username"
            autoFocus
            value={name}
            onChange={(_event, { value }) => setName(value)}
          />
        </Field>
        <Field label={texts.password} required>
          <Input
            name="password"
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(_event, { value }) => setPassword(value)}
          />
        </Field>
        {code === undefined ? null : (
          <Field label={texts.code2} hint={texts.code2Hint} required>
            <Input
              name="one-time-code"
              autoComplete="one-time-code"
              autoFocus
              value={code}
              onChange={(_event, { value }) => setCode(value)}
            />
          </Field>
        )}
        <Button type="submit" appearance="primary" disabledFocusable={signIn.isPending}>
          {signIn.isPending ? texts.signingIn : texts.signIn}
        </Button>
      </form>
    </SignInCard>
  )
}
