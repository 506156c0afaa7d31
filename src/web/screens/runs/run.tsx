// One run: what became of it.
import { makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { Page, Section } from '../../components/page.tsx'
import { moodOfOutcome } from '../../components/run-link.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Time } from '../../components/time.tsx'
import { changesInWords } from '../../texts/changes.ts'
import { runsTexts as texts } from '../../texts/runs.ts'

const route = getRouteApi('/inside/runs/$run')

const runQuery = (run: string) =>
  queryOptions({
    queryKey: ['run', run],
    queryFn: ({ signal }) => call(API.getRun, { params: { run } }, { signal }),
    refetchInterval: (query) => (query.state.data?.line.outcome === null ? 2_000 : false),
  })

const useStyles = makeStyles({ reasons: { margin: 0, paddingLeft: '20px' } })

export function Run() {
  const styles = useStyles()
  const { run } = route.useParams()
  const { data, error, refetch } = useQuery(runQuery(run))
  const title = texts.title(run)
  if (data === undefined) {
    return (
      <Page title={title}>{error === null ? <Loading /> : <Failed error={error} retry={() => void refetch()} />}</Page>
    )
  }
  const { line } = data
  return (
    <Page
      title={title}
      aside={<Status mood={moodOfOutcome(line.outcome)}>{texts.outcomes[line.outcome ?? 'running']}</Status>}
      intro={
        <>
          {texts.of(line.source)} · <Time at={line.startedAt} />
        </>
      }
    >
      {line.error === null ? null : (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.failed}</MessageBarTitle>
            {line.error.message}
          </MessageBarBody>
        </MessageBar>
      )}
      {data.heldInWords.length === 0 ? null : (
        <Section title={texts.held}>
          <ul className={styles.reasons}>
            {data.heldInWords.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </Section>
      )}
      <Section title={line.outcome === 'applied' ? texts.changes : texts.changesWouldBe}>
        <Text>{changesInWords(line)}</Text>
      </Section>
    </Page>
  )
}
