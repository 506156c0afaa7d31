// A table whose rows come page by page from the server. The first column names the row and leads to it; columns that are not `always`
// give way on narrow windows. Keeps its height while it loads, so that nothing jumps.
import {
  Button,
  Checkbox,
  makeStyles,
  mergeClasses,
  Skeleton,
  SkeletonItem,
  Spinner,
  Table,
  TableBody,
  TableCell,
  TableHeader,
  TableHeaderCell,
  TableRow,
  Text,
  tokens,
} from '@fluentui/react-components'
import { type ReactNode, useEffect, useRef } from 'react'
import { Failed } from './states.tsx'
import { useNarrow } from './use-narrow.ts'
import { formatNumber } from '../format.ts'
import { shell } from '../texts/shell.ts'

export interface Column<Row> {
  readonly id: string
  readonly header: string
  readonly cell: (row: Row) => ReactNode
  /** Share of the width, 1 unless told. */
  readonly grow?: number
  /** Stays on narrow windows. The first column always does. */
  readonly always?: boolean
  /** On narrow windows it stands small below the column of this id, instead of giving way. */
  readonly below?: string
  /** Its header stands before it there: the value alone does not tell what it is. */
  readonly isNamedBelow?: boolean
}

export interface Selection {
  readonly chosen: ReadonlySet<string>
  /** What the box of a row is called, e.g. `Choose contoso-staff`. */
  readonly nameOf: (key: string) => string
  readonly allName: string
  choose(keys: ReadonlySet<string>): void
}

interface Props<Row> {
  /** What is listed, for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  /** Undefined while the first page is on its way. */
  readonly rows: readonly Row[] | undefined
  readonly keyOf: (row: Row) => string
  /** Shown instead of a table without rows. */
  readonly empty: ReactNode
  readonly selection?: Selection
  /** Low rows, for a list of facts. */
  readonly isCompact?: boolean
  /** Rows of an answer that is being replaced. */
  readonly isStale?: boolean
  /** There are more; left out where everything is listed. */
  readonly more?: MoreRows
}

interface MoreRows {
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly load: () => void
  /** Told below the rows, which stay. */
  readonly error: Error | null
  readonly retry: () => void
}

/** Width of a column of boxes, pixels. */
const BOX = 44

const useStyles = makeStyles({
  scroll: { overflowX: 'auto' },
  table: { tableLayout: 'fixed', minWidth: '100%' },
  head: { fontWeight: tokens.fontWeightSemibold },
  stale: { opacity: 0.6 },
  box: { width: `${BOX}px` },
  cell: {
    overflowWrap: 'anywhere',
    paddingTop: '8px',
    paddingBottom: '8px',
    verticalAlign: 'top',
    height: '44px',
    boxSizing: 'border-box',
  },
  below: {
    color: tokens.colorNeutralForeground2,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
  compact: { paddingTop: '6px', paddingBottom: '6px', height: '32px' },
  foot: {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: '16px',
    minHeight: '40px',
    paddingTop: '8px',
    color: tokens.colorNeutralForeground2,
  },
  skeleton: { padding: '12px 8px' },
})

export function ListTable<Row>(props: Props<Row>) {
  const styles = useStyles()
  const { rows, selection } = props
  const isNarrow = useNarrow()
  const columns = isNarrow ? props.columns.filter(isAlways) : props.columns
  const below = (id: string) => (isNarrow ? props.columns.filter((column) => column.below === id) : [])
  if (rows?.length === 0) return props.empty
  const total = columns.reduce((sum, column) => sum + (column.grow ?? 1), 0)
  const boxes = selection === undefined ? 0 : BOX
  return (
    <div>
      <div className={styles.scroll}>
        <Table
          className={mergeClasses(styles.table, props.isStale === true && styles.stale)}
          aria-label={props.label}
          aria-busy={rows === undefined || props.isStale === true}
        >
          <TableHeader>
            <TableRow>
              {selection === undefined || rows === undefined ? null : (
                <AllBox {...{ selection, rows, keyOf: props.keyOf }} />
              )}
              {columns.map((column) => (
                <TableHeaderCell
                  key={column.id}
                  className={styles.head}
                  style={{ width: `calc((100% - ${boxes}px) * ${(column.grow ?? 1) / total})` }}
                >
                  {column.header}
                </TableHeaderCell>
              ))}
            </TableRow>
          </TableHeader>
          {rows === undefined ? null : (
            <TableBody>
              {rows.map((row) => {
                const key = props.keyOf(row)
                return (
                  <TableRow
                    key={key}
                    {...(selection === undefined ? {} : { 'aria-selected': selection.chosen.has(key) })}
                  >
                    {selection === undefined ? null : <RowBox selection={selection} of={key} />}
                    {columns.map((column) => (
                      <TableCell
                        key={column.id}
                        className={mergeClasses(styles.cell, props.isCompact === true && styles.compact)}
                      >
                        {column.cell(row)}
                        {below(column.id).map((other) => (
                          <Below key={other.id} column={other} row={row} />
                        ))}
                      </TableCell>
                    ))}
                  </TableRow>
                )
              })}
            </TableBody>
          )}
        </Table>
      </div>
      {rows === undefined ? <Rows /> : null}
      {rows === undefined || props.more === undefined ? null : <More shown={rows.length} {...props.more} />}
    </div>
  )
}

/** Where there is nothing, its name is not told either. */
function Below<Row>({ column, row }: { readonly column: Column<Row>; readonly row: Row }) {
  const styles = useStyles()
  const cell = column.cell(row)
  if (cell === null || cell === '') return null
  return (
    <div className={styles.below}>
      {column.isNamedBelow === true ? `${column.header}: ` : null}
      {cell}
    </div>
  )
}

function isAlways<Row>(column: Column<Row>, place: number): boolean {
  return column.below === undefined && (place === 0 || column.always === true)
}

function Rows() {
  const styles = useStyles()
  return (
    <Skeleton aria-label={shell.loading}>
      {[0, 1, 2, 3, 4, 5].map((row) => (
        <div key={row} className={styles.skeleton}>
          <SkeletonItem size={20} />
        </div>
      ))}
    </Skeleton>
  )
}

function AllBox<Row>(props: { selection: Selection; rows: readonly Row[]; keyOf: (row: Row) => string }) {
  const styles = useStyles()
  const { selection, rows, keyOf } = props
  const keys = rows.map(keyOf)
  const count = keys.filter((key) => selection.chosen.has(key)).length
  return (
    <TableHeaderCell className={styles.box}>
      <Checkbox
        aria-label={selection.allName}
        checked={count === 0 ? false : count === keys.length ? true : 'mixed'}
        onChange={() => selection.choose(new Set(count === keys.length ? [] : keys))}
      />
    </TableHeaderCell>
  )
}

function RowBox({ selection, of }: { readonly selection: Selection; readonly of: string }) {
  const styles = useStyles()
  return (
    <TableCell className={styles.box}>
      <Checkbox
        aria-label={selection.nameOf(of)}
        checked={selection.chosen.has(of)}
        onChange={() => {
          const next = new Set(selection.chosen)
          if (!next.delete(of)) next.add(of)
          selection.choose(next)
        }}
      />
    </TableCell>
  )
}

/** Loads the next page when it comes into sight; the button does the same for the keyboard. */
function More(props: MoreRows & { readonly shown: number }) {
  const styles = useStyles()
  const place = useRef<HTMLDivElement>(null)
  const { hasMore, isLoading, load, error } = props
  const isFailed = error !== null
  useEffect(() => {
    const element = place.current
    // What failed is not asked for again and again by its place being in sight.
    if (element === null || !hasMore || isLoading || isFailed) return undefined
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) load()
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [hasMore, isLoading, isFailed, load])
  return (
    <div className={styles.foot} ref={place}>
      <Text role="status">{shell.shown(formatNumber(props.shown))}</Text>
      {isFailed && !isLoading ? <Failed title={shell.restFailed} error={error} retry={props.retry} /> : null}
      {hasMore && !isFailed ? (
        <Button onClick={load} disabledFocusable={isLoading}>
          {shell.showMore}
        </Button>
      ) : null}
      {isLoading ? <Spinner size="tiny" delay={300} aria-label={shell.loading} /> : null}
    </div>
  )
}
