// For a form that is sent with a recent proof of who one is. Whoever gives that at Microsoft leaves the page, and what he has typed: so he
// is offered to give it before he types.
import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from '@fluentui/react-components'
import { proveNow } from '../proof.ts'
import { useSession } from '../session.ts'
import { proofTexts as texts } from '../texts/proof.ts'

/** Nothing for local accounts, which are asked over the form, and where there is a proof already. */
export function ProofFirst() {
  const session = useSession()
  if (session?.account.kind !== 'person' || session.provenUntil !== null) return null
  return (
    <MessageBar intent="info" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{texts.first}</MessageBarTitle>
        {texts.firstText}
      </MessageBarBody>
      <MessageBarActions>
        <Button onClick={() => void proveNow()}>{texts.firstAction}</Button>
      </MessageBarActions>
    </MessageBar>
  )
}
