// First start: the link of the console makes the first administrator.
import { Body1, Button, Field, Input, makeStyles, MessageBar, MessageBarBody } from '@fluentui/react-components'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { ApiError, call } from '../../api.ts'
import { LinkButton } from '../../components/link-button.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { setupQuery } from '../../session.ts'
import { signInTexts as texts } from '../../texts/sign-in.ts'
import { SignInCard } from './card.tsx'
import { takeCode, useEnter } from './entering.ts'

const useStyles = makeStyles({ form: { display: 'flex', flexDirection: 'column', gap: '16px' } })

export function SetUp() {
  const setup = useQuery(setupQuery)
  if (setup.data === true) return <SetUpForm />
  return (
    <SignInCard title={texts.setUpTitle}>
      {setup.isPending ? <Loading /> : null}
      {setup.error === null ? null : <Failed error={setup.error} retry={() => void setup.refetch()} />}
      {setup.data === false ? (
        <>
          <MessageBar intent="info" layout="multiline">
            <MessageBarBody>{texts.setUpClosed}</MessageBarBody>
          </MessageBar>
          <LinkButton to="/sign-in" appearance="primary">
            {texts.signIn}
          </LinkButton>
        </>
      ) : null}
    </SignInCard>
  )
}

function SetUpForm() {
  const styles = useStyles()
  const enter = useEnter()
  const [linked] = useState(takeCode)
  const [code, setCode] = useState(linked)
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [isTried, setTried] = useState(false)
  const setUp = useMutation({
    mutationFn: () => call(API.setUp, { body: { code: code.trim(), name: name.trim(), password } }),
    onSuccess: (session) => enter(session),
  })
  const problems = setUp.error instanceof ApiError ? (setUp.error.problem.problems ?? []) : []
  const messageOf = (field: string, own: string | undefined) =>
    own ?? problems.find((problem) => problem.at === field || problem.at === `body.${field}`)?.message ?? null
  const missing = (value: string) => (isTried && value.trim() === '' ? texts.empty : undefined)
  const differ = isTried && password !== again ? texts.differ : undefined
  return (
    <SignInCard title={texts.setUpTitle}>
      <Body1>{texts.setUpIntro}</Body1>
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault()
          setTried(true)
          if (code.trim() !== '' && name.trim() !== '' && password !== '' && password === again) setUp.mutate()
        }}
      >
        {setUp.error === null || problems.length > 0 ? null : <Failed error={setUp.error} />}
        {linked === '' ? (
          <Field label={texts.code} hint={texts.codeHint} required validationMessage={messageOf('code', missing(code))}>
            <Input value={code} autoComplete="off" onChange={(_event, { value }) => setCode(value)} />
          </Field>
        ) : null}
        <Field label={texts.name} required validationMessage={messageOf('name', missing(name))}>
          <Input
            name="username"
            autoComplete="username"
            autoFocus
            value={name}
            onChange={(_event, { value }) => setName(value)}
          />
        </Field>
        <Field
          label={texts.password}
          hint={texts.newPasswordHint}
          required
          validationMessage={messageOf('password', missing(password))}
        >
          <Input
            name="new-password"
            type="password"
            autoComplete="new-password"
            value={password}
            onChange={(_event, { value }) => setPassword(value)}
          />
        </Field>
        <Field label={texts.passwordAgain} required validationMessage={differ ?? null}>
          <Input
            name="new-password-again"
            type="password"
            autoComplete="new-password"
            value={again}
            onChange={(_event, { value }) => setAgain(value)}
          />
        </Field>
        <Button type="submit" appearance="primary" disabledFocusable={setUp.isPending}>
          {texts.create}
        </Button>
      </form>
    </SignInCard>
  )
}
