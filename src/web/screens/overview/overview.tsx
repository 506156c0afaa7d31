// The overview: whether all is well, in one look; and what to do first where there is nothing yet.
import { makeStyles, Text, tokens } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import type { SourceLine } from '../../../contract/api/sources.ts'
import { Page, Section } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { RunLink } from '../../components/run-link.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { formatNumber } from '../../format.ts'
import { overviewTexts as texts } from '../../texts/overview.ts'
import { runsTexts } from '../../texts/runs.ts'
import { sourcesTexts } from '../../texts/sources.ts'
import { Changes } from './changes.tsx'
import { Concerns } from './concerns.tsx'
import { overviewQuery } from './overview-query.ts'
import { PeopleChart } from './people-chart.tsx'
import { Start, Steps } from './start.tsx'

const useStyles = makeStyles({
  tiles: { display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(140px, 1fr))', gap: '12px', margin: 0 },
  tile: {
    display: 'flex',
    flexDirection: 'column-reverse',
    padding: '12px 16px',
    borderRadius: tokens.borderRadiusLarge,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    backgroundColor: tokens.colorNeutralBackground1,
  },
  figure: {
    margin: 0,
    fontSize: tokens.fontSizeHero700,
    lineHeight: tokens.lineHeightHero700,
    fontWeight: tokens.fontWeightSemibold,
  },
  columns: {
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(min(420px, 100%), 1fr))',
    gap: '8px 32px',
  },
  list: { listStyleType: 'none', margin: 0, padding: 0, display: 'flex', flexDirection: 'column', gap: '8px' },
})

export function Overview() {
  const styles = useStyles()
  const { data, error, refetch } = useQuery(overviewQuery)
  if (data === undefined) {
    return (
      <Page title={texts.title}>
        {error === null ? <Loading /> : <Failed error={error} retry={() => void refetch()} />}
      </Page>
    )
  }
  const isWithoutSource = data.sources.length === 0
  const isEmpty = data.groups === 0 && Object.values(data.users).every((count) => count === 0)
  if (isWithoutSource && isEmpty && data.concerns.length === 0) return <Start />
  const figures = [
    [texts.active, data.users.active],
    [texts.deactivated, data.users.deactivated],
    [texts.local, data.users.local],
    [texts.groups, data.groups],
    [texts.openIssues, data.issues],
  ] as const
  return (
    <Page title={texts.title}>
      {/* That every source is well says nothing where there is none. */}
      {isWithoutSource && data.concerns.length === 0 ? null : <Concerns concerns={data.concerns} />}
      <dl className={styles.tiles} aria-label={texts.figures}>
        {figures.map(([name, figure]) => (
          <div key={name} className={styles.tile}>
            <dt>{name}</dt>
            <dd className={styles.figure}>{formatNumber(figure)}</dd>
          </div>
        ))}
      </dl>
      {isWithoutSource ? (
        <Section title={texts.startTitle}>
          <Text>{texts.startText}</Text>
          <Steps />
        </Section>
      ) : null}
      <Section title={texts.people}>
        <PeopleChart days={data.people} />
      </Section>
      <div className={styles.columns}>
        <Section title={texts.changes}>
          {data.lastChanges.length === 0 ? (
            <Text>{texts.noChanges}</Text>
          ) : (
            <ul className={styles.list}>
              {data.lastChanges.map((run) => (
                <li key={run.run}>
                  <RunLink run={run.run}>
                    {run.source}
                    {run.kind === 'sync' ? null : ` · ${runsTexts.kinds[run.kind]}`} ·{' '}
                    <RelativeTime at={run.startedAt} />
                  </RunLink>
                  <Changes run={run} />
                </li>
              ))}
            </ul>
          )}
        </Section>
        {isWithoutSource ? null : (
          <Section title={texts.sources}>
            <ul className={styles.list}>
              {data.sources.map((source) => (
                <li key={source.name}>
                  <RouterLink to="/settings/user-synchronization" search={{ source: source.name }}>
                    {source.name}
                  </RouterLink>{' '}
                  <Text>
                    {texts.peopleOf(source.people)} ·{' '}
                    {source.running === null ? (
                      stateInWords(source)
                    ) : (
                      <RunLink run={source.running.run}>{sourcesTexts.running}</RunLink>
                    )}
                  </Text>
                </li>
              ))}
            </ul>
          </Section>
        )}
        {data.expiring.length === 0 ? null : (
          <Section title={texts.expiring}>
            <ul className={styles.list}>
              {data.expiring.map((one) => (
                <li key={`${one.connection} ${one.kind} ${one.expiresAt}`}>
                  <RouterLink to="/settings/connections" search={{ connection: one.connection }}>
                    {one.connection}
                  </RouterLink>
                  : {one.kind} · <RelativeTime at={one.expiresAt} />
                </li>
              ))}
            </ul>
          </Section>
        )}
      </div>
    </Page>
  )
}

function stateInWords({ enabled, awaitsFirstRun, health }: SourceLine): string {
  if (!enabled) return sourcesTexts.disabled
  return awaitsFirstRun && health.state === 'healthy' ? sourcesTexts.awaitsFirstRun : sourcesTexts.states[health.state]
}
