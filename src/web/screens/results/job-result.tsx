// One thing that was asked for: waiting, going on, or its outcome.
import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Subtitle1,
  Text,
  tokens,
} from '@fluentui/react-components'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { Job } from '../../../contract/api/runs.ts'
import { call } from '../../api.ts'
import { RunLink } from '../../components/run-link.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { useMay } from '../../session.ts'
import { resultsTexts as texts } from '../../texts/results.ts'
import { runsTexts } from '../../texts/runs.ts'
import { jobQuery } from '../runs/run-queries.ts'
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

export function JobResult(props: {
  readonly id: string
  /** There will be no other run of it than this. */
  readonly onEnded?: (run: string) => void
}) {
  const styles = useStyles()
  const { id, onEnded } = props
  const job = useQuery(jobQuery(id))
  // A server that ends, or dies, leaves its run to another one: the job gets a run after the run then.
  const [runs, setRuns] = useState<readonly string[]>([])
  const last = job.data?.run ?? undefined
  if (last !== undefined && !runs.includes(last)) setRuns([...runs, last])
  const ended = job.data?.state === 'ended' ? last : undefined
  useEffect(() => {
    if (ended !== undefined) onEnded?.(ended)
  }, [ended, onEnded])
  if (job.data === undefined) {
    return job.error === null ? <Loading /> : <Failed error={job.error} retry={() => void job.refetch()} />
  }
  const { source, kind, state, run, problem } = job.data
  const interrupted = runs.filter((one) => one !== run)
  return (
    <section className={styles.job} aria-label={`${texts.kinds[kind]} ${source}`}>
      <div className={styles.head}>
        <Subtitle1 as="h2">{source}</Subtitle1>
        <Text>{texts.kinds[kind]}</Text>
      </div>
      {interrupted.map((one) => (
        <Text key={one} role="status">
          <RunLink run={one}>{runsTexts.title(one)}</RunLink> {texts.interrupted}
        </Text>
      ))}
      {state === 'refused' ? (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.refused}</MessageBarTitle>
            {problem?.detail}
          </MessageBarBody>
        </MessageBar>
      ) : run === null ? (
        <>
          <Text role="status">{interrupted.length === 0 ? `${texts.queued}. ${texts.queuedText}` : texts.goesOn}</Text>
          <CancelWaiting job={job.data} />
        </>
      ) : (
        <RunProgress key={run} run={run} isOver={state === 'ended'} />
      )}
    </section>
  )
}

/** One's own request is taken back, and never that of others; what goes on is cancelled where its progress is shown. */
function CancelWaiting({ job }: { readonly job: Job }) {
  const toasts = useToasts()
  const queries = useQueryClient()
  const mayCancel = useMay('operator')
  const cancel = useMutation({
    mutationFn: () => call(API.cancelJob, { params: { job: job.id }, query: { only: 'own' } }),
    onError: (error) => toasts.failed(texts.cancelFailed, error),
    onSettled: () => queries.invalidateQueries({ queryKey: ['job', job.id] }),
  })
  if (!mayCancel) return null
  if (!job.isYours)
    return <Text role="status">{cancel.isSuccess ? texts.waitsForOthers : texts.askedBy(job.requestedBy)}</Text>
  return (
    <div>
      <Button disabledFocusable={cancel.isPending} onClick={() => cancel.mutate()}>
        {texts.cancel}
      </Button>
    </div>
  )
}
