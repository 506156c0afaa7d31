// One group: its members, and through which nested groups they are in it.
import { Button, makeStyles, Text } from '@fluentui/react-components'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { API } from '../../../contract/api/api.ts'
import type { Answered } from '../../../contract/api/endpoint.ts'
import type { GroupLine } from '../../../contract/api/groups.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { Breakable } from '../../components/breakable.tsx'
import { useCursorList } from '../../components/cursor-list.ts'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { Empty, Failed, Loading } from '../../components/states.tsx'
import { useMay } from '../../session.ts'
import { groupsTexts as texts } from '../../texts/groups.ts'
import { AddMember } from './add-member.tsx'
import { EditGroup, RemoveGroup } from './group-dialogs.tsx'

const route = getRouteApi('/inside/groups/$group')
type Member = Answered<typeof API.listMembers>['items'][number]

const useStyles = makeStyles({
  bar: { display: 'flex', flexWrap: 'wrap', gap: '16px', alignItems: 'end' },
  search: { minWidth: '280px', flexGrow: 1, maxWidth: '420px' },
})

export function Group() {
  const { group: id } = route.useParams()
  const { data, error, refetch } = useQuery({
    queryKey: ['group', id],
    queryFn: ({ signal }) => call(API.getGroup, { params: { group: id } }, { signal }),
  })
  if (data === undefined) {
    return (
      <Page title={texts.title}>
        {error === null ? <Loading /> : <Failed error={error} retry={() => void refetch()} />}
      </Page>
    )
  }
  return <Members group={data} />
}

function Members({ group }: { readonly group: GroupLine }) {
  const styles = useStyles()
  const { search } = route.useSearch()
  const navigate = route.useNavigate()
  const mayCare = useMay('helpdesk')
  const mayOperate = useMay('operator')
  const list = useCursorList(['group', group.id, 'members', search], (cursor, signal) =>
    call(API.listMembers, { params: { group: group.id }, query: { search, cursor } }, { signal }),
  )
  const isLocal = group.objectId === null && group.source === null
  return (
    <Page
      title={group.name}
      aside={<Text>{texts.memberCount(group.members)}</Text>}
      intro={
        <>
          {group.path} · {group.source ?? texts.local}
        </>
      }
    >
      <div className={styles.bar}>
        <SearchBox
          className={styles.search}
          label={texts.memberSearch}
          placeholder={texts.memberSearchHint}
          text={search}
          search={(text) => void navigate({ search: { search: text }, replace: true })}
        />
        {mayCare ? <AddMember group={group} /> : null}
        {mayOperate && isLocal ? (
          <>
            <EditGroup group={group} />
            <RemoveGroup group={group} />
          </>
        ) : null}
      </div>
      {list.error === null ? (
        <ListTable
          label={texts.members}
          columns={columnsOf(group)}
          rows={list.rows}
          keyOf={(member) => member.userId}
          isStale={list.isStale}
          more={list.more}
          empty={
            search === undefined ? (
              <Empty title={texts.noMembers} text={texts.noMembersText} />
            ) : (
              <Empty title={texts.noMembersFound} />
            )
          }
        />
      ) : (
        <Failed error={list.error} retry={list.retry} />
      )}
    </Page>
  )
}

const columnsOf = (group: GroupLine): readonly Column<Member>[] => [
  {
    id: 'name',
    header: texts.userName,
    grow: 2,
    cell: (member) => (
      <RouterLink to="/users/$user" params={{ user: member.userId }}>
        <Breakable text={member.userName} />
      </RouterLink>
    ),
  },
  { id: 'fullName', header: texts.fullName, grow: 2, cell: (member) => member.fullName ?? '' },
  { id: 'how', header: texts.how, grow: 2.5, always: true, cell: howOf },
  { id: 'out', header: '', always: true, cell: (member) => <TakeOut group={group} member={member} /> },
]

function howOf(member: Member): string {
  const parts: string[] = []
  if (member.chain.length > 1) parts.push(texts.through(member.chain.join(' → ')))
  else if (member.sources.length > 0) parts.push(texts.directly(member.sources.join(', ')))
  if (member.byHand) parts.push(texts.byHand)
  return parts.join('; ')
}

function TakeOut({ group, member }: { readonly group: GroupLine; readonly member: Member }) {
  const queries = useQueryClient()
  const mayCare = useMay('helpdesk')
  if (!member.byHand || !mayCare) return null
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.takeOut}</Button>}
      title={texts.takeOutTitle(member.userName)}
      action={texts.takeOut}
      act={async () => {
        await call(API.removeMember, { params: { group: group.id, user: member.userId } })
        await queries.invalidateQueries({ queryKey: ['group', group.id] })
      }}
    >
      <Text>{texts.takeOutText}</Text>
    </ActionDialog>
  )
}
