// The tree of groups, a level at a time, and a search through all of it.
import {
  Breadcrumb,
  BreadcrumbDivider,
  BreadcrumbItem,
  Button,
  makeStyles,
  Text,
  tokens,
} from '@fluentui/react-components'
import { FolderPeopleRegular } from '@fluentui/react-icons/svg/folder-people'
import { getRouteApi } from '@tanstack/react-router'
import { Fragment } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { Answered } from '../../../contract/api/endpoint.ts'
import { joinPath, splitPath } from '../../../directory/group.ts'
import { call } from '../../api.ts'
import { useCursorList } from '../../components/cursor-list.ts'
import { Filters } from '../../components/filters.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { formatNumber } from '../../format.ts'
import { useMay } from '../../session.ts'
import { groupsTexts as texts } from '../../texts/groups.ts'
import { CreateGroup } from './group-dialogs.tsx'

const route = getRouteApi('/inside/groups')
type Line = Answered<typeof API.listGroups>['items'][number]

const useStyles = makeStyles({
  search: { minWidth: '280px', flexGrow: 1, maxWidth: '420px' },
  sub: { color: tokens.colorNeutralForeground2 },
})

export function Groups() {
  const styles = useStyles()
  const { under, search } = route.useSearch()
  const navigate = route.useNavigate()
  const mayCreate = useMay('operator')
  const list = useCursorList(['groups', under, search], (cursor, signal) =>
    call(API.listGroups, { query: { ...(search === undefined ? { under } : { search }), cursor } }, { signal }),
  )
  return (
    <Page title={texts.title} intro={texts.intro}>
      <Filters>
        <SearchBox
          className={styles.search}
          label={texts.search}
          placeholder={texts.searchHint}
          text={search}
          search={(text) => void navigate({ search: (before) => ({ ...before, search: text }), replace: true })}
        />
        {mayCreate ? <CreateGroup under={under ?? ''} /> : null}
      </Filters>
      {search === undefined && under !== undefined ? <Trail under={under} /> : null}
      {list.error === null ? (
        <ListTable
          label={texts.title}
          columns={COLUMNS}
          rows={list.rows}
          keyOf={(group) => group.id ?? group.path}
          isStale={list.isStale}
          more={list.more}
          empty={<Nothing under={under} search={search} />}
        />
      ) : (
        <Failed error={list.error} retry={list.retry} />
      )}
    </Page>
  )
}

function Nothing({ under, search }: { readonly under: string | undefined; readonly search: string | undefined }) {
  const navigate = route.useNavigate()
  if (under === undefined && search === undefined)
    return <Empty icon={<FolderPeopleRegular />} title={texts.empty} text={texts.emptyText} />
  return (
    <Empty
      title={search === undefined ? texts.emptyBelow : texts.emptyFiltered}
      {...(search === undefined ? {} : { text: texts.emptyFilteredText })}
    >
      <Button onClick={() => void navigate({ search: {} })}>{texts.showAll}</Button>
    </Empty>
  )
}

/** From the top down to the level that is shown. */
function Trail({ under }: { readonly under: string }) {
  const names = splitPath(under)
  return (
    <Breadcrumb aria-label={texts.path}>
      <BreadcrumbItem>
        <RouterLink to="/groups" search={{}}>
          {texts.top}
        </RouterLink>
      </BreadcrumbItem>
      {names.map((name, depth) => {
        const path = joinPath(names.slice(0, depth + 1))
        return (
          <Fragment key={path}>
            <BreadcrumbDivider />
            <BreadcrumbItem>
              <RouterLink to="/groups" search={{ under: path }}>
                {name}
              </RouterLink>
            </BreadcrumbItem>
          </Fragment>
        )
      })}
    </Breadcrumb>
  )
}

const COLUMNS: readonly Column<Line>[] = [
  { id: 'name', header: texts.name, grow: 3, cell: (group) => <Name group={group} /> },
  { id: 'members', header: texts.members, always: true, cell: membersOf },
  { id: 'children', header: texts.children, always: true, cell: (group) => <Below group={group} /> },
  {
    id: 'source',
    header: texts.source,
    grow: 1.2,
    cell: (group) => group.source ?? (group.id === null ? texts.level : texts.local),
  },
]

function membersOf({ members, hasMoreMembers }: Line): string {
  return hasMoreMembers ? texts.moreThan(formatNumber(members)) : formatNumber(members)
}

function Name({ group }: { readonly group: Line }) {
  const styles = useStyles()
  return (
    <>
      {group.id === null ? (
        <RouterLink to="/groups" search={{ under: group.path }}>
          {group.name}
        </RouterLink>
      ) : (
        <RouterLink to="/groups/$group" params={{ group: group.id }}>
          {group.name}
        </RouterLink>
      )}
      {group.path === group.name ? null : (
        <Text block size={200} className={styles.sub}>
          {group.path}
        </Text>
      )}
    </>
  )
}

function Below({ group }: { readonly group: Line }) {
  if (group.children === 0) return ''
  return (
    <RouterLink
      to="/groups"
      search={{ under: group.path }}
      aria-label={`${formatNumber(group.children)}: ${texts.below(group.name)}`}
    >
      {formatNumber(group.children)}
    </RouterLink>
  )
}
