// The frame of the pages before one is signed in.
import { Card, makeStyles, tokens } from '@fluentui/react-components'
import type { ReactNode } from 'react'
import { usePageTitle } from '../../components/page.tsx'
import { shell } from '../../texts/shell.ts'

const useStyles = makeStyles({
  place: {
    minHeight: '100dvh',
    display: 'grid',
    gridTemplateColumns: 'minmax(0, 440px)',
    justifyContent: 'center',
    alignContent: 'center',
    padding: '16px',
    boxSizing: 'border-box',
    backgroundColor: tokens.colorNeutralBackground3,
  },
  card: {
    padding: '32px',
    boxSizing: 'border-box',
    gap: '16px',
    '@media (max-width: 480px)': { padding: '24px 16px' },
  },
  product: { display: 'flex', alignItems: 'center', gap: '8px', fontWeight: tokens.fontWeightSemibold },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeHero700,
    lineHeight: tokens.lineHeightHero700,
    fontWeight: tokens.fontWeightSemibold,
    ':focus': { outlineStyle: 'none' },
  },
})

export function SignInCard({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const styles = useStyles()
  const heading = usePageTitle(title)
  return (
    <main className={styles.place}>
      <Card className={styles.card}>
        <div className={styles.product}>
          <img src="/icon.svg" alt="" width={24} height={24} />
          {shell.product}
        </div>
        <h1 ref={heading} tabIndex={-1} className={styles.title}>
          {title}
        </h1>
        {children}
      </Card>
    </main>
  )
}
