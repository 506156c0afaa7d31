// The list of users: searched by whatever somebody may be known by.
import { Badge, Button, Checkbox, Field, makeStyles, Text, tokens } from '@fluentui/react-components'
import { PeopleRegular } from '@fluentui/react-icons/svg/people'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { API } from '../../../contract/api/api.ts'
import type { UserLine } from '../../../contract/api/users.ts'
import { call } from '../../api.ts'
import { Breakable } from '../../components/breakable.tsx'
import { Choice } from '../../components/choice.tsx'
import { useCursorList } from '../../components/cursor-list.ts'
import { Filters } from '../../components/filters.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { useMay } from '../../session.ts'
import { usersTexts as texts } from '../../texts/users.ts'
import { sourcesQuery } from '../sources/source-queries.ts'
import { CreateUser } from './create-user.tsx'
import { ExportMenu } from './export-menu.tsx'
import { useSearched } from './searching.ts'

const route = getRouteApi('/inside/users')

const useStyles = makeStyles({
  search: { minWidth: '280px', flexGrow: 1, maxWidth: '420px' },
  filter: { minWidth: '160px', '@media (max-width: 640px)': { flexGrow: 1 } },
  sub: { color: tokens.colorNeutralForeground2, overflowWrap: 'anywhere' },
})

export function Users() {
  const styles = useStyles()
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const mayOperate = useMay('operator')
  const sources = useQuery(sourcesQuery)
  const [searched, search] = useSearched(filters.search)
  const list = useCursorList(['users', { ...filters, search: searched }], (cursor, signal) => {
    const { local, status, source } = filters
    if (searched !== undefined)
      return call(API.searchUsers, { body: { search: searched, local, status, source, cursor } }, { signal })
    return call(
      API.listUsers,
      { query: { status, source, ...(local === true ? { local: 'true' } : {}), cursor } },
      { signal },
    )
  })
  const filter = (changed: Partial<typeof filters>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), state: true, replace: true })
  const showAll = () => void navigate({ search: {}, replace: true })
  const isFiltered = searched !== undefined || Object.values(filters).some((value) => value !== undefined)
  return (
    <Page title={texts.title} intro={texts.intro} isWide>
      <Filters>
        <SearchBox
          className={styles.search}
          label={texts.search}
          placeholder={texts.searchHint}
          text={searched}
          search={search}
        />
        <Field label={texts.status} className={styles.filter}>
          <Choice
            all={texts.statuses.active}
            values={['deactivated', 'all'] as const}
            chosen={filters.status === 'active' ? undefined : filters.status}
            choose={(status) => filter({ status })}
            nameOf={(status) => texts.statuses[status]}
          />
        </Field>
        <Field label={texts.source} className={styles.filter}>
          <Choice
            all={texts.allSources}
            values={sources.data?.items.map((source) => source.name) ?? []}
            chosen={filters.source}
            choose={(source) => filter({ source, local: undefined })}
          />
        </Field>
        <Checkbox
          label={texts.localOnly}
          checked={filters.local === true}
          onChange={(_event, { checked }) =>
            filter(checked === true ? { local: true, source: undefined } : { local: undefined })
          }
        />
        {mayOperate ? (
          <>
            <CreateUser />
            <ExportMenu />
          </>
        ) : null}
      </Filters>
      {list.error === null ? (
        <ListTable
          label={texts.title}
          columns={filters.status === 'all' ? [...COLUMNS, STATUS] : COLUMNS}
          rows={list.rows}
          keyOf={(user) => user.id}
          isStale={list.isStale}
          more={list.more}
          empty={
            isFiltered ? (
              <Empty title={texts.emptyFiltered} text={texts.emptyFilteredText}>
                <Button onClick={showAll}>{texts.showAll}</Button>
              </Empty>
            ) : (
              <NobodyActive showAll={() => filter({ status: 'all' })} />
            )
          }
        />
      ) : (
        <Failed error={list.error} retry={list.retry} />
      )}
    </Page>
  )
}

/** Nobody is active. There may be people who are not. */
function NobodyActive({ showAll }: { readonly showAll: () => void }) {
  const { data } = useQuery({
    queryKey: ['users', 'anybody'],
    queryFn: ({ signal }) => call(API.listUsers, { query: { status: 'all', limit: 1 } }, { signal }),
  })
  if (data === undefined) return null
  if (data.items.length === 0) return <Empty icon={<PeopleRegular />} title={texts.empty} text={texts.emptyText} />
  return (
    <Empty icon={<PeopleRegular />} title={texts.emptyActive} text={texts.emptyActiveText}>
      <Button onClick={showAll}>{texts.showAll}</Button>
    </Empty>
  )
}

const COLUMNS: readonly Column<UserLine>[] = [
  { id: 'name', header: texts.userName, grow: 2.7, cell: (user) => <Name user={user} /> },
  { id: 'fullName', header: texts.fullName, grow: 1.7, always: true, cell: (user) => user.fullName ?? '' },
  { id: 'email', header: texts.email, grow: 2.6, cell: (user) => <Breakable text={user.email ?? ''} /> },
  { id: 'department', header: texts.department, grow: 1.3, cell: (user) => user.department ?? '' },
  { id: 'number', header: texts.personalNumber, cell: (user) => user.personalNumber ?? '' },
  { id: 'source', header: texts.source, grow: 1.2, cell: (user) => user.source ?? texts.local },
]

/** Of a list that has both; otherwise each line would say the same. */
const STATUS: Column<UserLine> = {
  id: 'status',
  header: texts.status,
  grow: 1.2,
  cell: (user) => <Status mood={user.active ? 'good' : 'off'}>{user.active ? texts.active : texts.deactivated}</Status>,
}

function Name({ user }: { readonly user: UserLine }) {
  const styles = useStyles()
  return (
    <>
      <RouterLink to="/users/$user" params={{ user: user.id }}>
        <Breakable text={user.userName} />
      </RouterLink>{' '}
      {user.protected ? <Badge appearance="outline">{texts.protected}</Badge> : null}
      {user.foundBy === null ? null : (
        <Text block size={200} className={styles.sub}>
          {texts.foundBy(user.foundBy)}
        </Text>
      )}
    </>
  )
}
