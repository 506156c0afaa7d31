// Settings › User Synchronization: the list of sources.
import { makeStyles, Text, tokens } from '@fluentui/react-components'
import { ArrowSyncRegular } from '@fluentui/react-icons/svg/arrow-sync'
import { useQuery } from '@tanstack/react-query'
import type { SourceLine } from '../../../contract/api/sources.ts'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { RunLink } from '../../components/run-link.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { formatNumber } from '../../format.ts'
import { useMay } from '../../session.ts'
import { sourcesTexts as texts } from '../../texts/sources.ts'
import { sourcesQuery } from './source-queries.ts'
import { SourceState } from './source-state.tsx'

const useStyles = makeStyles({
  sub: { color: tokens.colorNeutralForeground2 },
})

export function Sources() {
  const list = useQuery(sourcesQuery)
  const mayConfigure = useMay('administrator')
  const rows = list.data?.items
  return (
    <Page title={texts.title} intro={texts.intro}>
      {list.error !== null && rows === undefined ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : (
        <ListTable
          label={texts.list}
          columns={COLUMNS}
          rows={rows}
          keyOf={(source) => source.name}
          empty={
            <Empty
              icon={<ArrowSyncRegular />}
              title={texts.empty}
              text={mayConfigure ? texts.emptyText : texts.emptyViewer}
            />
          }
        />
      )}
    </Page>
  )
}

const COLUMNS: readonly Column<SourceLine>[] = [
  { id: 'name', header: texts.source, grow: 2, cell: (source) => <Name source={source} /> },
  { id: 'state', header: texts.state, grow: 2, always: true, cell: (source) => <SourceState source={source} /> },
  { id: 'people', header: texts.people, cell: (source) => formatNumber(source.people) },
  { id: 'last', header: texts.lastRun, grow: 1.5, cell: (source) => <LastRun source={source} /> },
  { id: 'next', header: texts.nextRun, grow: 1.5, cell: (source) => <NextRun source={source} /> },
]

function Name({ source }: { readonly source: SourceLine }) {
  const styles = useStyles()
  return (
    <>
      {source.name}
      <Text block size={200} className={styles.sub}>
        {texts.from(source.connection)}
      </Text>
    </>
  )
}

function LastRun({ source }: { readonly source: SourceLine }) {
  const styles = useStyles()
  const { lastRun } = source
  if (lastRun === null) return texts.neverRun
  return (
    <>
      <RunLink run={lastRun.run}>
        <RelativeTime at={lastRun.startedAt} />
      </RunLink>
      <Text block size={200} className={styles.sub}>
        {texts.outcomes[lastRun.outcome ?? 'running']}
      </Text>
    </>
  )
}

function NextRun({ source }: { readonly source: SourceLine }) {
  const styles = useStyles()
  if (source.next === null) return texts.noSchedule
  return (
    <>
      <RelativeTime at={source.next.at} />
      <Text block size={200} className={styles.sub}>
        {texts.modes[source.next.mode]}
      </Text>
    </>
  )
}
