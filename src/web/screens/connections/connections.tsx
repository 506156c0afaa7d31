// Settings › Connections: tenants and the app registrations that are used there.
import {
  Button,
  DrawerBody,
  DrawerHeader,
  DrawerHeaderTitle,
  makeStyles,
  OverlayDrawer,
  Text,
  tokens,
} from '@fluentui/react-components'
import { AddRegular } from '@fluentui/react-icons/svg/add'
import { DismissRegular } from '@fluentui/react-icons/svg/dismiss'
import { PlugConnectedRegular } from '@fluentui/react-icons/svg/plug-connected'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { ConnectionView } from '../../../contract/api/connections.ts'
import { call } from '../../api.ts'
import { ConfirmDialog } from '../../components/confirm-dialog.tsx'
import { useDiscardGuard } from '../../components/discard-guard.tsx'
import { FocusBack } from '../../components/focus-back.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { useMay } from '../../session.ts'
import { connectionTexts as texts } from '../../texts/connections.ts'
import { shell } from '../../texts/shell.ts'
import { ConnectionForm } from './connection-form.tsx'
import { CredentialList } from './credential-list.tsx'
import { connectionsQuery } from './connection-queries.ts'

const route = getRouteApi('/inside/settings/connections')

const useStyles = makeStyles({
  drawer: { width: 'min(640px, 100vw)' },
  body: { display: 'flex', flexDirection: 'column', gap: '16px', paddingBottom: '32px' },
  id: { fontFamily: tokens.fontFamilyMonospace, fontSize: tokens.fontSizeBase200 },
})

export function Connections() {
  const mayConfigure = useMay('administrator')
  const navigate = route.useNavigate()
  const { add: isAdding, connection: opened } = route.useSearch()
  const list = useQuery(connectionsQuery)
  const rows = list.data?.items
  const edited = rows?.find(({ name }) => name === opened)
  const close = () => void navigate({ search: {}, ignoreBlocker: true })
  const add = () => void navigate({ search: { add: 'connection' } })
  return (
    <Page title={texts.title} intro={texts.intro}>
      {mayConfigure ? (
        <div>
          <Button appearance="primary" icon={<AddRegular />} onClick={add}>
            {texts.add}
          </Button>
        </div>
      ) : null}
      {list.error !== null && rows === undefined ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : (
        <ListTable
          label={texts.title}
          columns={COLUMNS}
          rows={rows}
          keyOf={({ name }) => name}
          empty={<Empty icon={<PlugConnectedRegular />} title={texts.empty} text={texts.emptyText} />}
        />
      )}
      {mayConfigure && (isAdding !== undefined || edited !== undefined) ? (
        <Panel key={edited?.name ?? ''} connection={edited} onClose={close} />
      ) : null}
    </Page>
  )
}

function Panel({
  connection,
  onClose,
}: {
  readonly connection: ConnectionView | undefined
  readonly onClose: () => void
}) {
  const styles = useStyles()
  const [isFormChanged, setFormChanged] = useState(false)
  const [isCredentialBegun, setCredentialBegun] = useState(false)
  const isChanged = isFormChanged || isCredentialBegun
  const { close, question } = useDiscardGuard({ isChanged, text: texts.discardText, onClose })
  const isThere = useRef(false)
  useEffect(() => {
    isThere.current = true
    return () => {
      isThere.current = false
    }
  }, [])
  /** What was sent before this panel was closed may be saved after another one was opened. */
  const closeThis = () => {
    if (isThere.current) onClose()
  }
  return (
    <OverlayDrawer
      open
      position="end"
      className={styles.drawer}
      onOpenChange={(_event, { open }) => {
        if (!open) close()
      }}
    >
      <FocusBack />
      <DrawerHeader>
        <DrawerHeaderTitle
          action={<Button appearance="subtle" icon={<DismissRegular />} aria-label={shell.close} onClick={close} />}
        >
          {connection === undefined ? texts.newTitle : texts.editTitle(connection.name)}
        </DrawerHeaderTitle>
      </DrawerHeader>
      <DrawerBody className={styles.body}>
        <ConnectionForm
          {...(connection === undefined ? {} : { connection })}
          isTitled
          onSaved={closeThis}
          onCancel={close}
          onChanged={setFormChanged}
        />
        {connection === undefined ? null : <CredentialList connection={connection} onChanged={setCredentialBegun} />}
        {connection === undefined || connection.sources.length > 0 ? null : (
          <RemoveConnection connection={connection.name} onRemoved={closeThis} />
        )}
      </DrawerBody>
      {question}
    </OverlayDrawer>
  )
}

function RemoveConnection({ connection, onRemoved }: { readonly connection: string; readonly onRemoved: () => void }) {
  const toasts = useToasts()
  const queries = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const remove = useMutation({
    mutationFn: () => call(API.removeConnection, { params: { connection } }),
    onSuccess: async () => {
      toasts.done(texts.removed(connection))
      await queries.invalidateQueries({ queryKey: ['connections'] })
      onRemoved()
    },
    onError: (error) => toasts.failed(texts.remove, error),
  })
  return (
    <div>
      <Button onClick={() => setAsking(true)}>{texts.remove}</Button>
      <ConfirmDialog
        isOpen={isAsking}
        title={texts.removeTitle(connection)}
        text={texts.removeText}
        action={texts.remove}
        cancel={texts.cancel}
        onConfirm={() => {
          setAsking(false)
          remove.mutate()
        }}
        onCancel={() => setAsking(false)}
      />
    </div>
  )
}

const COLUMNS: readonly Column<ConnectionView>[] = [
  {
    id: 'name',
    header: texts.name,
    cell: ({ name }) => (
      <RouterLink to="/settings/connections" search={{ connection: name }}>
        {name}
      </RouterLink>
    ),
  },
  { id: 'tenant', header: texts.tenant, grow: 2, cell: ({ tenantId }) => <Id>{tenantId}</Id> },
  { id: 'cloud', header: texts.cloud, cell: ({ cloud }) => texts.clouds[cloud] },
  {
    id: 'used',
    header: texts.usedBy,
    grow: 1.5,
    always: true,
    cell: ({ sources }) => (sources.length === 0 ? texts.notUsed : sources.join(', ')),
  },
  {
    id: 'expires',
    header: texts.expires,
    always: true,
    cell: ({ credentials }) => (
      <RelativeTime
        at={soonest(credentials.map(({ expiresAt }) => expiresAt))}
        none={credentials.some(({ kind }) => kind === 'secret') ? texts.expiresUnknown : '–'}
      />
    ),
  },
]

function Id({ children }: { readonly children: string }) {
  const styles = useStyles()
  return <Text className={styles.id}>{children}</Text>
}

function soonest(times: readonly (string | null)[]): string | null {
  return times.filter((time) => time !== null).sort()[0] ?? null
}
