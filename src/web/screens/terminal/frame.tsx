// The frame of everything that the terminal page shows: large, one column, readable from where one stands.
import { makeStyles, tokens } from '@fluentui/react-components'
import { type ReactNode, useEffect, useRef } from 'react'
import type { Spoken } from '../../texts/terminal-page.ts'

const useStyles = makeStyles({
  page: {
    minHeight: '100dvh',
    boxSizing: 'border-box',
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    gap: '16px',
    padding: '16px',
    textAlign: 'center',
    fontSize: tokens.fontSizeBase500,
    lineHeight: tokens.lineHeightBase500,
    color: tokens.colorNeutralForeground1,
    backgroundColor: tokens.colorNeutralBackground2,
    '& p': { margin: 0, maxWidth: '36em' },
  },
  name: { fontSize: tokens.fontSizeBase300, color: tokens.colorNeutralForeground2 },
  title: {
    margin: 0,
    fontSize: tokens.fontSizeHero800,
    lineHeight: tokens.lineHeightHero800,
    fontWeight: tokens.fontWeightSemibold,
    overflowWrap: 'anywhere',
    ':focus': { outlineStyle: 'none' },
  },
  content: {
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    gap: '16px',
    width: '100%',
    maxWidth: '720px',
  },
})

export function TerminalFrame(props: {
  readonly spoken: Spoken
  readonly title: string
  /** Which terminal it is. */
  readonly name?: string
  readonly children?: ReactNode
}) {
  const styles = useStyles()
  const heading = useRef<HTMLHeadingElement>(null)
  // A screen reader says what is new, and the keyboard goes on from there; where a field took the focus by itself, it keeps it.
  useEffect(() => {
    const isInside = heading.current?.closest('main')?.contains(document.activeElement) === true
    if (!isInside || document.activeElement instanceof HTMLButtonElement) heading.current?.focus()
  }, [props.title])
  return (
    <main className={styles.page} lang={props.spoken.language}>
      {props.name === undefined ? null : <div className={styles.name}>{props.name}</div>}
      <h1 ref={heading} tabIndex={-1} className={styles.title}>
        {props.title}
      </h1>
      <div className={styles.content}>{props.children}</div>
    </main>
  )
}
