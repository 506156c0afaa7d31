// Taking an applied run back: first shown, then done.
import { Button, Checkbox, makeStyles, Spinner, Text } from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { RevertDocument } from '../../../contract/reverts.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { Failed } from '../../components/states.tsx'
import { formatNumber } from '../../format.ts'
import { changesInWords } from '../../texts/changes.ts'
import { runsTexts as texts } from '../../texts/runs.ts'
import { takenBackInWords } from '../../texts/results.ts'
import { ReasonField } from './approve-dialog.tsx'

const useStyles = makeStyles({ left: { margin: 0, paddingLeft: '20px', maxHeight: '200px', overflowY: 'auto' } })

/** What is left as it is stands in the run's plan whole; a dialog shows the first of it. */
const LEFT_SHOWN = 20

export function UndoDialog({ run, user }: { readonly run: string; readonly user?: string }) {
  const [reason, setReason] = useState('')
  const [isConfirmed, setConfirmed] = useState(false)
  const navigate = useNavigate()
  const ofUser = user === undefined ? {} : { user }
  const showing = useMutation({
    mutationFn: () =>
      call(API.revertRun, {
        params: { run },
        body: { ...ofUser, reason: reason.trim() || texts.undoShow, dryRun: true },
      }),
  })
  const shown = showing.data
  const needsConfirmation = (shown?.confirm.length ?? 0) > 0
  return (
    <ActionDialog
      trigger={<Button>{texts.undo}</Button>}
      title={texts.undoTitle}
      action={texts.undo}
      isReady={
        reason.trim() !== '' &&
        shown !== undefined &&
        whyNever(shown) === undefined &&
        (!needsConfirmation || isConfirmed)
      }
      onOpen={() => {
        setReason('')
        setConfirmed(false)
        showing.reset()
        showing.mutate()
      }}
      act={async (idempotencyKey) => {
        const body = { ...ofUser, reason: reason.trim(), confirmed: isConfirmed }
        const job = await call(API.startRevert, { params: { run }, body }, { idempotencyKey })
        await navigate({ to: '/settings/user-synchronization/results', search: { jobs: job.id } })
      }}
    >
      <Text>{texts.undoText}</Text>
      {showing.isPending ? <Spinner size="tiny" label={texts.undoShow} labelPosition="after" /> : null}
      {showing.error === null ? null : <Failed error={showing.error} retry={() => showing.mutate()} />}
      {shown === undefined ? null : <Would document={shown} />}
      {needsConfirmation ? (
        <Checkbox
          checked={isConfirmed}
          label={texts.undoConfirm}
          onChange={(_event, { checked }) => setConfirmed(checked === true)}
        />
      ) : null}
      <ReasonField reason={reason} setReason={setReason} />
    </ActionDialog>
  )
}

/** Why there is nothing to be done, by what was shown; undefined where there is. */
function whyNever(shown: RevertDocument): string | undefined {
  return shown.outcome === 'planned' ? undefined : (shown.error?.message ?? takenBackInWords(shown.outcome))
}

function Would({ document }: { readonly document: RevertDocument }) {
  const styles = useStyles()
  const { users, groups } = document
  const changes = {
    users: { read: 0, unchanged: 0, skipped: 0, ...users },
    groups: { read: 0, unchanged: 0, ignored: 0, ...groups },
    memberships: document.memberships,
    credentials: document.credentials,
  }
  return (
    <>
      <Text>{whyNever(document) ?? `${texts.undoWould}: ${changesInWords(changes)}`}</Text>
      {document.leftTotal === 0 ? null : (
        <>
          <Text>{texts.undoLeft(formatNumber(document.leftTotal))}</Text>
          <ul className={styles.left}>
            {document.left.slice(0, LEFT_SHOWN).map((item) => (
              <li key={`${item.object} ${item.objectId ?? ''} ${item.name ?? ''} ${item.reason}`}>
                {item.name ?? item.objectId}: {item.message}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}
