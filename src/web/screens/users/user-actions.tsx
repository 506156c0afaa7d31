// What can be done with a user.
import { Button, Field, makeStyles, Text, Textarea } from '@fluentui/react-components'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { UserView } from '../../../contract/api/users.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { LinkButton } from '../../components/link-button.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { useMay } from '../../session.ts'
import { usersTexts as texts } from '../../texts/users.ts'
import { EditUser } from './edit-user.tsx'
import { useKeepUser } from './user-cards.tsx'

const useStyles = makeStyles({ buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' } })

export function UserActions({ user }: { readonly user: UserView }) {
  const styles = useStyles()
  const mayCare = useMay('helpdesk')
  const mayOperate = useMay('operator')
  const mayProtect = useMay('administrator')
  const isLocal = user.objectId === null
  return (
    <div className={styles.buttons}>
      <LinkButton to="/why" search={{ user: user.objectId ?? `id:${user.id}` }}>
        {texts.why}
      </LinkButton>
      {mayCare && user.source !== null ? <SyncNow user={user} /> : null}
      {mayCare ? <EditUser user={user} /> : null}
      {mayOperate ? user.active ? <Deactivate user={user} /> : <Restore user={user} /> : null}
      {mayProtect ? <Protect user={user} /> : null}
      {mayOperate && isLocal ? <Remove user={user} /> : null}
    </div>
  )
}

function SyncNow({ user }: { readonly user: UserView }) {
  const toasts = useToasts()
  const navigate = useNavigate()
  const sync = useMutation({
    mutationFn: () => call(API.syncThisUser, { params: { user: user.id } }),
    // Where its end makes every page anew, his as well.
    onSuccess: (job) => navigate({ to: '/settings/user-synchronization/results', search: { jobs: job.id } }),
    onError: (error) => toasts.failed(texts.syncNow, error),
  })
  return (
    <Button onClick={() => sync.mutate()} disabledFocusable={sync.isPending}>
      {texts.syncNow}
    </Button>
  )
}

function Deactivate({ user }: { readonly user: UserView }) {
  const [reason, setReason] = useState('')
  const keep = useKeepUser()
  return (
    <ActionDialog
      trigger={<Button>{texts.deactivate}</Button>}
      title={texts.deactivateTitle(user.userName)}
      action={texts.deactivate}
      isReady={reason.trim() !== ''}
      onOpen={() => setReason('')}
      act={async () => {
        const body = { version: user.version, reason: reason.trim() }
        await keep(await call(API.deactivateUser, { params: { user: user.id }, body }))
      }}
    >
      <Text>{texts.deactivateText}</Text>
      <Field label={texts.reason} required>
        <Textarea value={reason} maxLength={500} onChange={(_event, { value }) => setReason(value)} />
      </Field>
    </ActionDialog>
  )
}

function Restore({ user }: { readonly user: UserView }) {
  const keep = useKeepUser()
  return (
    <ActionDialog
      trigger={<Button appearance="primary">{texts.restore}</Button>}
      title={texts.restoreTitle(user.userName)}
      action={texts.restore}
      act={async () =>
        keep(await call(API.restoreUser, { params: { user: user.id }, body: { version: user.version } }))
      }
    >
      <Text>{texts.restoreText}</Text>
    </ActionDialog>
  )
}

function Protect({ user }: { readonly user: UserView }) {
  const keep = useKeepUser()
  const action = user.protected ? texts.unprotect : texts.protect
  return (
    <ActionDialog
      trigger={<Button>{action}</Button>}
      title={action}
      action={action}
      act={async () => {
        const body = { version: user.version, protected: !user.protected }
        await keep(await call(API.setProtected, { params: { user: user.id }, body }))
      }}
    >
      <Text>{texts.protectHint}</Text>
    </ActionDialog>
  )
}

function Remove({ user }: { readonly user: UserView }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const toasts = useToasts()
  return (
    <ActionDialog
      trigger={<Button>{texts.remove}</Button>}
      title={texts.removeTitle(user.userName)}
      action={texts.remove}
      act={async () => {
        await call(API.removeUser, { params: { user: user.id } })
        toasts.done(texts.removed, user.userName)
        await navigate({ to: '/users' })
        await queries.invalidateQueries({ queryKey: ['users'] })
      }}
    >
      <Text>{texts.removeText}</Text>
    </ActionDialog>
  )
}
