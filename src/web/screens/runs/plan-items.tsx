// The items of a plan: counts to choose by, search, old and new of each field, why, and the whole of it as a file.
import { Button, Field, makeStyles, Text, ToggleButton, tokens } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { API } from '../../../contract/api/api.ts'
import type { RunView } from '../../../contract/api/runs.ts'
import { PLAN_ACTIONS, type PlanItemLine } from '../../../contract/plan-items.ts'
import { addressOf, call } from '../../api.ts'
import { Breakable } from '../../components/breakable.tsx'
import { useSaveProven } from '../../components/proven-file.ts'
import { Choice } from '../../components/choice.tsx'
import { useCursorList } from '../../components/cursor-list.ts'
import { Filters } from '../../components/filters.tsx'
import { type Column, ListTable } from '../../components/list-table.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { SearchBox } from '../../components/search-box.tsx'
import { Empty, Failed } from '../../components/states.tsx'
import { kindOf, OldAndNew } from '../../components/values.tsx'
import { formatNumber } from '../../format.ts'
import { actionInWords, reasonInWords } from '../../texts/reasons.ts'
import { runsTexts as texts } from '../../texts/runs.ts'
import { pageOf, type PageOfItem, type PlanState } from './item-page.ts'
import { deletedUsersQuery, itemCountsQuery } from './run-queries.ts'

const route = getRouteApi('/inside/runs/$run')
const ITEM_OBJECTS = ['user', 'group', 'membership', 'credential'] as const

const useStyles = makeStyles({
  counts: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
  filter: { minWidth: '180px', '@media (max-width: 640px)': { flexGrow: 1 } },
  /** The room of counts and filters. */
  pending: { paddingBottom: '160px' },
  sub: { color: tokens.colorNeutralForeground2, overflowWrap: 'anywhere' },
  files: { display: 'flex', flexWrap: 'wrap', gap: '8px', marginLeft: 'auto' },
})

export function PlanItems({ run: { line } }: { readonly run: RunView }) {
  const styles = useStyles()
  const { run } = line
  const filters = route.useSearch()
  const navigate = route.useNavigate()
  const saveProven = useSaveProven()
  const list = useCursorList(['run', run, 'items', filters, line.outcome], (cursor, signal) =>
    call(API.listPlanItems, { params: { run }, query: { ...filters, cursor } }, { signal }),
  )
  const counts = useQuery(itemCountsQuery(run))
  const isApplied = line.outcome === 'applied' || line.decision === 'approved'
  const deletes = counts.data?.items.some(({ object, action }) => object === 'user' && action === 'delete') === true
  const deleted = useQuery({ ...deletedUsersQuery(run), enabled: isApplied && deletes })
  const columns = columnsOf({
    isApplied,
    deleted: deletes ? (deleted.data ? new Set(deleted.data) : undefined) : new Set(),
  })
  const filter = (changed: Partial<typeof filters>) =>
    void navigate({ search: (before) => ({ ...before, ...changed }), replace: true, resetScroll: false })
  const isFiltered = Object.values(filters).some((value) => value !== undefined)
  const file = (format: 'csv' | 'json') => addressOf(API.exportPlan, { params: { run }, query: { format, ...filters } })
  if (line.planHash === null && line.approves === null) return <Text>{texts.noItemsKept}</Text>
  // Counts stand above the rest, and would push it down. As high as all of it, so that what is below is not drawn up either.
  if (counts.isPending)
    return (
      <div className={styles.pending}>
        <ListTable
          label={texts.plan}
          columns={columns}
          rows={undefined}
          keyOf={({ seq }) => String(seq)}
          empty={null}
        />
      </div>
    )
  return (
    <>
      <Counts run={run} filters={filters} filter={filter} />
      <Filters>
        <SearchBox
          className={styles.filter}
          label={texts.search}
          placeholder={texts.searchHint}
          text={filters.search}
          search={(search) => filter({ search })}
        />
        <Field label={texts.object} className={styles.filter}>
          <Choice
            all={texts.allObjects}
            values={ITEM_OBJECTS}
            chosen={filters.object}
            choose={(object) => filter({ object })}
            nameOf={(object) => texts.objects[object]}
          />
        </Field>
        <Field label={texts.action} className={styles.filter}>
          <Choice
            all={texts.allActions}
            values={PLAN_ACTIONS}
            chosen={filters.action}
            choose={(action) => filter({ action })}
          />
        </Field>
        <div className={styles.files}>
          <Button as="a" href={file('csv')} download onClick={saveProven}>
            {texts.exportCsv}
          </Button>
          <Button as="a" href={file('json')} download onClick={saveProven}>
            {texts.exportJson}
          </Button>
        </div>
      </Filters>
      {list.error === null ? (
        <ListTable
          label={texts.plan}
          columns={columns}
          rows={list.rows}
          keyOf={(item) => `${item.seq} ${item.objectId ?? ''} ${item.userId ?? ''} ${item.groupId ?? ''}`}
          isStale={list.isStale}
          more={list.more}
          empty={
            isFiltered ? (
              <Empty title={texts.noItemsFiltered}>
                <Button onClick={() => filter({ search: undefined, object: undefined, action: undefined })}>
                  {texts.showAllItems}
                </Button>
              </Empty>
            ) : (
              <Empty title={texts.noItems} text={texts.noItemsText} />
            )
          }
        />
      ) : (
        <Failed error={list.error} retry={list.retry} />
      )}
    </>
  )
}

interface Filters {
  readonly search?: string | undefined
  readonly object?: (typeof ITEM_OBJECTS)[number] | undefined
  readonly action?: (typeof PLAN_ACTIONS)[number] | undefined
}

/** A button for each kind of change that the plan has, with its count; pressed, it shows those alone. */
function Counts(props: { run: string; filters: Filters; filter: (changed: Filters) => void }) {
  const styles = useStyles()
  const { data } = useQuery(itemCountsQuery(props.run))
  if (data === undefined || data.items.length === 0) return null
  return (
    <div className={styles.counts}>
      {data.items.map(({ object, action, count }) => {
        const of = ITEM_OBJECTS.find((known) => known === object)
        const does = PLAN_ACTIONS.find((known) => known === action)
        if (of === undefined || does === undefined) return null
        const isChosen = props.filters.object === of && props.filters.action === does
        return (
          <ToggleButton
            key={`${object} ${action}`}
            size="small"
            checked={isChosen}
            onClick={() =>
              props.filter(isChosen ? { object: undefined, action: undefined } : { object: of, action: does })
            }
          >
            {actionInWords(of, does)}: {formatNumber(count)}
          </ToggleButton>
        )
      })}
    </div>
  )
}

/** Whoever a plan creates is there when it was applied, and not before. */
const columnsOf = (plan: PlanState): readonly Column<PlanItemLine>[] => [
  {
    id: 'who',
    header: texts.who,
    grow: 2.2,
    cell: (item) => <Who item={item} page={pageOf(item, plan)} />,
  },
  { id: 'what', header: texts.what, grow: 1.8, below: 'who', cell: (item) => <What item={item} /> },
  {
    id: 'values',
    header: texts.fromTo,
    grow: 3,
    always: true,
    cell: (item) => <OldAndNew old={item.old} new={item.new} />,
  },
  { id: 'because', header: texts.because, grow: 2, below: 'values', cell: (item) => <Because item={item} /> },
]

function Who({ item, page }: { readonly item: PlanItemLine; readonly page: PageOfItem }) {
  const styles = useStyles()
  const name = <Breakable text={item.name ?? item.objectId ?? ''} />
  return (
    <>
      {page?.kind === 'user' ? (
        <RouterLink to="/users/$user" params={{ user: page.id }}>
          {name}
        </RouterLink>
      ) : page?.kind === 'group' ? (
        <RouterLink to="/groups/$group" params={{ group: page.id }}>
          {name}
        </RouterLink>
      ) : (
        name
      )}
      {item.group === null ? null : (
        <Text block size={200} className={styles.sub}>
          {item.group}
        </Text>
      )}
    </>
  )
}

function What({ item }: { readonly item: PlanItemLine }) {
  const styles = useStyles()
  return (
    <>
      {actionInWords(item.object, item.action, kindOf(item))}
      {item.leftOut ? (
        <Text block size={200} className={styles.sub}>
          {texts.leftOut}
        </Text>
      ) : null}
    </>
  )
}

function Because({ item }: { readonly item: PlanItemLine }) {
  const styles = useStyles()
  const asked = item.objectId ?? item.name
  return (
    <>
      <Text block className={styles.sub}>
        {reasonInWords(item)}
      </Text>
      {item.object === 'group' || asked === null ? null : (
        <RouterLink to="/why" search={{ user: asked }} aria-label={texts.whyOf(item.name ?? asked)}>
          {texts.why}
        </RouterLink>
      )}
    </>
  )
}
