// What a change of a plan or of the history changes: each field with its old and its new value.
import { makeStyles, tokens } from '@fluentui/react-components'
import { Breakable } from './breakable.tsx'
import { compareFields } from './field-order.ts'
import { changeTexts } from '../texts/changes.ts'
import { actionInWords } from '../texts/reasons.ts'

type Values = Readonly<Record<string, unknown>> | null

const useStyles = makeStyles({
  list: { listStyleType: 'none', margin: 0, padding: 0 },
  field: { color: tokens.colorNeutralForeground2 },
  old: { textDecorationLine: 'line-through', color: tokens.colorNeutralForeground3 },
  new: { textDecorationLine: 'none' },
})

/** Digests and ids, and what the line says beside the change. */
const FOR_PROGRAMS = new Set([
  // In plans that were made before it was left out of them: the personal number tells it.
  'canonicalNumber',
  'lookup',
  'sealed',
  'digest',
  'kind',
  'origin',
  'group',
  'groupObjectId',
  'user',
  'userObjectId',
])

/** Of a card or PIN, which of the two. */
export function kindOf({ old, new: changed }: { readonly old: Values; readonly new: Values }): unknown {
  return (changed ?? old)?.['kind']
}

/** Of a membership, the group's name. */
export function groupOf({ old, new: changed }: { readonly old: Values; readonly new: Values }): string | undefined {
  const group = (changed ?? old)?.['group']
  return typeof group === 'string' ? group : undefined
}

/** `Add to group Sales`, `Remove card`, `Update user`: what is done, and to which group. */
export function changeInWords(
  change: { readonly object: string; readonly action: string } & Parameters<typeof kindOf>[0],
): string {
  const what = actionInWords(change.object, change.action, kindOf(change))
  const group = groupOf(change)
  return group === undefined ? what : `${what} ${group}`
}

/** `department: Sales → Marketing`, a line each. */
export function OldAndNew({ old, new: changed }: { readonly old: Values; readonly new: Values }) {
  const styles = useStyles()
  const all = [...new Set([...Object.keys(old ?? {}), ...Object.keys(changed ?? {})])]
  const fields = all
    .filter((field) => !FOR_PROGRAMS.has(field) && !isSame(old?.[field], changed?.[field]))
    // The path of a group says it already.
    .filter((field) => field !== 'under' || !all.includes('path'))
    .toSorted(compareFields)
  if (fields.length === 0) return null
  return (
    <ul className={styles.list}>
      {fields.map((field) => (
        <li key={field}>
          <span className={styles.field}>{changeTexts.fieldName(field)}: </span>
          <OldValue value={old?.[field]} />
          {isEmpty(changed?.[field]) ? (
            <span>{isEmpty(old?.[field]) ? changeTexts.empty : ` → ${changeTexts.empty}`}</span>
          ) : (
            <ins className={styles.new}>
              {isEmpty(old?.[field]) ? '' : ' → '}
              <Breakable text={valueInWords(changed?.[field])} />
            </ins>
          )}
        </li>
      ))}
    </ul>
  )
}

function OldValue({ value }: { readonly value: unknown }) {
  const styles = useStyles()
  return isEmpty(value) ? null : (
    <del className={styles.old}>
      <Breakable text={valueInWords(value)} />
    </del>
  )
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null)
}

/** Lists with commas, groups of values with their names. */
function valueInWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueInWords).join(', ')
  if (typeof value === 'boolean') return value ? changeTexts.yes : changeTexts.no
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, inner]) => `${changeTexts.fieldName(name)} ${valueInWords(inner)}`)
      .join(', ')
  }
  return String(value)
}
