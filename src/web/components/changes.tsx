// Settings that were changed, as lists of them show it: each with its place, old → new.
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components'
import type { ReactNode } from 'react'
import { shell } from '../texts/shell.ts'

const useStyles = makeStyles({
  sub: { color: tokens.colorNeutralForeground2 },
  details: { listStyleType: 'none', margin: 0, padding: 0, overflowWrap: 'anywhere' },
  // Belongs to the name before it.
  parts: { paddingLeft: '12px' },
  whole: {
    whiteSpace: 'pre-wrap',
    margin: 0,
    fontFamily: tokens.fontFamilyMonospace,
    fontSize: tokens.fontSizeBase200,
  },
})

/** Settings that were changed: each with its place, old → new. */
export function Changes({ changes }: { readonly changes: readonly unknown[] }) {
  const styles = useStyles()
  return (
    <ul className={styles.details}>
      {changes.map((change, place) => {
        const { at, old, new: changed, ...rest } = typeof change === 'object' && change !== null ? fieldsOf(change) : {}
        return (
          // An entry is never changed, so places are as good as names.
          <li key={place}>
            {typeof at === 'string' ? (
              <>
                <span className={styles.sub}>{at}: </span>
                {old === undefined ? null : (
                  <>
                    <Value value={old} /> →{' '}
                  </>
                )}
                <Value value={changed ?? (Object.keys(rest).length === 0 ? null : rest)} />
              </>
            ) : (
              <Value value={change} />
            )}
          </li>
        )
      })}
    </ul>
  )
}

function fieldsOf(value: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(value))
}

/** Longer ones are folded, so that the list stays a list. */
const LONGEST = 120
const MOST_PARTS = 8

/** As a person reads it: what has parts is a list of their names and values, and folded where there are many. */
export function Value({ value }: { readonly value: unknown }) {
  const styles = useStyles()
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object' || one === null))
    return value.map(plain).join(', ') || '–'
  if (typeof value !== 'object' || value === null) {
    const text = plain(value)
    return text.length <= LONGEST ? text : <Folded>{<pre className={styles.whole}>{text}</pre>}</Folded>
  }
  const parts = <Parts value={value} />
  return countOf(value) <= MOST_PARTS ? parts : <Folded>{parts}</Folded>
}

function Folded({ children }: { readonly children: ReactNode }) {
  return (
    <details>
      <summary>{shell.longValue}</summary>
      {children}
    </details>
  )
}

function Parts({ value }: { readonly value: object }) {
  const styles = useStyles()
  if (Array.isArray(value)) return <Changes changes={value} />
  const { old, new: changed, ...rest } = fieldsOf(value)
  if (old !== undefined && changed !== undefined && Object.keys(rest).length === 0)
    return (
      <>
        <Value value={old} /> → <Value value={changed} />
      </>
    )
  return (
    <ul className={mergeClasses(styles.details, styles.parts)}>
      {Object.entries(value).map(([name, part]: [string, unknown]) => (
        <li key={name}>
          <span className={styles.sub}>{name}: </span>
          <Value value={part} />
        </li>
      ))}
    </ul>
  )
}

/** Values that stand anywhere in it. */
function countOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  let count = 0
  for (const part of Object.values(value)) count += countOf(part)
  return count
}

function plain(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
