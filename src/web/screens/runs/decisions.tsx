// Deciding about a run: approve or reject what is held, take back what was applied, cancel what goes on.
import { Button, makeStyles, MessageBar, MessageBarBody, Spinner } from '@fluentui/react-components'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { RunView } from '../../../contract/api/runs.ts'
import { call } from '../../api.ts'
import { useToasts } from '../../components/toasts.tsx'
import { useMay } from '../../session.ts'
import { runsTexts as texts } from '../../texts/runs.ts'
import { ApproveDialog, RejectDialog } from './approve-dialog.tsx'
import { jobQuery } from './run-queries.ts'
import { UndoDialog } from './undo-dialog.tsx'

const useStyles = makeStyles({ buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' } })

export function Decisions({ run }: { readonly run: RunView }) {
  const styles = useStyles()
  const mayAct = useMay('operator')
  const [job, setJob] = useState<string>()
  const { line } = run
  if (!mayAct) return null
  if (job !== undefined) return <FollowJob job={job} />
  const isRunning = line.outcome === null
  if (!isRunning && !run.canApprove && !run.canRevert) return null
  return (
    <div className={styles.buttons}>
      {run.canApprove && line.planHash !== null ? (
        <>
          <ApproveDialog line={line} hash={line.planHash} onAsked={setJob} />
          <RejectDialog run={line.run} />
        </>
      ) : null}
      {run.canRevert ? <UndoDialog run={line.run} /> : null}
      {isRunning ? <CancelButton run={run} /> : null}
    </div>
  )
}

/** Waits for the run that comes of an approval, and goes there. */
function FollowJob({ job }: { readonly job: string }) {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const { data } = useQuery(jobQuery(job))
  const run = data?.run ?? undefined
  useEffect(() => {
    if (run === undefined) return
    void queries.invalidateQueries()
    void navigate({ to: '/runs/$run', params: { run } })
  }, [run, navigate, queries])
  if (data?.state === 'refused') {
    return (
      <MessageBar intent="error" layout="multiline" role="alert">
        <MessageBarBody>
          {texts.refused}: {data.problem?.detail ?? ''}
        </MessageBarBody>
      </MessageBar>
    )
  }
  return <Spinner size="tiny" labelPosition="after" label={texts.waitingForStart} />
}

function CancelButton({ run }: { readonly run: RunView }) {
  const toasts = useToasts()
  const queries = useQueryClient()
  const cancel = useMutation({
    mutationFn: () => call(API.cancelRun, { params: { run: run.line.run } }),
    onSuccess: () => {
      toasts.done(texts.cancelAsked)
      void queries.invalidateQueries({ queryKey: ['run', run.line.run] })
    },
    onError: (error) => toasts.failed(texts.cancel, error),
  })
  return (
    <Button onClick={() => cancel.mutate()} disabledFocusable={cancel.isPending || run.cancelRequested}>
      {texts.cancel}
    </Button>
  )
}
