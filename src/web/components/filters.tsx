// The row above a list in which one says what of it is shown.
import { makeStyles } from '@fluentui/react-components'
import type { ReactNode } from 'react'

const useStyles = makeStyles({
  filters: { display: 'flex', flexWrap: 'wrap', gap: '16px', alignItems: 'end' },
})

export function Filters({ children }: { readonly children: ReactNode }) {
  const styles = useStyles()
  return (
    <div className={styles.filters} role="search">
      {children}
    </div>
  )
}
