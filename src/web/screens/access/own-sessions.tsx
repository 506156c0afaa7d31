// Where one is signed in, and the way to end it there.
import { Badge, Button } from '@fluentui/react-components'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import type { Answered } from '../../../contract/api/endpoint.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { accessTexts as texts } from '../../texts/access.ts'
import { browserInWords } from '../../user-agent.ts'

const sessionsQuery = queryOptions({
  queryKey: ['sessions'],
  queryFn: ({ signal }) => call(API.listSessions, {}, { signal }),
})
type OpenSession = Answered<typeof API.listSessions>['items'][number]

export function OwnSessions({ label }: { readonly label: string }) {
  const { data, error, refetch } = useQuery(sessionsQuery)
  if (error !== null) return <Failed error={error} retry={() => void refetch()} />
  return (
    <ListTable
      label={label}
      columns={COLUMNS}
      rows={data?.items}
      keyOf={(session) => session.id}
      empty={<Empty title={texts.sessions} />}
    />
  )
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
      }}
    />
  )
}
