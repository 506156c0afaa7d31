// From the waiting screen to who it is: by a card at any time while it waits, by the other ways behind buttons. Goes back to waiting by
// itself, so that nobody finds the screen of somebody else.
import { Button, makeStyles } from '@fluentui/react-components'
import { useEffect, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { Answered } from '../../../contract/api/endpoint.ts'
import type { Identification } from '../../../contract/api/terminals.ts'
import { call } from '../../api.ts'
import { speak, type Spoken, tellRefusal } from '../../texts/terminal-page.ts'
import { useAnswers } from './answers.ts'
import { useCardReader } from './card-reader.ts'
import { DeviceCode } from './device-code.tsx'
import { TerminalFrame } from './frame.tsx'
import { Identified } from './identified.tsx'
import { PasswordEntry } from './password-entry.tsx'
import { PinEntry } from './pin-entry.tsx'
import { tellError } from './told.ts'

export type OwnTerminal = Answered<typeof API.getTerminal>

type MicrosoftWay = 'deviceCode' | 'password'

type Step =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'pin' | 'userNamePin' }
  | { readonly kind: 'organization'; readonly way: MicrosoftWay }
  | { readonly kind: MicrosoftWay; readonly connection: string | undefined }
  | { readonly kind: 'identified'; readonly answer: Extract<Identification, { kind: 'identified' }> }
  | { readonly kind: 'unknown-card' }
  | { readonly kind: 'told'; readonly title: string; readonly text: string }

/** Untouched for so long, it waits for the next person. */
const IDLE_MS = 30_000
/** A sign-in on a telephone takes longer than touching a screen. */
const SIGN_IN_MS = 15 * 60_000
const WAITING: Step = { kind: 'waiting' }

const useStyles = makeStyles({
  buttons: { display: 'flex', flexWrap: 'wrap', justifyContent: 'center', gap: '16px' },
  large: { minHeight: '72px', minWidth: '220px', fontSize: '20px' },
})

export function Identifying(props: {
  readonly token: string
  readonly terminal: OwnTerminal
  readonly spoken: Spoken
}) {
  const { token, terminal, spoken } = props
  const styles = useStyles()
  const [step, setStep] = useState<Step>(WAITING)
  const answers = useAnswers()
  /** A card that nobody has, to be registered by who identifies himself now. */
  const [card, setCard] = useState<string>()
  const { texts } = spoken
  const go = (to: Step) => {
    answers.leave()
    setStep(to)
  }
  const reset = () => {
    go(WAITING)
    setCard(undefined)
  }
  useIdle(step, step.kind === 'deviceCode' ? SIGN_IN_MS : IDLE_MS, reset)

  const take = (answer: Identification, shown?: string) => {
    if (answer.kind === 'identified') go({ kind: 'identified', answer })
    else if (answer.mayRegister) {
      setCard(shown)
      go({ kind: 'unknown-card' })
    } else go({ kind: 'told', title: texts.failed, text: tellRefusal(texts, answer) })
  }
  const fail = (error: unknown) => go({ kind: 'told', title: texts.failed, text: tellError(texts, error) })
  const show = (body: Parameters<typeof call<typeof API.authenticate>>[1]['body'], shown?: string) => {
    const isAwaited = answers.ask()
    return call(API.authenticate, { body }, { terminalToken: token }).then(
      (answer) => isAwaited() && take(answer, shown),
      (error: unknown) => isAwaited() && fail(error),
    )
  }
  useCardReader(
    step.kind === 'waiting' && terminal.may.includes('card'),
    (read) => void show({ by: 'card', card: read }, read),
  )

  const ways = (
    <div className={styles.buttons}>
      {(['pin', 'userNamePin', 'deviceCode', 'password'] as const)
        .filter(
          (way) =>
            terminal.may.includes(way) &&
            (way !== 'deviceCode' || card === undefined || terminal.unknownCard === 'registerAlsoByCode') &&
            (!isOfMicrosoft(way) || organizationsOf(terminal, way).length > 0),
        )
        .map((way) => (
          <Button key={way} className={styles.large} size="large" onClick={() => go(stepOf(way, terminal))}>
            {texts[way]}
          </Button>
        ))}
    </div>
  )
  const back = (
    <Button size="large" onClick={reset}>
      {texts.back}
    </Button>
  )
  switch (step.kind) {
    case 'waiting':
      return (
        <TerminalFrame spoken={spoken} title={texts.welcome} name={terminal.name}>
          {terminal.may.includes('card') ? <p>{texts.holdCard}</p> : null}
          {ways}
        </TerminalFrame>
      )
    case 'unknown-card':
      return (
        <TerminalFrame spoken={spoken} title={texts.noCard} name={terminal.name}>
          <p>{texts.noCardText}</p>
          {ways}
          {back}
        </TerminalFrame>
      )
    case 'pin':
    case 'userNamePin':
      return (
        <TerminalFrame spoken={spoken} title={texts[step.kind]} name={terminal.name}>
          <PinEntry
            texts={texts}
            withUserName={step.kind === 'userNamePin'}
            onEntered={({ userName, pin }) =>
              void show(step.kind === 'pin' ? { by: 'pin', pin } : { by: 'userNamePin', userName, pin })
            }
          />
          {back}
        </TerminalFrame>
      )
    case 'organization':
      return (
        <TerminalFrame spoken={spoken} title={texts.chooseOrganization} name={terminal.name}>
          <div className={styles.buttons}>
            {organizationsOf(terminal, step.way).map((connection) => (
              <Button
                key={connection}
                className={styles.large}
                size="large"
                onClick={() => go({ kind: step.way, connection })}
              >
                {connection}
              </Button>
            ))}
          </div>
          {back}
        </TerminalFrame>
      )
    case 'deviceCode':
      return (
        <TerminalFrame spoken={spoken} title={texts.deviceCode} name={terminal.name}>
          <DeviceCode token={token} texts={texts} connection={step.connection} onAnswer={take} onFailed={fail} />
          {back}
        </TerminalFrame>
      )
    case 'password':
      return (
        <TerminalFrame spoken={spoken} title={texts.password} name={terminal.name}>
          <PasswordEntry
            texts={texts}
            onEntered={(typed) => {
              const { connection } = step
              void show({ by: 'password', ...typed, ...(connection === undefined ? {} : { connection }) })
            }}
          />
          {back}
        </TerminalFrame>
      )
    case 'identified': {
      const { user } = step.answer
      const own = speak(user.language, spoken.language)
      return (
        <TerminalFrame spoken={own} title={own.texts.hello(user.fullName ?? user.userName)} name={terminal.name}>
          <Identified token={token} texts={own.texts} answer={step.answer} card={card} onDone={reset} />
        </TerminalFrame>
      )
    }
    case 'told':
      return (
        <TerminalFrame spoken={spoken} title={step.title} name={terminal.name}>
          <p role="alert">{step.text}</p>
          {back}
        </TerminalFrame>
      )
    default:
      return step satisfies never
  }
}

function isOfMicrosoft(way: 'pin' | 'userNamePin' | MicrosoftWay): way is MicrosoftWay {
  return way === 'deviceCode' || way === 'password'
}

/** Where somebody may be from who signs in this way. */
function organizationsOf(terminal: OwnTerminal, way: MicrosoftWay): readonly string[] {
  return way === 'password' ? terminal.passwordConnections : terminal.connections
}

function stepOf(way: 'pin' | 'userNamePin' | MicrosoftWay, terminal: OwnTerminal): Step {
  if (!isOfMicrosoft(way)) return { kind: way }
  return organizationsOf(terminal, way).length > 1
    ? { kind: 'organization', way }
    : { kind: way, connection: undefined }
}

/** Calls `onIdle` when nobody has touched anything for so long since `step` began. */
function useIdle(step: Step, afterMs: number, onIdle: () => void): void {
  useEffect(() => {
    if (step.kind === 'waiting') return undefined
    let timer = setTimeout(onIdle, afterMs)
    const again = () => {
      clearTimeout(timer)
      timer = setTimeout(onIdle, afterMs)
    }
    for (const event of ['pointerdown', 'keydown'] as const) addEventListener(event, again)
    return () => {
      clearTimeout(timer)
      for (const event of ['pointerdown', 'keydown'] as const) removeEventListener(event, again)
    }
    // Begins anew with each step; `onIdle` always does the same.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [step, afterMs])
}
