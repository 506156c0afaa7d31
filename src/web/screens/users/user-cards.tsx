// Cards and PIN of a user. Numbers are masked; whoever may see one asks for it, and the audit keeps that.
import { Badge, Button, Field, Input, makeStyles, Text } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { UserView } from '../../../contract/api/users.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { Section } from '../../components/page.tsx'
import { useMay } from '../../session.ts'
import { usersTexts as texts } from '../../texts/users.ts'
import { ShowOnce } from '../../components/show-once.tsx'
import { userQuery } from './user-queries.ts'

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '6px' },
  row: { display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: '8px' },
})

/** Keeps what the server answered after a change. */
export function useKeepUser() {
  const queries = useQueryClient()
  return async (user: UserView) => {
    queries.setQueryData(userQuery(user.id).queryKey, user)
    await queries.invalidateQueries({ queryKey: ['user', user.id, 'history'] })
    await queries.invalidateQueries({ queryKey: ['users'] })
  }
}

export function Cards({ user }: { readonly user: UserView }) {
  const styles = useStyles()
  const mayCare = useMay('helpdesk')
  const [revealed, setRevealed] = useState<string>()
  return (
    <Section title={texts.cards}>
      {user.cards.length === 0 ? <Text>{texts.noCards}</Text> : null}
      <ul className={styles.list} aria-label={texts.cards}>
        {user.cards.map((card) => (
          <li key={card.id} className={styles.row}>
            <code>{card.value}</code>
            <Badge appearance="outline">{texts.origins[card.origin]}</Badge>
            {card.isHeld ? null : <Badge color="warning">{texts.parked}</Badge>}
            <RevealCard user={user} card={card.id} onRevealed={setRevealed} />
            {mayCare && card.origin === 'registry' ? <RemoveCard user={user} card={card.id} /> : null}
          </li>
        ))}
      </ul>
      <Pin user={user} />
      {mayCare ? (
        <div className={styles.row}>
          <AddCard user={user} />
        </div>
      ) : null}
      <ShowOnce title={texts.card} text={texts.revealed} value={revealed} onDone={() => setRevealed(undefined)} />
    </Section>
  )
}

function Pin({ user }: { readonly user: UserView }) {
  const styles = useStyles()
  const mayCare = useMay('helpdesk')
  const keep = useKeepUser()
  const [pin, setPin] = useState<string>()
  const { id, pin: state } = user
  const inWords = state === null ? texts.pinNone : state.isHeld ? texts.pinSet : texts.pinParked
  return (
    <div className={styles.row}>
      <Text>
        {texts.pin}: {inWords}
      </Text>
      {mayCare ? (
        <ActionDialog
          trigger={<Button size="small">{texts.resetPin}</Button>}
          title={texts.resetPinTitle}
          action={texts.resetPin}
          act={async () => {
            const answer = await call(API.resetPin, { params: { user: id } })
            setPin(answer.pin)
            await keep(answer.user)
          }}
        >
          <Text>{texts.resetPinText}</Text>
        </ActionDialog>
      ) : null}
      {mayCare && state?.origin === 'registry' ? (
        <ActionDialog
          trigger={<Button size="small">{texts.removePin}</Button>}
          title={texts.removePinTitle}
          action={texts.removePin}
          act={async () => keep(await call(API.removePin, { params: { user: id } }))}
        />
      ) : null}
      <ShowOnce title={texts.newPin} text={texts.newPinText} value={pin} onDone={() => setPin(undefined)} />
    </div>
  )
}

function AddCard({ user }: { readonly user: UserView }) {
  const [card, setCard] = useState('')
  const keep = useKeepUser()
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.addCard}</Button>}
      title={texts.addCard}
      action={texts.add}
      isReady={card.trim() !== ''}
      needsProof
      onOpen={() => setCard('')}
      act={async (idempotencyKey) =>
        keep(await call(API.addCard, { params: { user: user.id }, body: { card: card.trim() } }, { idempotencyKey }))
      }
    >
      <Text>{texts.addCardText}</Text>
      <Field label={texts.card} required>
        <Input value={card} maxLength={200} autoComplete="off" onChange={(_event, { value }) => setCard(value)} />
      </Field>
    </ActionDialog>
  )
}

function RemoveCard({ user, card }: { readonly user: UserView; readonly card: string }) {
  const keep = useKeepUser()
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.removeCard}</Button>}
      title={texts.removeCardTitle}
      action={texts.removeCard}
      act={async () => keep(await call(API.removeCard, { params: { user: user.id, card } }))}
    >
      <Text>{texts.removeCardText}</Text>
    </ActionDialog>
  )
}

function RevealCard(props: { user: UserView; card: string; onRevealed: (card: string) => void }) {
  const { user, card } = props
  if (!useMay('operator')) return null
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.reveal}</Button>}
      title={texts.revealTitle}
      action={texts.reveal}
      act={async () => {
        const answer = await call(API.revealCard, { params: { user: user.id, card } })
        props.onRevealed(answer.card)
      }}
    >
      <Text>{texts.revealText}</Text>
    </ActionDialog>
  )
}
