// Names and values beside each other, one pair under the other on narrow windows.
import { makeStyles, tokens } from '@fluentui/react-components'
import type { ReactNode } from 'react'

const useStyles = makeStyles({
  list: {
    display: 'grid',
    gridTemplateColumns: 'minmax(140px, max-content) 1fr',
    gap: '8px 24px',
    margin: 0,
    '@media (max-width: 640px)': { gridTemplateColumns: '1fr', gap: '0' },
  },
  name: { color: tokens.colorNeutralForeground2 },
  value: {
    margin: 0,
    overflowWrap: 'anywhere',
    whiteSpace: 'pre-wrap',
    '@media (max-width: 640px)': { marginBottom: '8px' },
  },
})

export interface Fact {
  readonly name: string
  readonly value: ReactNode
}

export function Facts({ label, facts }: { readonly label: string; readonly facts: readonly Fact[] }) {
  const styles = useStyles()
  return (
    <dl className={styles.list} aria-label={label}>
      {facts.map(({ name, value }) => (
        <FactPair key={name} name={name} value={value} />
      ))}
    </dl>
  )
}

function FactPair({ name, value }: Fact) {
  const styles = useStyles()
  return (
    <>
      <dt className={styles.name}>{name}</dt>
      <dd className={styles.value}>{value}</dd>
    </>
  )
}
