// A page: its title in the window and as the heading, which gets the focus when one came here by a link, so that a screen reader
// says where one is and the keyboard goes on from there.
import { makeStyles, mergeClasses, Subtitle1, Text, tokens } from '@fluentui/react-components'
import { type ReactNode, useEffect, useRef } from 'react'
import { Breakable } from './breakable.tsx'
import { shell } from '../texts/shell.ts'

const useStyles = makeStyles({
  page: {
    display: 'flex',
    flexDirection: 'column',
    gap: '16px',
    padding: '20px 32px 48px',
    maxWidth: '1440px',
    width: '100%',
    boxSizing: 'border-box',
    '@media (max-width: 640px)': { padding: '16px 16px 48px' },
  },
  wide: { maxWidth: 'none' },
  head: { display: 'flex', flexWrap: 'wrap', alignItems: 'baseline', gap: '4px 16px' },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeHero700,
    lineHeight: tokens.lineHeightHero700,
    fontWeight: tokens.fontWeightSemibold,
    overflowWrap: 'anywhere',
    ':focus': { outlineStyle: 'none' },
  },
  intro: { color: tokens.colorNeutralForeground2, maxWidth: '75ch' },
  section: { display: 'flex', flexDirection: 'column', gap: '12px', marginTop: '8px' },
})

// The first page is where the browser itself puts the focus.
let isFirst = true

/** Gives the window this title, and the heading the focus, unless a field of the page has it already. */
export function usePageTitle(title: string) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${shell.product}`
  }, [title])
  useEffect(() => {
    const page = heading.current?.closest('main')
    const { activeElement } = document
    const isTaken = activeElement !== page && page?.contains(activeElement) === true
    if (!isFirst && !isTaken) heading.current?.focus()
    isFirst = false
  }, [])
  return heading
}

export function Page(props: {
  readonly title: string
  /** Beside the title: a badge, what it belongs to. */
  readonly aside?: ReactNode
  readonly intro?: ReactNode
  readonly isWide?: boolean
  readonly children: ReactNode
}) {
  const styles = useStyles()
  const heading = usePageTitle(props.title)
  return (
    <div className={mergeClasses(styles.page, props.isWide === true && styles.wide)}>
      <div>
        <div className={styles.head}>
          <h1 ref={heading} tabIndex={-1} className={styles.title}>
            <Breakable text={props.title} />
          </h1>
          {props.aside}
        </div>
        {props.intro === undefined ? null : <Text className={styles.intro}>{props.intro}</Text>}
      </div>
      {props.children}
    </div>
  )
}

export function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const styles = useStyles()
  return (
    <section className={styles.section} aria-label={title}>
      <Subtitle1 as="h2">{title}</Subtitle1>
      {children}
    </section>
  )
}
