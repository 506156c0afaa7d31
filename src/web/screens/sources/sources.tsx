// Settings › User Synchronization: the list of sources.
import {
  Button,
  Checkbox,
  makeStyles,
  Menu,
  MenuItem,
  MenuList,
  MenuPopover,
  MenuTrigger,
  Text,
  Toolbar,
  Tooltip,
  tokens,
} from '@fluentui/react-components'
import { AddRegular } from '@fluentui/react-icons/svg/add'
import { ArrowSyncRegular } from '@fluentui/react-icons/svg/arrow-sync'
import { EyeRegular } from '@fluentui/react-icons/svg/eye'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { SourceLine } from '../../../contract/api/sources.ts'
import { lazy, Suspense, useState } from 'react'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { Page } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { RunLink } from '../../components/run-link.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { RelativeTime } from '../../components/time.tsx'
import { formatNumber } from '../../format.ts'
import { reached } from '../../reached.ts'
import { useMay } from '../../session.ts'
import { sourcesTexts as texts } from '../../texts/sources.ts'
import { NextStep } from './next-step.tsx'
import { sourcesQuery } from './source-queries.ts'
import { SourceState } from './source-state.tsx'
import { useStart } from './starting.ts'

// The panel and what it checks with are half of the web; who only looks at the list needs none of it.
const SourceEditor = lazy(reached(async () => ({ default: (await import('./editor/editor.tsx')).SourceEditor })))

const route = getRouteApi('/inside/settings/user-synchronization')

const useStyles = makeStyles({
  toolbar: { flexWrap: 'wrap', gap: '8px', padding: 0 },
  sub: { color: tokens.colorNeutralForeground2 },
})

export function Sources() {
  const styles = useStyles()
  const navigate = route.useNavigate()
  const list = useQuery(sourcesQuery)
  const mayConfigure = useMay('administrator')
  const mayRun = useMay('operator')
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [isFull, setFull] = useState(false)
  const { start, isStarting } = useStart()
  const rows = list.data?.items
  const names = rows?.map((source) => source.name).filter((name) => chosen.has(name)) ?? []
  const { add: isAdding, source: opened, saved } = route.useSearch()
  const show = (search: ReturnType<typeof route.useSearch>) => void navigate({ search, ignoreBlocker: true })
  const add = () => show({ add: 'entra' })
  return (
    <Page title={texts.title} intro={texts.intro}>
      <Toolbar className={styles.toolbar} aria-label={texts.title}>
        {mayConfigure ? (
          <Menu>
            <MenuTrigger disableButtonEnhancement>
              <Button appearance="primary" icon={<AddRegular />}>
                {texts.add}
              </Button>
            </MenuTrigger>
            <MenuPopover>
              <MenuList>
                <MenuItem onClick={add}>{texts.addEntra}</MenuItem>
              </MenuList>
            </MenuPopover>
          </Menu>
        ) : null}
        {mayRun ? (
          <>
            <Button
              icon={<ArrowSyncRegular />}
              disabledFocusable={names.length === 0 || isStarting}
              onClick={() => start({ names, kind: 'sync', full: isFull })}
            >
              {texts.synchronizeNow}
            </Button>
            <Tooltip content={texts.previewHint} relationship="description">
              <Button
                icon={<EyeRegular />}
                disabledFocusable={names.length === 0 || isStarting}
                onClick={() => start({ names, kind: 'plan', full: isFull })}
              >
                {texts.preview}
              </Button>
            </Tooltip>
            <Tooltip content={texts.fullHint} relationship="description">
              <Checkbox
                label={texts.full}
                checked={isFull}
                onChange={(_event, { checked }) => setFull(checked === true)}
              />
            </Tooltip>
          </>
        ) : null}
      </Toolbar>
      {saved === undefined || rows?.some(({ name, lastRun }) => name === saved && lastRun === null) !== true ? null : (
        <NextStep source={saved} isStarting={isStarting} onPreview={() => start({ names: [saved], kind: 'plan' })} />
      )}
      {list.error !== null && rows === undefined ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : (
        <ListTable
          label={texts.list}
          columns={COLUMNS}
          rows={rows}
          keyOf={(source) => source.name}
          {...(mayRun
            ? { selection: { chosen, choose: setChosen, nameOf: texts.choose, allName: texts.chooseAll } }
            : {})}
          empty={
            <Empty
              icon={<ArrowSyncRegular />}
              title={texts.empty}
              text={mayConfigure ? texts.emptyText : texts.emptyViewer}
            >
              {mayConfigure ? (
                <Button appearance="primary" icon={<AddRegular />} onClick={add}>
                  {texts.addEntra}
                </Button>
              ) : null}
            </Empty>
          }
        />
      )}
      {isAdding === undefined && opened === undefined ? null : (
        <Suspense fallback={null}>
          <SourceEditor
            key={opened ?? ''}
            {...(opened === undefined ? {} : { source: opened })}
            onClose={() => show({})}
            onSaved={(name, after) => {
              setChosen(new Set([name]))
              show(after === 'created' ? { saved: name } : {})
              if (after === 'preview') start({ names: [name], kind: 'plan' })
            }}
          />
        </Suspense>
      )}
    </Page>
  )
}

const COLUMNS: readonly Column<SourceLine>[] = [
  { id: 'name', header: texts.source, grow: 2, cell: (source) => <Name source={source} /> },
  { id: 'state', header: texts.state, grow: 2, always: true, cell: (source) => <SourceState source={source} /> },
  {
    id: 'people',
    header: texts.people,
    below: 'state',
    isNamedBelow: true,
    cell: (source) => formatNumber(source.people),
  },
  {
    id: 'last',
    header: texts.lastRun,
    grow: 1.5,
    below: 'name',
    isNamedBelow: true,
    cell: (source) => <LastRun source={source} />,
  },
  {
    id: 'next',
    header: texts.nextRun,
    grow: 1.5,
    below: 'name',
    isNamedBelow: true,
    cell: (source) => <NextRun source={source} />,
  },
]

function Name({ source }: { readonly source: SourceLine }) {
  const styles = useStyles()
  return (
    <>
      <RouterLink to="/settings/user-synchronization" search={{ source: source.name }}>
        {source.name}
      </RouterLink>
      <Text block size={200} className={styles.sub}>
        {texts.from(source.connection)}
      </Text>
    </>
  )
}

function LastRun({ source }: { readonly source: SourceLine }) {
  const styles = useStyles()
  const { lastRun } = source
  if (lastRun === null) return texts.neverRun
  return (
    <>
      <RunLink run={lastRun.run}>
        <RelativeTime at={lastRun.startedAt} />
      </RunLink>
      <Text block size={200} className={styles.sub}>
        {lastRun.kind === 'revert' && lastRun.outcome === 'planned'
          ? texts.notTakenBack
          : texts.outcomes[lastRun.outcome ?? 'running']}
      </Text>
    </>
  )
}

function NextRun({ source }: { readonly source: SourceLine }) {
  const styles = useStyles()
  if (source.awaitsFirstRun) return texts.awaitsFirstRun
  if (source.next === null) return texts.noSchedule
  return (
    <>
      <RelativeTime at={source.next.at} />
      <Text block size={200} className={styles.sub}>
        {texts.modes[source.next.mode]}
      </Text>
    </>
  )
}
