// The audit: who changed what and when, and whether anybody touched it.
import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  Spinner,
  Text,
  tokens,
} from '@fluentui/react-components'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { AuditEntry } from '../../../contract/api/administration.ts'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'
import { Breakable } from '../../components/breakable.tsx'
import { Changes, Value } from '../../components/changes.tsx'
import { useCursorList } from '../../components/cursor-list.ts'
import { Filters } from '../../components/filters.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { Time } from '../../components/time.tsx'
import { formatNumber } from '../../format.ts'
import { accessTexts as texts } from '../../texts/access.ts'

const route = getRouteApi('/inside/settings/audit')

const useStyles = makeStyles({
  filter: { minWidth: '260px', '@media (max-width: 640px)': { flexGrow: 1 } },
  sub: { color: tokens.colorNeutralForeground2 },
  details: { listStyleType: 'none', margin: 0, padding: 0, overflowWrap: 'anywhere' },
})

export function Audit() {
  const styles = useStyles()
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const list = useCursorList(['audit', filters], (cursor, signal) =>
    call(API.listAudit, { query: { ...filters, cursor } }, { signal }),
  )
  const filter = (changed: Partial<typeof filters>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true })
  const isFiltered = filters.action !== undefined || filters.actor !== undefined
  return (
    <Page title={texts.audit} intro={texts.auditIntro} isWide>
      <Filters>
        <SearchBox
          className={styles.filter}
          label={texts.actionFilter}
          placeholder={texts.actionHint}
          text={filters.action}
          search={(action) => filter({ action })}
        />
        <SearchBox
          className={styles.filter}
          label={texts.actorFilter}
          placeholder={texts.actorHint}
          text={filters.actor}
          search={(actor) => filter({ actor })}
        />
        <Verify />
      </Filters>
      {list.error === null ? (
        <ListTable
          label={texts.audit}
          columns={COLUMNS}
          rows={list.rows}
          keyOf={(entry) => entry.id}
          isStale={list.isStale}
          more={list.more}
          empty={
            isFiltered ? (
              <Empty title={texts.noAuditFiltered}>
                <Button onClick={() => filter({ action: undefined, actor: undefined })}>{texts.showAll}</Button>
              </Empty>
            ) : (
              <Empty title={texts.noAudit} text={texts.noAuditText} />
            )
          }
        />
      ) : (
        <Failed error={list.error} retry={list.retry} />
      )}
    </Page>
  )
}

function Verify() {
  const verify = useMutation({ mutationFn: () => call(API.verifyAudit, {}) })
  const { data } = verify
  return (
    <>
      <Button onClick={() => verify.mutate()} disabledFocusable={verify.isPending}>
        {texts.verify}
      </Button>
      {verify.isPending ? <Spinner size="tiny" aria-hidden /> : null}
      {verify.error === null ? null : <Failed error={verify.error} />}
      {data === undefined ? null : data.isWhole ? (
        <MessageBar intent="success">
          <MessageBarBody>{texts.whole(formatNumber(data.entries))}</MessageBarBody>
        </MessageBar>
      ) : (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{texts.broken(data.brokenAt ?? '')}</MessageBarTitle> {texts.brokenText}
          </MessageBarBody>
        </MessageBar>
      )}
    </>
  )
}

const COLUMNS: readonly Column<AuditEntry>[] = [
  { id: 'when', header: texts.when, grow: 1.3, cell: (entry) => <Time at={entry.at} /> },
  { id: 'who', header: texts.who, grow: 1.6, below: 'when', cell: (entry) => <Who entry={entry} /> },
  { id: 'did', header: texts.did, grow: 1.7, always: true, cell: (entry) => <Action action={entry.action} /> },
  {
    id: 'subject',
    header: texts.subject,
    grow: 1.5,
    below: 'did',
    isNamedBelow: true,
    cell: (entry) => entry.subject ?? '',
  },
  {
    id: 'details',
    header: texts.details,
    grow: 3,
    below: 'did',
    isNamedBelow: true,
    cell: (entry) => (Object.keys(entry.details).length === 0 ? null : <Details entry={entry} />),
  },
]

function Action({ action }: { readonly action: string }) {
  return (
    <code>
      <Breakable text={action} />
    </code>
  )
}

function Who({ entry: { actor } }: { readonly entry: AuditEntry }) {
  const styles = useStyles()
  return (
    <>
      {actor.name}
      <Text block size={200} className={styles.sub}>
        {texts.actorKinds[actor.kind]}
        {actor.address === null ? '' : ` · ${actor.address}`}
      </Text>
    </>
  )
}

function Details({ entry: { details } }: { readonly entry: AuditEntry }) {
  const styles = useStyles()
  return (
    <ul className={styles.details}>
      {Object.entries(details).map(([name, value]) => (
        <li key={name}>
          <span className={styles.sub}>{name}: </span>
          {name === 'changes' && Array.isArray(value) ? <Changes changes={value} /> : <Value value={value} />}
        </li>
      ))}
    </ul>
  )
}
