// What needs attention, the worst first, each with what to do; or that all is well.
import {
  Button,
  makeStyles,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
} from '@fluentui/react-components'
import { useRouter } from '@tanstack/react-router'
import type { Overview } from '../../../contract/api/installation.ts'
import { overviewTexts as texts } from '../../texts/overview.ts'

const useStyles = makeStyles({ list: { display: 'flex', flexDirection: 'column', gap: '8px' } })

export function Concerns({ concerns }: { readonly concerns: Overview['concerns'] }) {
  const styles = useStyles()
  const router = useRouter()
  if (concerns.length === 0) {
    return (
      <MessageBar intent="success" layout="multiline">
        <MessageBarBody>
          <MessageBarTitle>{texts.well}</MessageBarTitle>
          {texts.wellText}
        </MessageBarBody>
      </MessageBar>
    )
  }
  return (
    <section className={styles.list} aria-label={texts.concerns}>
      {concerns.map(({ code, level, message, remedy, at }) => (
        <MessageBar key={`${code} ${at} ${message}`} intent={level} layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>{message}</MessageBarTitle>
            {remedy}
          </MessageBarBody>
          {at === null ? null : (
            <MessageBarActions>
              <Button onClick={() => router.history.push(at)}>{texts.open}</Button>
            </MessageBarActions>
          )}
        </MessageBar>
      ))}
    </section>
  )
}
