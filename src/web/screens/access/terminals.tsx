// Terminals: made, changed, given new tokens, revoked.
import { Badge, Button, makeStyles, Text } from '@fluentui/react-components'
import { TabletRegular } from '@fluentui/react-icons/svg/tablet'
import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { Terminal } from '../../../contract/api/terminals.ts'
import { call } from '../../api.ts'
import { now } from '../../clock.ts'
import { ActionDialog } from '../../components/action-dialog.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime, Time } from '../../components/time.tsx'
import { terminalsTexts as texts } from '../../texts/terminals.ts'
import { DaysField, EMPTY, type Form, formOf, isReady, readDays, settingsOf, TerminalFields } from './terminal-form.tsx'
import { TerminalToken } from './terminal-token.tsx'

const terminalsQuery = queryOptions({
  queryKey: ['terminals'],
  queryFn: ({ signal }) => call(API.listTerminals, {}, { signal }),
})

const useStyles = makeStyles({ buttons: { display: 'flex', flexWrap: 'wrap', gap: '8px' } })

export function Terminals() {
  const styles = useStyles()
  const [token, setToken] = useState<string>()
  const { data, error, refetch } = useQuery(terminalsQuery)
  return (
    <Page title={texts.title} intro={texts.intro}>
      <div className={styles.buttons}>
        <AddTerminal onMade={setToken} />
      </div>
      {error === null ? (
        <ListTable
          label={texts.title}
          columns={columnsOf(setToken)}
          rows={data?.items}
          keyOf={(terminal) => terminal.id}
          empty={<Empty icon={<TabletRegular />} title={texts.none} text={texts.noneText} />}
        />
      ) : (
        <Failed error={error} retry={() => void refetch()} />
      )}
      <TerminalToken token={token} onDone={() => setToken(undefined)} />
    </Page>
  )
}

const columnsOf = (onMade: (token: string) => void): readonly Column<Terminal>[] => [
  { id: 'name', header: texts.name, grow: 1.6, cell: (terminal) => terminal.name },
  { id: 'may', header: texts.may, grow: 2, cell: ({ may }) => may.map((way) => texts.ways[way]).join(', ') },
  { id: 'prefix', header: texts.begins, grow: 1.2, cell: ({ prefix }) => <code>{prefix}…</code> },
  {
    id: 'used',
    header: texts.lastUsed,
    grow: 1.2,
    cell: ({ lastUsedAt, lastAddress }) => (
      <>
        <RelativeTime at={lastUsedAt} /> {lastAddress}
      </>
    ),
  },
  {
    id: 'ends',
    header: texts.ends,
    grow: 1.2,
    below: 'name',
    cell: ({ expiresAt }) => (
      <>
        <Time at={expiresAt} none={texts.noEnd} />{' '}
        {expiresAt !== null && new Date(expiresAt) <= now() ? <Badge color="danger">{texts.ended}</Badge> : null}
      </>
    ),
  },
  {
    id: 'actions',
    header: texts.actions,
    grow: 2,
    always: true,
    cell: (terminal) => <Actions terminal={terminal} onMade={onMade} />,
  },
]

function Actions({ terminal, onMade }: { readonly terminal: Terminal; readonly onMade: (token: string) => void }) {
  const styles = useStyles()
  const queries = useQueryClient()
  const params = { terminal: terminal.id }
  const changed = () => queries.invalidateQueries({ queryKey: ['terminals'] })
  return (
    <div className={styles.buttons}>
      <ChangeTerminal terminal={terminal} />
      <RenewTerminal terminal={terminal} onMade={onMade} />
      <ActionDialog
        trigger={<Button size="small">{texts.revoke}</Button>}
        title={texts.revokeTitle(terminal.name)}
        action={texts.revoke}
        act={async () => {
          await call(API.revokeTerminal, { params })
          await changed()
        }}
      >
        <Text>{texts.revokeText}</Text>
      </ActionDialog>
    </div>
  )
}

function AddTerminal({ onMade }: { readonly onMade: (token: string) => void }) {
  const [form, setForm] = useState<Form>(EMPTY)
  const [days, setDays] = useState('365')
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button appearance="primary">{texts.add}</Button>}
      title={texts.addTitle}
      action={texts.addAction}
      isReady={isReady(form) && readDays(days) !== undefined}
      needsProof
      onOpen={() => setForm(EMPTY)}
      act={async () => {
        const made = await call(API.createTerminal, { body: { ...settingsOf(form), days: readDays(days) ?? null } })
        await queries.invalidateQueries({ queryKey: ['terminals'] })
        onMade(made.token)
      }}
    >
      <TerminalFields form={form} setForm={setForm} />
      <DaysField days={days} setDays={setDays} />
    </ActionDialog>
  )
}

function ChangeTerminal({ terminal }: { readonly terminal: Terminal }) {
  const [form, setForm] = useState<Form>(EMPTY)
  const [seen, setSeen] = useState<Form>(EMPTY)
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.change}</Button>}
      title={texts.changeTitle(terminal.name)}
      action={texts.save}
      isReady={isReady(form)}
      needsProof
      onOpen={() => {
        setSeen(formOf(terminal))
        setForm(formOf(terminal))
      }}
      act={async () => {
        const body = { ...settingsOf(form), seen: settingsOf(seen) }
        try {
          await call(API.changeTerminal, { params: { terminal: terminal.id }, body })
        } finally {
          await queries.invalidateQueries({ queryKey: ['terminals'] })
        }
      }}
    >
      <TerminalFields form={form} setForm={setForm} />
    </ActionDialog>
  )
}

function RenewTerminal({
  terminal,
  onMade,
}: {
  readonly terminal: Terminal
  readonly onMade: (token: string) => void
}) {
  const [days, setDays] = useState('365')
  const queries = useQueryClient()
  return (
    <ActionDialog
      trigger={<Button size="small">{texts.renew}</Button>}
      title={texts.renewTitle(terminal.name)}
      action={texts.renew}
      isReady={readDays(days) !== undefined}
      needsProof
      act={async () => {
        const params = { terminal: terminal.id }
        const made = await call(API.renewTerminal, { params, body: { days: readDays(days) ?? null } })
        await queries.invalidateQueries({ queryKey: ['terminals'] })
        onMade(made.token)
      }}
    >
      <Text>{texts.renewText}</Text>
      <DaysField days={days} setDays={setDays} />
    </ActionDialog>
  )
}
