// Items of a plan as a table: what happens to whom, and each field before and after.
import { makeStyles, Text, tokens } from '@fluentui/react-components'
import type { PlanItemLine } from '../../contract/plan-items.ts'
import { editorTexts } from '../texts/editor.ts'
import { actionInWords, reasonInWords } from '../texts/reasons.ts'
import { Breakable } from './breakable.tsx'
import { type Column, ListTable } from './list-table.tsx'
import { kindOf, OldAndNew } from './values.tsx'

const texts = editorTexts.impact

const useStyles = makeStyles({
  name: { color: tokens.colorNeutralForeground3 },
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
  {
    id: 'what',
    header: texts.what,
    grow: 1,
    below: 'who',
    cell: (item) => actionInWords(item.object, item.action, kindOf(item)),
  },
  {
    id: 'values',
    header: texts.change,
    grow: 3,
    always: true,
    cell: (item) =>
      item.old === null && item.new === null ? reasonInWords(item) : <OldAndNew old={item.old} new={item.new} />,
  },
]

function Who({ item }: { readonly item: PlanItemLine }) {
  const styles = useStyles()
  return (
    <>
      <Text weight="semibold">
        <Breakable text={item.name ?? item.objectId ?? ''} />
      </Text>
      {item.group === null ? null : (
        <Text block size={200} className={styles.name}>
          {item.group}
        </Text>
      )}
    </>
  )
}
