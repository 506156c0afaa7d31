// What became of a run, and where to go from there.
import { Button, makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import { ArrowSyncRegular } from '@fluentui/react-icons/svg/arrow-sync'
import type { RunLine } from '../../../contract/run-list.ts'
import { LinkButton } from '../../components/link-button.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { formatDuration } from '../../format.ts'
import { changesInWords } from '../../texts/changes.ts'
import { useMay } from '../../session.ts'
import { outcomeInWords, resultsTexts as texts } from '../../texts/results.ts'
import { runsTexts } from '../../texts/runs.ts'
import { useStart } from '../sources/starting.ts'

const INTENT = {
  applied: 'success',
  'no-change': 'success',
  planned: 'info',
  held: 'warning',
  cancelled: 'warning',
  failed: 'error',
} as const

const useStyles = makeStyles({ body: { overflowWrap: 'anywhere' } })

/** What became of a run that has ended, in a sentence. */
export function OutcomeMessage(props: {
  readonly line: RunLine
  /** A plan that a synchronization would not apply by itself. */
  readonly wouldBeHeld?: boolean
  /** Leads to what could not be done; left out where the page does so elsewhere. */
  readonly leadsToIssues?: boolean
}) {
  const styles = useStyles()
  const { line, wouldBeHeld = false } = props
  const { outcome, error, issuesTotal } = line
  if (outcome === null) return null
  return (
    <MessageBar intent={wouldBeHeld ? 'warning' : INTENT[outcome]} layout="multiline">
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{outcomeInWords({ kind: line.kind, outcome, issuesTotal })}</MessageBarTitle>
        {error === null ? changesInWords(line) : error.message}
        {line.endedAt === null
          ? ''
          : ` · ${texts.took(formatDuration(new Date(line.endedAt).getTime() - new Date(line.startedAt).getTime()))}`}
        {props.leadsToIssues !== true || issuesTotal === null || issuesTotal === 0 ? null : (
          <>
            {' · '}
            <RouterLink to="/issues" search={{ source: line.source }}>
              {texts.issues(issuesTotal)}
            </RouterLink>
          </>
        )}
        {wouldBeHeld ? <Text block>{`${runsTexts.wouldBeHeld}.`}</Text> : null}
      </MessageBarBody>
    </MessageBar>
  )
}

/** Where to go from a run that has ended. */
export function NextSteps({ line }: { readonly line: RunLine }) {
  const mayRun = useMay('operator')
  const { start, isStarting } = useStart()
  const { outcome } = line
  if (outcome === null) return null
  const link = outcome === 'held' ? texts.approve : outcome === 'planned' ? texts.toPlan : texts.toRun
  return (
    <>
      <LinkButton to="/runs/$run" params={{ run: line.run }} appearance="primary">
        {link}
      </LinkButton>
      {mayRun && outcome === 'planned' && line.kind === 'plan' ? (
        <Button
          icon={<ArrowSyncRegular />}
          disabledFocusable={isStarting}
          onClick={() => start({ names: [line.source], kind: 'sync' })}
        >
          {texts.synchronizeNow}
        </Button>
      ) : null}
    </>
  )
}
