// Open issues: the example of a list. Its filters are in the address, its pages come by cursor.
import { Button, Field, makeStyles, Text } from '@fluentui/react-components'
import { CheckmarkCircleRegular } from '@fluentui/react-icons/svg/checkmark-circle'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { API } from '../../../contract/api/api.ts'
import type { IssueLine } from '../../../contract/api/installation.ts'
import { ISSUE_CODES } from '../../../contract/runs.ts'
import { call } from '../../api.ts'
import { Choice } from '../../components/choice.tsx'
import { useCursorList } from '../../components/cursor-list.ts'
import { Filters } from '../../components/filters.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { formatCount } from '../../format.ts'
import { issues as texts } from '../../texts/issues.ts'

const route = getRouteApi('/inside/issues')

const useStyles = makeStyles({
  filter: { minWidth: '200px', '@media (max-width: 640px)': { flexGrow: 1 } },
  issue: { display: 'flex', flexDirection: 'column', gap: '4px' },
})

export function Issues() {
  const styles = useStyles()
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const list = useCursorList(['issues', filters], (cursor, signal) =>
    call(API.listIssues, { query: { ...filters, cursor } }, { signal }),
  )
  const sources = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => call(API.listSources, {}, { signal }),
  })
  const filter = (changed: Partial<typeof filters>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true })
  const isFiltered = filters.source !== undefined || filters.code !== undefined
  return (
    <Page
      title={texts.title}
      intro={texts.intro}
      aside={
        list.first === undefined || list.first.total === null ? null : (
          <Text role="status">{texts.total(formatCount(list.first.total, texts.one, texts.several))}</Text>
        )
      }
    >
      <Filters>
        <Field label={texts.source} className={styles.filter}>
          <Choice
            all={texts.allSources}
            values={sources.data?.items.map((source) => source.name) ?? []}
            chosen={filters.source}
            choose={(source) => filter({ source })}
          />
        </Field>
        <Field label={texts.code} className={styles.filter}>
          <Choice
            all={texts.allCodes}
            values={ISSUE_CODES}
            chosen={filters.code}
            choose={(code) => filter({ code })}
            nameOf={(code) => texts.codes[code]}
          />
        </Field>
      </Filters>
      {list.error === null ? (
        <ListTable
          label={texts.title}
          columns={COLUMNS}
          rows={list.rows}
          keyOf={(issue) => issue.id}
          isStale={list.isStale}
          more={list.more}
          empty={
            isFiltered ? (
              <Empty title={texts.emptyFiltered} text={texts.emptyFilteredText}>
                <Button onClick={() => filter({ source: undefined, code: undefined })}>{texts.showAll}</Button>
              </Empty>
            ) : (
              <Empty icon={<CheckmarkCircleRegular />} title={texts.empty} text={texts.emptyText} />
            )
          }
        />
      ) : (
        <Failed error={list.error} retry={list.retry} />
      )}
    </Page>
  )
}

/** Why? is asked about people. */
const ABOUT_GROUPS: ReadonlySet<IssueLine['code']> = new Set(['scope-group-missing', 'membership-unknown'])

const COLUMNS: readonly Column<IssueLine>[] = [
  {
    id: 'message',
    header: texts.issue,
    grow: 5,
    cell: (issue) => (
      <div>
        <Text block weight="semibold">
          {issue.message}
        </Text>
        <Text block>{issue.remedy}</Text>
        {issue.objectId === null || ABOUT_GROUPS.has(issue.code) ? null : (
          <RouterLink to="/why" search={{ user: issue.objectId }} aria-label={texts.whyOf(issue.message)}>
            {texts.why}
          </RouterLink>
        )}
      </div>
    ),
  },
  {
    id: 'code',
    header: texts.code,
    grow: 2,
    below: 'message',
    isNamedBelow: true,
    cell: (issue) => texts.codes[issue.code],
  },
  { id: 'source', header: texts.source, grow: 2, below: 'message', isNamedBelow: true, cell: (issue) => issue.source },
  { id: 'since', header: texts.since, always: true, grow: 1.5, cell: (issue) => <RelativeTime at={issue.openedAt} /> },
]
