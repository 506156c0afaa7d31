// Deciding about a run that has ended: approve or reject what is held, take back what was applied.
import { Button, makeStyles } from '@fluentui/react-components'
import { ArrowSyncRegular } from '@fluentui/react-icons/svg/arrow-sync'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useCallback, useState } from 'react'
import type { RunView } from '../../../contract/api/runs.ts'
import { useMay } from '../../session.ts'
import { resultsTexts } from '../../texts/results.ts'
import { JobResult } from '../results/job-result.tsx'
import { useStart } from '../sources/starting.ts'
import { ApproveDialog, RejectDialog } from './approve-dialog.tsx'
import { UndoDialog } from './undo-dialog.tsx'

const useStyles = makeStyles({ buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' } })

export function Decisions({ run }: { readonly run: RunView }) {
  const styles = useStyles()
  const mayAct = useMay('operator')
  const [job, setJob] = useState<string>()
  const { line } = run
  if (!mayAct) return null
  if (job !== undefined) return <FollowJob job={job} />
  const isPreview = line.kind === 'plan' && line.outcome === 'planned'
  if (!isPreview && !run.canApprove && !run.canRevert) return null
  return (
    <div className={styles.buttons}>
      {run.canApprove && line.planHash !== null ? (
        <>
          <ApproveDialog line={line} hash={line.planHash} onAsked={setJob} />
          <RejectDialog run={line.run} />
        </>
      ) : null}
      {run.canRevert ? <UndoDialog key={line.run} run={line.run} /> : null}
      {isPreview ? <Synchronize source={line.source} /> : null}
    </div>
  )
}

/** Shows what comes of an approval, and goes to its run when that has ended. */
function FollowJob({ job }: { readonly job: string }) {
  const navigate = useNavigate()
  const queries = useQueryClient()
  const go = useCallback(
    (run: string) => {
      void queries.invalidateQueries()
      void navigate({ to: '/runs/$run', params: { run } })
    },
    [navigate, queries],
  )
  return <JobResult id={job} onEnded={go} />
}

/** What a preview has shown is done by a synchronization, which plans anew. */
function Synchronize({ source }: { readonly source: string }) {
  const { start, isStarting } = useStart()
  return (
    <Button
      icon={<ArrowSyncRegular />}
      disabledFocusable={isStarting}
      onClick={() => start({ names: [source], kind: 'sync' })}
    >
      {resultsTexts.synchronizeNow}
    </Button>
  )
}
