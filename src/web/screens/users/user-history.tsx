// What was done to a user, the newest first.
import { Button, Text } from '@fluentui/react-components'
import { API } from '../../../contract/api/api.ts'
import type { Answered } from '../../../contract/api/endpoint.ts'
import { call } from '../../api.ts'
import { useCursorList } from '../../components/cursor-list.ts'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { RunLink } from '../../components/run-link.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { groupOf, kindOf, OldAndNew } from '../../components/values.tsx'
import { actionInWords, reasonInWords } from '../../texts/reasons.ts'
import { useMay } from '../../session.ts'
import { runsTexts } from '../../texts/runs.ts'
import { usersTexts as texts } from '../../texts/users.ts'
import { UndoDialog } from '../runs/undo-dialog.tsx'

type Change = Answered<typeof API.listUserHistory>['items'][number]

interface HistoryUser {
  readonly user: string
  readonly userName: string
  readonly objectId: string | null
}

export function UserHistory({ user, userName, objectId }: HistoryUser) {
  const mayUndo = useMay('operator')
  const list = useCursorList(['user', user, 'history'], (cursor, signal) =>
    call(API.listUserHistory, { params: { user }, query: { cursor, limit: 25 } }, { signal }),
  )
  if (list.error !== null) return <Failed error={list.error} retry={list.retry} />
  const keys = keysOf(list.rows ?? [])
  const rows = list.rows?.map((change, place, all) => ({
    ...change,
    key: keys[place] ?? '',
    // One button a run, beside the newest of what it did.
    undone:
      mayUndo && change.run !== null && change.run !== all[place - 1]?.run
        ? { id: objectId ?? userName, name: userName }
        : undefined,
  }))
  return (
    <ListTable
      label={texts.history}
      columns={COLUMNS}
      rows={rows}
      keyOf={({ key }) => key}
      more={list.more}
      empty={<Empty title={texts.noHistory} />}
    />
  )
}

/**
 * Several changes of one run have no name of their own: which one of them it is names it. Nothing is added to a run that is over, so that
 * each keeps its key, and the dialog in its row, when newer changes come before it.
 */
function keysOf(changes: readonly Change[]): readonly string[] {
  const seen = new Map<string, number>()
  return changes.map(({ run, at }) => {
    const of = run === null ? `by hand ${at}` : `run ${run}`
    const nth = seen.get(of) ?? 0
    seen.set(of, nth + 1)
    return `${of} ${nth}`
  })
}

type Row = Change & { readonly undone: { readonly id: string; readonly name: string } | undefined }

const COLUMNS: readonly Column<Row>[] = [
  { id: 'what', header: texts.what, grow: 1.8, cell: (change) => <What change={change} /> },
  { id: 'when', header: texts.when, below: 'what', cell: ({ at }) => <RelativeTime at={at} /> },
  {
    id: 'values',
    header: runsTexts.fromTo,
    grow: 3,
    always: true,
    cell: (change) => <OldAndNew old={change.old} new={change.new} />,
  },
  { id: 'because', header: runsTexts.because, grow: 1.6, below: 'values', cell: (change) => reasonInWords(change) },
  { id: 'who', header: texts.who, grow: 1.4, below: 'what', cell: (change) => <Who change={change} /> },
]

function What({ change }: { readonly change: Change }) {
  const group = groupOf(change)
  return (
    <>
      {actionInWords(change.object, change.action, kindOf(change))}
      {group === undefined ? null : <Text block>{group}</Text>}
    </>
  )
}

function Who({ change }: { readonly change: Row }) {
  return (
    <>
      {change.run === null ? null : <RunLink run={change.run}>{texts.byRun(change.run)}</RunLink>}
      {change.run === null || change.undone === undefined ? null : (
        <UndoDialog
          key={change.run}
          run={change.run}
          user={change.undone}
          trigger={
            <Button size="small" appearance="subtle">
              {runsTexts.undoUser}
            </Button>
          }
        />
      )}
      {change.by === null ? null : (
        <Text block size={200}>
          {change.by}
          {change.because === null ? '' : `: ${change.because}`}
        </Text>
      )}
    </>
  )
}
