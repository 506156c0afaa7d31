// One's own account: where one is signed in, and the password.
import { Button, Field, Input, makeStyles, Text } from '@fluentui/react-components'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { ApiError, call } from '../../api.ts'
import { Page, Section } from '../../components/page.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { useSession } from '../../session.ts'
import { accessTexts as texts } from '../../texts/access.ts'
import { factorQuery, OwnSecondFactor } from './second-factor.tsx'
import { SessionTable, sessionsQuery } from '../../components/session-table.tsx'

const useStyles = makeStyles({
  form: { display: 'flex', flexDirection: 'column', gap: '16px', maxWidth: '420px', alignItems: 'stretch' },
  submit: { alignSelf: 'start' },
})

export function OwnAccount() {
  const session = useSession()
  const isLocal = session?.account.kind === 'account'
  const sessions = useQuery(sessionsQuery('self'))
  const factor = useQuery({ ...factorQuery, enabled: isLocal })
  // All at once: what comes later would push the rest down under one's hands.
  if (sessions.isPending || (isLocal && factor.isPending))
    return (
      <Page title={texts.account} intro={texts.accountIntro}>
        <Loading />
      </Page>
    )
  return (
    <Page title={texts.account} intro={texts.accountIntro}>
      <Section title={texts.mySessions}>
        <SessionTable label={texts.mySessions} owner="self" />
      </Section>
      {isLocal ? (
        <>
          <Section title={texts.changePassword}>
            <ChangePassword />
          </Section>
          <Section title={texts.secondFactor}>
            <OwnSecondFactor />
          </Section>
        </>
      ) : null}
    </Page>
  )
}

const EMPTY = { current: '', password: '', again: '' }

function ChangePassword() {
  const styles = useStyles()
  const session = useSession()
  const toasts = useToasts()
  const queries = useQueryClient()
  const [form, setForm] = useState(EMPTY)
  const [isTried, setTried] = useState(false)
  const needsCurrent = session === null || session.setsPasswordUntil === null
  const change = useMutation({
    mutationFn: () => {
      const { current, password } = form
      return call(API.changePassword, { body: needsCurrent ? { current, password } : { password } })
    },
    // It may have become needed while the page stood there.
    onError: () => void queries.invalidateQueries({ queryKey: ['session'] }),
    onSuccess: () => {
      setForm(EMPTY)
      setTried(false)
      toasts.done(texts.passwordChanged)
      void queries.invalidateQueries({ queryKey: ['sessions'] })
      void queries.invalidateQueries({ queryKey: ['session'] })
    },
  })
  const problems = change.error instanceof ApiError ? (change.error.problem.problems ?? []) : []
  const problemOf = (field: string) =>
    problems.find(({ at }) => at === field || at === `body.${field}`)?.message ?? null
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        setTried(true)
        if ((form.current !== '' || !needsCurrent) && form.password !== '' && form.password === form.again)
          change.mutate()
      }}
    >
      {change.error === null || problems.length > 0 ? null : <Failed error={change.error} />}
      {/* Tells password managers whose password it is. */}
      <input type="text" name="username" autoComplete="username" value={session?.account.name ?? ''} readOnly hidden />
      {needsCurrent ? (
        <Field label={texts.currentPassword} required validationMessage={problemOf('current')}>
          <Input
            type="password"
            autoComplete="current-password"
            value={form.current}
            onChange={(_event, { value }) => setForm({ ...form, current: value })}
          />
        </Field>
      ) : (
        <Text>{texts.byLink}</Text>
      )}
      <Field label={texts.newPassword} hint={texts.passwordHint} required validationMessage={problemOf('password')}>
        <Input
          type="password"
          autoComplete="new-password"
          value={form.password}
          onChange={(_event, { value }) => setForm({ ...form, password: value })}
        />
      </Field>
      <Field
        label={texts.again}
        required
        validationMessage={isTried && form.password !== form.again ? texts.differ : null}
      >
        <Input
          type="password"
          autoComplete="new-password"
          value={form.again}
          onChange={(_event, { value }) => setForm({ ...form, again: value })}
        />
      </Field>
      <Button type="submit" appearance="primary" className={styles.submit} disabledFocusable={change.isPending}>
        {texts.changePassword}
      </Button>
    </form>
  )
}
