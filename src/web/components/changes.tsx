// Settings that were changed, as lists of them show it: each with its place, old → new.
import { makeStyles, tokens } from '@fluentui/react-components'
import { shell } from '../texts/shell.ts'

const useStyles = makeStyles({
  sub: { color: tokens.colorNeutralForeground2 },
  details: { listStyleType: 'none', margin: 0, padding: 0, overflowWrap: 'anywhere' },
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

export function Value({ value }: { readonly value: unknown }) {
  const styles = useStyles()
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ') || '–'
  if (text.length <= LONGEST) return text
  return (
    <details>
      <summary>{shell.longValue}</summary>
      <pre className={styles.whole}>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre>
    </details>
  )
}
