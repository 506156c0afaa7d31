// A one-time link of the console. It is used by a click and not by opening it: programs that look at links before people do would
// use it up.
import { Body1, Button } from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { LinkButton } from '../../components/link-button.tsx'
import { Failed } from '../../components/states.tsx'
import { signInTexts as texts } from '../../texts/sign-in.ts'
import { SignInCard } from './card.tsx'
import { takeCode, useEnter } from './entering.ts'

export function SignInByLink() {
  const enter = useEnter()
  const [code] = useState(takeCode)
  const signIn = useMutation({
    mutationFn: () => call(API.signInByLink, { body: { code } }),
    onSuccess: (session) => enter(session),
  })
  return (
    <SignInCard title={texts.linkTitle}>
      {signIn.error === null ? null : <Failed title={texts.failed} error={signIn.error} />}
      <Body1>{code === '' ? texts.linkMissing : signIn.error === null ? texts.linkText : texts.linkRemedy}</Body1>
      {code === '' || signIn.error !== null ? (
        <LinkButton to="/sign-in">{texts.withPassword}</LinkButton>
      ) : (
        <Button appearance="primary" autoFocus disabledFocusable={signIn.isPending} onClick={() => signIn.mutate()}>
          {signIn.isPending ? texts.signingIn : texts.signIn}
        </Button>
      )}
    </SignInCard>
  )
}
