// Where somebody is signed in, and the way to end it there.
import { Badge, Button } from '@fluentui/react-components'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { API } from '../../contract/api/api.ts'
import type { OpenSession } from '../../contract/api/access.ts'
import { call } from '../api.ts'
import { accessTexts as texts } from '../texts/access.ts'
import { browserInWords } from '../user-agent.ts'
import { ActionDialog } from './action-dialog.tsx'
import { type Column, ListTable } from './list-table.tsx'
import { Empty, Failed } from './states.tsx'
import { RelativeTime } from './time.tsx'

/** Of oneself, or of somebody else where an administrator looks. */
export type SessionOwner = 'self' | { readonly user: string } | { readonly account: string }

export const sessionsQuery = (owner: SessionOwner) =>
  queryOptions({ queryKey: ['sessions', owner], queryFn: ({ signal }) => listOf(owner, signal) })

export function SessionTable({ label, owner }: { readonly label: string; readonly owner: SessionOwner }) {
  const { data, error, refetch } = useQuery(sessionsQuery(owner))
  if (error !== null) return <Failed error={error} retry={() => void refetch()} />
  return (
    <ListTable
      label={label}
      columns={COLUMNS}
      rows={data?.items}
      keyOf={(session) => session.id}
      isCompact={owner !== 'self'}
      empty={<Empty title={texts.noSessions} />}
    />
  )
}

function listOf(owner: SessionOwner, signal: AbortSignal): Promise<{ readonly items: readonly OpenSession[] }> {
  if (owner === 'self') return call(API.listSessions, {}, { signal })
  return 'user' in owner
    ? call(API.listUserSessions, { params: owner }, { signal })
    : call(API.listAccountSessions, { params: owner }, { signal })
}

const COLUMNS: readonly Column<OpenSession>[] = [
  {
    id: 'browser',
    header: texts.browser,
    grow: 3,
    cell: (session) => (
      <>
        <span title={session.userAgent}>{browserInWords(session.userAgent)}</span>{' '}
        {session.isThis ? <Badge>{texts.thisOne}</Badge> : null}
      </>
    ),
  },
  { id: 'address', header: texts.address, cell: (session) => session.address },
  { id: 'since', header: texts.since, cell: (session) => <RelativeTime at={session.createdAt} /> },
  { id: 'seen', header: texts.lastSeen, cell: (session) => <RelativeTime at={session.lastSeenAt} /> },
  { id: 'end', header: '', always: true, cell: (session) => <End session={session} /> },
]

function End({ session }: { readonly session: OpenSession }) {
  const queries = useQueryClient()
  if (session.isThis) return null
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.end}</Button>}
      title={texts.endTitle}
      action={texts.end}
      act={async () => {
        await call(API.endSession, { params: { session: session.id } })
        await queries.invalidateQueries({ queryKey: ['sessions'] })
        // The list of administrators counts them.
        await queries.invalidateQueries({ queryKey: ['accounts'] })
      }}
    />
  )
}
