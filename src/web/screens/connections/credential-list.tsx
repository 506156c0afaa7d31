// The credentials of a connection: which works, which is refused and why, when each ends; added and removed beside each other.
import {
  Badge,
  Button,
  Field,
  Input,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Subtitle2,
  Text,
  tokens,
} from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { ConnectionView, CredentialView } from '../../../contract/api/connections.ts'
import { addressOf, ApiError, call } from '../../api.ts'
import { now } from '../../clock.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { connectionTexts } from '../../texts/connections.ts'
import { credentialTexts as texts } from '../../texts/credentials.ts'
import { asNewCredential, type CredentialDraft, isBegun, missingField, NO_CREDENTIAL } from './credential-draft.ts'
import { CredentialFields } from './credential-fields.tsx'

const DAY_MS = 86_400_000
/** Ends that are nearer are told above the list. */
const SOON_DAYS = 60

const useStyles = makeStyles({
  all: { display: 'flex', flexDirection: 'column', gap: '12px' },
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '8px' },
  one: {
    display: 'flex',
    flexDirection: 'column',
    gap: '4px',
    padding: '12px',
    borderRadius: tokens.borderRadiusMedium,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    overflowWrap: 'anywhere',
  },
  head: { display: 'flex', flexWrap: 'wrap', gap: '8px', alignItems: 'center' },
  id: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
  faint: { color: tokens.colorNeutralForeground2 },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '8px', marginTop: '4px' },
})

interface Props {
  readonly connection: ConnectionView
  /** Whether one is typed that is not added. */
  readonly onChanged: (isChanged: boolean) => void
}

export function CredentialList({ connection, onChanged }: Props) {
  const styles = useStyles()
  const { name, credentials } = connection
  const days = soonest(credentials)
  return (
    <section className={styles.all} aria-label={texts.title}>
      <Subtitle2 as="h3">{texts.title}</Subtitle2>
      <Text>{texts.intro}</Text>
      {days === undefined || days > SOON_DAYS ? null : (
        <MessageBar intent={days <= 7 ? 'error' : 'warning'} layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.endsSoon(days)}</MessageBarTitle>
            {texts.endsSoonRemedy}
          </MessageBarBody>
        </MessageBar>
      )}
      <ul className={styles.list}>
        {credentials.map((credential) => (
          <li key={credential.id} className={styles.one}>
            <Credential connection={name} credential={credential} />
          </li>
        ))}
      </ul>
      <Reading connection={connection} />
      <div>
        <AddCredential connection={name} onChanged={onChanged} />
      </div>
    </section>
  )
}

/** Whether the app registration tells when client secrets end; nothing where there is none, or nobody has asked yet. */
function Reading({ connection }: { readonly connection: ConnectionView }) {
  const styles = useStyles()
  const { credentials, expiryProblem, expiryReadAt } = connection
  if (!credentials.some(({ kind }) => kind === 'secret')) return null
  if (expiryProblem !== null) return <Text className={styles.faint}>{texts.expiryUnread(expiryProblem)}</Text>
  return expiryReadAt === null ? null : <Text className={styles.faint}>{texts.expiryRead(dayOf(expiryReadAt))}</Text>
}

function Credential({ connection, credential }: { readonly connection: string; readonly credential: CredentialView }) {
  const styles = useStyles()
  const { kind, origin, thumbprint, detail, state, reason, remedy, addedAt } = credential
  const color = state === 'works' ? 'success' : state === 'refused' ? 'danger' : 'informative'
  return (
    <>
      <div className={styles.head}>
        <Text weight="semibold">{texts.names[kind]}</Text>
        <Badge appearance="tint" color={color}>
          {texts.states[state]}
        </Badge>
        {origin === 'made' ? <Badge appearance="outline">{texts.madeHere}</Badge> : null}
      </div>
      {thumbprint === null && detail === null ? null : <Text className={styles.id}>{thumbprint ?? detail}</Text>}
      <Text className={styles.faint}>
        {[texts.addedOn(dayOf(addedAt)), endOf(credential)].filter((part) => part !== null).join(' · ')}
      </Text>
      {reason === null ? null : <Text>{reason}</Text>}
      {remedy === null ? null : <Text className={styles.faint}>{remedy}</Text>}
      {origin === 'made' && state !== 'works' ? <Text className={styles.faint}>{texts.uploadHint}</Text> : null}
      <div className={styles.actions}>
        {kind === 'certificate' ? (
          <Button
            as="a"
            size="small"
            href={addressOf(API.getCertificate, { params: { connection, credential: credential.id } })}
            download
          >
            {texts.download}
          </Button>
        ) : null}
        {kind === 'secret' ? <EnterExpiry connection={connection} credential={credential} /> : null}
        <RemoveCredential connection={connection} credential={credential} />
      </div>
    </>
  )
}

function AddCredential({
  connection,
  onChanged,
}: {
  readonly connection: string
  readonly onChanged: (isChanged: boolean) => void
}) {
  const toasts = useToasts()
  const refresh = useRefresh()
  const [draft, setDraft] = useState<CredentialDraft>(NO_CREDENTIAL)
  const [refused, setRefused] = useState<readonly { at: string; message: string }[]>([])
  const change = (next: CredentialDraft) => {
    setDraft(next)
    setRefused([])
    onChanged(isBegun(next))
  }
  return (
    <ActionDialog
      trigger={<Button>{texts.add}</Button>}
      title={texts.add}
      action={texts.addAction}
      isReady={missingField(draft) === undefined}
      onClose={() => change(NO_CREDENTIAL)}
      // What is chosen alone is chosen again at once.
      unsaved={isBegun({ ...draft, choice: NO_CREDENTIAL.choice }) ? connectionTexts.discardText : undefined}
      act={async (idempotencyKey) => {
        try {
          const body = asNewCredential(draft)
          await call(API.addCredential, { params: { connection }, body }, { idempotencyKey })
        } catch (error) {
          if (error instanceof ApiError) setRefused(error.problem.problems ?? [])
          throw error
        }
        toasts.done(texts.added)
        change(NO_CREDENTIAL)
        await refresh()
      }}
    >
      <Text>{texts.addText}</Text>
      <CredentialFields
        draft={draft}
        onChange={change}
        isRequired
        messageOf={(field) => refused.find(({ at }) => at === field)?.message ?? null}
      />
    </ActionDialog>
  )
}

function RemoveCredential({
  connection,
  credential,
}: {
  readonly connection: string
  readonly credential: CredentialView
}) {
  const toasts = useToasts()
  const refresh = useRefresh()
  const name = nameOf(credential)
  return (
    <ActionDialog
      trigger={
        <Button size="small" aria-label={texts.removeNamed(name)}>
          {texts.remove}
        </Button>
      }
      title={texts.removeTitle(name)}
      action={texts.remove}
      act={async () => {
        await call(API.removeCredential, { params: { connection, credential: credential.id } })
        toasts.done(texts.removed)
        await refresh()
      }}
    >
      <Text>{texts.removeText}</Text>
    </ActionDialog>
  )
}

function EnterExpiry({ connection, credential }: { readonly connection: string; readonly credential: CredentialView }) {
  const refresh = useRefresh()
  const known = credential.expiresAt?.slice(0, 10) ?? ''
  const [day, setDay] = useState(known)
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.enterExpiry}</Button>}
      title={texts.enterExpiryTitle}
      action={texts.save}
      onOpen={() => setDay(known)}
      act={async () => {
        const params = { connection, credential: credential.id }
        await call(API.changeCredential, { params, body: { expires: day === '' ? null : day } })
        await refresh()
      }}
    >
      <Text>{texts.enterExpiryText}</Text>
      <Field label={texts.expiryDay}>
        <Input type="date" value={day} onChange={(_event, { value }) => setDay(value)} />
      </Field>
    </ActionDialog>
  )
}

function useRefresh(): () => Promise<void> {
  const queries = useQueryClient()
  return async () => {
    await queries.invalidateQueries({ queryKey: ['connections'] })
  }
}

function nameOf({ kind, thumbprint, detail, addedAt }: CredentialView): string {
  return `${texts.names[kind]} ${thumbprint?.slice(0, 8) ?? detail ?? texts.addedOn(dayOf(addedAt))}`
}

function endOf({ kind, expiresAt }: CredentialView): string | null {
  if (expiresAt !== null) {
    const day = dayOf(expiresAt)
    return new Date(expiresAt).getTime() < now().getTime() ? texts.expired(day) : texts.expiresOn(day)
  }
  return kind === 'secret' ? texts.expiryUnknown : null
}

/** Days until the first one ends that is in use; undefined where no end is known. */
function soonest(credentials: readonly CredentialView[]): number | undefined {
  const ends = credentials.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [new Date(expiresAt).getTime()]))
  return ends.length === 0 ? undefined : Math.floor((Math.min(...ends) - now().getTime()) / DAY_MS)
}

function dayOf(time: string): string {
  return time.slice(0, 10)
}
