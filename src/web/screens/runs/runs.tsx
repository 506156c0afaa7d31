// All runs, the newest first.
import { Button, Field, makeStyles, Text, tokens } from '@fluentui/react-components'
import { HistoryRegular } from '@fluentui/react-icons/svg/history'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { API } from '../../../contract/api/api.ts'
import type { RunLine } from '../../../contract/run-list.ts'
import { OUTCOMES } from '../../../contract/runs.ts'
import { call } from '../../api.ts'
import { Choice } from '../../components/choice.tsx'
import { useCursorList } from '../../components/cursor-list.ts'
import { Filters } from '../../components/filters.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { moodOf, RunLink } from '../../components/run-link.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { formatDuration } from '../../format.ts'
import { changesInWords } from '../../texts/changes.ts'
import { decisionOf, outcomeOf, runsTexts as texts } from '../../texts/runs.ts'
import { sourcesQuery } from '../sources/source-queries.ts'

const route = getRouteApi('/inside/runs')
const OUTCOME_FILTERS = [...OUTCOMES, 'running'] as const

const useStyles = makeStyles({
  filter: { minWidth: '200px', '@media (max-width: 640px)': { flexGrow: 1 } },
  sub: { color: tokens.colorNeutralForeground2 },
})

export function Runs() {
  const styles = useStyles()
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const list = useCursorList(
    ['runs', filters],
    (cursor, signal) => call(API.listRuns, { query: { ...filters, cursor } }, { signal }),
    ({ items }) => items.some(({ outcome }) => outcome === null),
  )
  const sources = useQuery(sourcesQuery)
  const filter = (changed: Partial<typeof filters>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true })
  const isFiltered = filters.source !== undefined || filters.outcome !== undefined
  return (
    <Page title={texts.list} intro={texts.listIntro}>
      <Filters>
        <Field label={texts.source} className={styles.filter}>
          <Choice
            all={texts.allSources}
            values={sources.data?.items.map((source) => source.name) ?? []}
            chosen={filters.source}
            choose={(source) => filter({ source })}
          />
        </Field>
        <Field label={texts.outcome} className={styles.filter}>
          <Choice
            all={texts.allOutcomes}
            values={OUTCOME_FILTERS}
            chosen={filters.outcome}
            choose={(outcome) => filter({ outcome })}
            nameOf={(outcome) => texts.outcomes[outcome]}
          />
        </Field>
      </Filters>
      {list.error === null ? (
        <ListTable
          label={texts.list}
          columns={COLUMNS}
          rows={list.rows}
          keyOf={(run) => run.run}
          isStale={list.isStale}
          more={list.more}
          empty={
            isFiltered ? (
              <Empty title={texts.emptyFiltered} text={texts.emptyFilteredText}>
                <Button onClick={() => filter({ source: undefined, outcome: undefined })}>{texts.showAll}</Button>
              </Empty>
            ) : (
              <Empty icon={<HistoryRegular />} title={texts.empty} text={texts.emptyText} />
            )
          }
        />
      ) : (
        <Failed error={list.error} retry={list.retry} />
      )}
    </Page>
  )
}

const COLUMNS: readonly Column<RunLine>[] = [
  { id: 'run', header: texts.run, grow: 1.6, cell: (run) => <Name run={run} /> },
  { id: 'source', header: texts.source, grow: 1.4, cell: (run) => run.source },
  {
    id: 'outcome',
    header: texts.outcome,
    grow: 1.4,
    always: true,
    cell: (run) => <Status mood={moodOf(run)}>{outcomeOf(run)}</Status>,
  },
  { id: 'did', header: texts.did, grow: 3, cell: (run) => <Did run={run} /> },
  { id: 'started', header: texts.started, grow: 1.2, cell: (run) => <RelativeTime at={run.startedAt} /> },
  { id: 'took', header: texts.took, cell: tookOf },
]

function Name({ run }: { readonly run: RunLine }) {
  const styles = useStyles()
  return (
    <>
      <RunLink run={run.run}>{texts.title(run.run)}</RunLink>
      <Text block size={200} className={styles.sub}>
        {texts.kinds[run.kind]}, {texts.triggers[run.trigger]}
      </Text>
    </>
  )
}

/** What it changed, or why it changed nothing; nobody knows while it goes on. */
function Did({ run }: { readonly run: RunLine }) {
  const styles = useStyles()
  const { error, outcome } = run
  if (outcome === null) return null
  const decision = decisionOf(run)
  return (
    <>
      {error === null ? changesInWords(run) : error.message}
      {decision === undefined ? null : (
        <Text block size={200} className={styles.sub}>
          {decision}
        </Text>
      )}
    </>
  )
}

function tookOf({ startedAt, endedAt }: RunLine): string {
  return endedAt === null ? '' : formatDuration(new Date(endedAt).getTime() - new Date(startedAt).getTime())
}
