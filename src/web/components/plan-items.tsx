// Items of a plan as a table: what happens to whom, and each field before and after.
import { makeStyles, Text, tokens } from '@fluentui/react-components'
import type { PlanItemLine } from '../../contract/plan-items.ts'
import { editorTexts } from '../texts/editor.ts'
import { type Column, ListTable } from './list-table.tsx'

const texts = editorTexts.impact

const useStyles = makeStyles({
  fields: { margin: 0, display: 'flex', flexDirection: 'column', gap: '2px' },
  name: { color: tokens.colorNeutralForeground3 },
  old: { textDecorationLine: 'line-through', color: tokens.colorNeutralForeground3 },
})

export function PlanItems({ items, label }: { readonly items: readonly PlanItemLine[]; readonly label: string }) {
  return (
    <ListTable
      label={label}
      columns={COLUMNS}
      rows={items}
      keyOf={(item) => `${item.seq} ${item.userId ?? item.objectId ?? ''} ${item.group ?? ''} ${item.action}`}
      empty={null}
    />
  )
}

const COLUMNS: readonly Column<PlanItemLine>[] = [
  { id: 'who', header: texts.who, grow: 2, cell: (item) => <Who item={item} /> },
  { id: 'what', header: texts.what, grow: 1, always: true, cell: (item) => `${item.action} ${item.object}` },
  { id: 'values', header: texts.new, grow: 3, always: true, cell: (item) => <Values item={item} /> },
]

function Who({ item }: { readonly item: PlanItemLine }) {
  const styles = useStyles()
  return (
    <>
      <Text weight="semibold">{item.name ?? item.objectId}</Text>
      {item.group === null ? null : (
        <Text block size={200} className={styles.name}>
          {item.group}
        </Text>
      )}
    </>
  )
}

function Values({ item }: { readonly item: PlanItemLine }) {
  const styles = useStyles()
  const names = [...new Set([...Object.keys(item.old ?? {}), ...Object.keys(item.new ?? {})])]
  if (names.length === 0) return <Text>{item.reason}</Text>
  return (
    <dl className={styles.fields}>
      {names.map((name) => (
        <div key={name}>
          <Text as="span" size={200} className={styles.name}>
            {name}:{' '}
          </Text>
          {wordsOf(item.old?.[name]) === '' ? null : <span className={styles.old}>{wordsOf(item.old?.[name])} </span>}
          <span>{wordsOf(item.new?.[name])}</span>
        </div>
      ))}
    </dl>
  )
}

function wordsOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
