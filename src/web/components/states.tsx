// What stands where there is nothing to show: not yet, nothing at all, or a failure. Each says what to do next.
import {
  Body1,
  Button,
  makeStyles,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  Spinner,
  Subtitle2,
  tokens,
} from '@fluentui/react-components'
import type { ReactNode } from 'react'
import { ApiError } from '../api.ts'
import { LinkButton } from './link-button.tsx'
import { shell } from '../texts/shell.ts'
import { sentenceOf } from './toasts.tsx'

const useStyles = makeStyles({
  empty: {
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    textAlign: 'center',
    gap: '8px',
    padding: '48px 16px',
    color: tokens.colorNeutralForeground2,
  },
  icon: { fontSize: '40px', lineHeight: 1, color: tokens.colorNeutralForeground3 },
  text: { maxWidth: '60ch', textAlign: 'center' },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '8px', marginTop: '8px', justifyContent: 'center' },
  loading: { padding: '48px 16px' },
  body: { whiteSpace: 'pre-line', overflowWrap: 'anywhere' },
})

/** Nothing there: why, and what to do about it. */
export function Empty(props: {
  readonly icon?: ReactNode
  readonly title: string
  readonly text?: ReactNode
  readonly children?: ReactNode
}) {
  const styles = useStyles()
  return (
    <div className={styles.empty}>
      {props.icon === undefined ? null : (
        <span className={styles.icon} aria-hidden>
          {props.icon}
        </span>
      )}
      <Subtitle2 as="h2">{props.title}</Subtitle2>
      {props.text === undefined ? null : <Body1 className={styles.text}>{props.text}</Body1>}
      {props.children === undefined ? null : <div className={styles.actions}>{props.children}</div>}
    </div>
  )
}

export function Failed(props: { readonly title?: string; readonly error: unknown; readonly retry?: () => void }) {
  const styles = useStyles()
  // Asked again it is not there either.
  if (props.retry !== undefined && props.error instanceof ApiError && props.error.status === 404) return <Missing />
  const requestId = props.error instanceof ApiError ? props.error.problem.requestId : undefined
  return (
    <MessageBar intent="error" layout="multiline" role="alert">
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{props.title ?? shell.failed}</MessageBarTitle>
        {sentenceOf(props.error)}
        {requestId === undefined ? '' : ` (${shell.requestId(requestId)})`}
      </MessageBarBody>
      {props.retry === undefined ? null : (
        <MessageBarActions>
          <Button onClick={props.retry}>{shell.tryAgain}</Button>
        </MessageBarActions>
      )}
    </MessageBar>
  )
}

/** What the address names is not there. */
export function Missing() {
  return (
    <Empty title={shell.notFound} text={shell.notFoundRemedy}>
      <LinkButton to="/" appearance="primary">
        {shell.toOverview}
      </LinkButton>
    </Empty>
  )
}

/** Appears after a moment only, so that fast answers do not flicker. */
export function Loading({ label = shell.loading }: { readonly label?: string }) {
  const styles = useStyles()
  return <Spinner className={styles.loading} label={label} aria-label={label} delay={300} />
}
