// One thing that was asked for: waiting, going on, or its outcome.
import {
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Subtitle1,
  Text,
  tokens,
} from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { Failed, Loading } from '../../components/states.tsx'
import { resultsTexts as texts } from '../../texts/results.ts'
import { RunProgress } from './run-progress.tsx'

const useStyles = makeStyles({
  job: {
    display: 'flex',
    flexDirection: 'column',
    gap: '12px',
    padding: '16px',
    borderRadius: tokens.borderRadiusLarge,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    minWidth: 0,
  },
  head: { display: 'flex', flexWrap: 'wrap', gap: '4px 12px', alignItems: 'baseline' },
})

export function JobResult({ id }: { readonly id: string }) {
  const styles = useStyles()
  const job = useQuery({
    queryKey: ['job', id],
    queryFn: ({ signal }) => call(API.getJob, { params: { job: id } }, { signal }),
    refetchInterval: ({ state }) =>
      state.data === undefined ||
      state.data.state === 'queued' ||
      (state.data.run === null && state.data.state === 'running')
        ? 700
        : false,
  })
  if (job.data === undefined) {
    return job.error === null ? <Loading /> : <Failed error={job.error} retry={() => void job.refetch()} />
  }
  const { source, kind, state, run, problem } = job.data
  return (
    <section className={styles.job} aria-label={`${texts.kinds[kind]} ${source}`}>
      <div className={styles.head}>
        <Subtitle1 as="h2">{source}</Subtitle1>
        <Text>{texts.kinds[kind]}</Text>
      </div>
      {state === 'refused' ? (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.refused}</MessageBarTitle>
            {problem?.detail}
          </MessageBarBody>
        </MessageBar>
      ) : run === null ? (
        <Text role="status">
          {texts.queued}. {texts.queuedText}
        </Text>
      ) : (
        <RunProgress run={run} source={source} kind={kind} />
      )}
    </section>
  )
}
