// Taking an applied run back, or what it did to one user: first shown, then done.
import { Button, Checkbox, makeStyles, MessageBar, MessageBarBody, Spinner, Text } from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ReactElement, useEffect, useRef, useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import { heldInWords } from '../../../contract/held-words.ts'
import type { RevertDocument, RevertPreview } from '../../../contract/reverts.ts'
import { call } from '../../api.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { PlanItems } from '../../components/plan-items.tsx'
import { scrollRegion } from '../../components/scroll-region.ts'
import { Failed } from '../../components/states.tsx'
import { formatNumber } from '../../format.ts'
import { changesInWords } from '../../texts/changes.ts'
import { runsTexts as texts } from '../../texts/runs.ts'
import { takenBackInWords } from '../../texts/results.ts'
import { ReasonField } from './approve-dialog.tsx'

const useStyles = makeStyles({
  list: { margin: 0, paddingLeft: '20px' },
  first: { display: 'flex', flexDirection: 'column', gap: '12px', maxHeight: '300px', overflowY: 'auto' },
})

/** What is left as it is, and what would be done, stands in the run's plan whole; a dialog shows the first of it. */
const SHOWN = 20

interface UndoneUser {
  /** As the endpoint takes it. */
  readonly id: string
  readonly name: string
}

export function UndoDialog(props: {
  readonly run: string
  /** Only what the run did to this user. */
  readonly user?: UndoneUser
  readonly trigger?: ReactElement
}) {
  const { run, user } = props
  const [reason, setReason] = useState('')
  const [isConfirmed, setConfirmed] = useState(false)
  const navigate = useNavigate()
  const ofUser = user === undefined ? {} : { user: user.id }
  const { showing, show, giveUp } = useShowing({ run, ofUser })
  const shown = showing.data
  const needsConfirmation = (shown?.confirm.length ?? 0) > 0
  return (
    <ActionDialog
      trigger={props.trigger ?? <Button>{texts.undo}</Button>}
      title={user === undefined ? texts.undoTitle : texts.undoUserTitle(user.name, run)}
      action={texts.undo}
      isWide
      needsProof
      isReady={
        reason.trim() !== '' &&
        shown !== undefined &&
        whyNever(shown) === undefined &&
        (!needsConfirmation || isConfirmed)
      }
      onOpen={() => {
        setReason('')
        setConfirmed(false)
        show()
      }}
      onClose={giveUp}
      act={async (idempotencyKey) => {
        const body = { ...ofUser, reason: reason.trim(), confirmed: isConfirmed }
        const job = await call(API.startRevert, { params: { run }, body }, { idempotencyKey })
        await navigate({ to: '/settings/user-synchronization/results', search: { jobs: job.id } })
      }}
    >
      <Text>{user === undefined ? texts.undoText : texts.undoUserText}</Text>
      {showing.isPending ? <Spinner size="tiny" label={texts.undoShow} labelPosition="after" /> : null}
      {showing.error === null ? null : <Failed error={showing.error} retry={show} />}
      {shown === undefined ? null : <Would preview={shown} />}
      {shown !== undefined && needsConfirmation ? (
        <>
          <Exceeded document={shown} />
          <Checkbox
            checked={isConfirmed}
            label={texts.undoConfirm}
            onChange={(_event, { checked }) => setConfirmed(checked === true)}
          />
        </>
      ) : null}
      <ReasonField reason={reason} setReason={setReason} />
    </ActionDialog>
  )
}

/** Asks what it would do. Planning that may take long: whoever closes the dialog, or leaves the page, gives it up. */
function useShowing({ run, ofUser }: { readonly run: string; readonly ofUser: { readonly user?: string } }) {
  const asked = useRef<AbortController>(undefined)
  const showing = useMutation({
    mutationFn: (signal: AbortSignal) =>
      call(API.revertRun, { params: { run }, body: { ...ofUser, reason: texts.undoShow, dryRun: true } }, { signal }),
  })
  const { mutate, reset } = showing
  useEffect(() => () => asked.current?.abort(), [])
  const giveUp = () => {
    asked.current?.abort()
    reset()
  }
  const show = () => {
    giveUp()
    asked.current = new AbortController()
    mutate(asked.current.signal)
  }
  return { showing, show, giveUp }
}

/** Why there is nothing to be done, by what was shown; undefined where there is. */
function whyNever(shown: RevertDocument): string | undefined {
  return shown.outcome === 'planned' ? undefined : (shown.error?.message ?? takenBackInWords(shown.outcome))
}

/** Which limits of the source it exceeds, and by how much. */
function Exceeded({ document }: { readonly document: RevertDocument }) {
  const styles = useStyles()
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <ul className={styles.list}>
          {heldInWords(document.confirm).map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      </MessageBarBody>
    </MessageBar>
  )
}

function Would({ preview }: { readonly preview: RevertPreview }) {
  const styles = useStyles()
  const { users, groups, items, itemsTotal } = preview
  const changes = {
    users: { read: 0, unchanged: 0, skipped: 0, ...users },
    groups: { read: 0, unchanged: 0, ignored: 0, ...groups },
    memberships: preview.memberships,
    credentials: preview.credentials,
  }
  const first = items.slice(0, SHOWN)
  return (
    <>
      <Text>{whyNever(preview) ?? `${texts.undoWould}: ${changesInWords(changes)}`}</Text>
      {first.length === 0 ? null : (
        <>
          <Text>{texts.undoItems(formatNumber(first.length), formatNumber(itemsTotal))}</Text>
          <Region label={texts.undoWould}>
            <PlanItems items={first} label={texts.undoWould} />
          </Region>
        </>
      )}
      {preview.leftTotal === 0 ? null : (
        <>
          <Text>{texts.undoLeft(formatNumber(preview.leftTotal))}</Text>
          <Region label={texts.undoLeft(formatNumber(preview.leftTotal))}>
            <ul className={styles.list}>
              {preview.left.slice(0, SHOWN).map((item) => (
                <li key={`${item.object} ${item.objectId ?? ''} ${item.name ?? ''} ${item.reason}`}>
                  {item.name ?? item.objectId}: {item.message}
                </li>
              ))}
            </ul>
          </Region>
        </>
      )}
    </>
  )
}

/** Scrolls by itself, so that the question under it stays in sight. */
function Region({ label, children }: { readonly label: string; readonly children: ReactElement }) {
  const styles = useStyles()
  return (
    <div className={styles.first} {...scrollRegion(label)}>
      {children}
    </div>
  )
}
