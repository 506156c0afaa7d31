// Approving a held plan, or a part of it, and rejecting it: both with a reason that is kept.
import { Button, Field, Radio, RadioGroup, Text, Textarea } from '@fluentui/react-components'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { RunLine } from '../../../contract/run-list.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { useToasts } from '../../components/toasts.tsx'
import { changeCount } from '../../texts/changes.ts'
import { runsTexts as texts } from '../../texts/runs.ts'

type Without = 'none' | 'removals' | 'rewrites'

export function ApproveDialog(props: {
  readonly line: RunLine
  readonly hash: string
  /** The job that was asked for. */
  readonly onAsked: (job: string) => void
}) {
  const [reason, setReason] = useState('')
  const [without, setWithout] = useState<Without>('none')
  const { line, hash } = props
  return (
    <ActionDialog
      trigger={<Button appearance="primary">{texts.approve}</Button>}
      title={texts.approveTitle}
      action={texts.approve}
      needsProof
      isReady={reason.trim() !== ''}
      onOpen={() => {
        setReason('')
        setWithout('none')
      }}
      act={async (idempotencyKey) => {
        const body = { hash, reason: reason.trim(), ...(without === 'none' ? {} : { without }) }
        const job = await call(API.approveRun, { params: { run: line.run }, body }, { idempotencyKey })
        props.onAsked(job.id)
      }}
    >
      <Text>
        {texts.approveText(without === 'none' ? changeCount(line) : texts.approvePart[without](changeCount(line)))}
      </Text>
      <Field label={texts.without}>
        <RadioGroup
          value={without}
          onChange={(_event, { value }) => setWithout(value === 'removals' || value === 'rewrites' ? value : 'none')}
        >
          <Radio value="none" label={texts.withoutNone} />
          <Radio value="removals" label={texts.withoutRemovals} />
          <Radio value="rewrites" label={texts.withoutRewrites} />
        </RadioGroup>
      </Field>
      <ReasonField reason={reason} setReason={setReason} />
    </ActionDialog>
  )
}

export function RejectDialog({ run }: { readonly run: string }) {
  const [reason, setReason] = useState('')
  const toasts = useToasts()
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button>{texts.reject}</Button>}
      title={texts.rejectTitle}
      action={texts.reject}
      isReady={reason.trim() !== ''}
      onOpen={() => setReason('')}
      act={async () => {
        await call(API.rejectRun, { params: { run }, body: { reason: reason.trim() } })
        toasts.done(texts.rejected)
        await queries.invalidateQueries()
      }}
    >
      <Text>{texts.rejectText}</Text>
      <ReasonField reason={reason} setReason={setReason} />
    </ActionDialog>
  )
}

export function ReasonField(props: { readonly reason: string; readonly setReason: (reason: string) => void }) {
  return (
    <Field label={texts.reason} hint={texts.reasonHint} required>
      <Textarea value={props.reason} maxLength={500} onChange={(_event, { value }) => props.setReason(value)} />
    </Field>
  )
}
