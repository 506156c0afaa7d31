// Where an administrator of a tenant comes back to from Microsoft's page of consent. He need not be anybody here, and may be signed in
// or not: it only tells what Microsoft said.
import { Body1, makeStyles, MessageBar, MessageBarBody, MessageBarTitle } from '@fluentui/react-components'
import { useState } from 'react'
import { LinkButton } from '../../components/link-button.tsx'
import { type ConsentEnd, consentTexts as texts } from '../../texts/consent.ts'
import { SignInCard } from './card.tsx'

const useStyles = makeStyles({ text: { overflowWrap: 'anywhere', whiteSpace: 'normal' } })

export function Consent() {
  const styles = useStyles()
  const [{ end, tenant, wanted }] = useState(readEnd)
  const { title, text, remedy } = texts.ends[end](tenant, wanted)
  return (
    <SignInCard title={texts.page}>
      <MessageBar intent={end === 'given' ? 'success' : 'warning'} layout="multiline" role="alert">
        <MessageBarBody className={styles.text}>
          <MessageBarTitle>{title}</MessageBarTitle>
          {text}
        </MessageBarBody>
      </MessageBar>
      <Body1>{remedy}</Body1>
      <LinkButton to="/">{texts.on}</LinkButton>
    </SignInCard>
  )
}

const ENDS: readonly ConsentEnd[] = ['given', 'given-elsewhere', 'given-somewhere', 'refused', 'unknown']

/** Nothing but ids of tenants is taken from the address: it could be anybody's. */
function readEnd(): {
  readonly end: ConsentEnd
  readonly tenant: string | undefined
  readonly wanted: string | undefined
} {
  const [, code, tenant, wanted] =
    /^#([a-z-]{1,20})(?:\.([0-9a-f-]{36}))?(?:\.([0-9a-f-]{36}))?$/.exec(location.hash) ?? []
  return { end: ENDS.find((known) => known === code) ?? 'unknown', tenant, wanted }
}
