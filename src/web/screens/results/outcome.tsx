// What became of a run, and where to go from there.
import { Button, makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import { ArrowSyncRegular } from '@fluentui/react-icons/svg/arrow-sync'
import type { RunLine } from '../../../contract/run-list.ts'
import { LinkButton } from '../../components/link-button.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { formatDuration, formatCount } from '../../format.ts'
import { changesInWords } from '../../texts/changes.ts'
import { useMay } from '../../session.ts'
import { outcomeInWords, resultsTexts as texts } from '../../texts/results.ts'
import { useStart } from '../sources/starting.ts'

const INTENT = {
  applied: 'success',
  'no-change': 'success',
  planned: 'info',
  held: 'warning',
  cancelled: 'warning',
  failed: 'error',
} as const

const useStyles = makeStyles({
  all: { display: 'flex', flexDirection: 'column', gap: '12px' },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
  body: { overflowWrap: 'anywhere' },
})

/** What became of a run that has ended, in a sentence. */
export function OutcomeMessage({ line }: { readonly line: RunLine }) {
  const styles = useStyles()
  const { outcome, error, issuesTotal } = line
  if (outcome === null) return null
  return (
    <MessageBar intent={INTENT[outcome]} layout="multiline">
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{outcomeInWords({ kind: line.kind, outcome, issuesTotal })}</MessageBarTitle>
        {error === null ? changesInWords(line) : error.message}
        {line.endedAt === null
          ? ''
          : ` · ${texts.took(formatDuration(new Date(line.endedAt).getTime() - new Date(line.startedAt).getTime()))}`}
      </MessageBarBody>
    </MessageBar>
  )
}

export function Outcome({ line }: { readonly line: RunLine }) {
  const styles = useStyles()
  const mayRun = useMay('operator')
  const { start, isStarting } = useStart()
  const { outcome, issuesTotal } = line
  if (outcome === null) return null
  const link = outcome === 'held' ? texts.approve : outcome === 'planned' ? texts.toPlan : texts.toRun
  return (
    <div className={styles.all} role="status">
      <OutcomeMessage line={line} />
      {issuesTotal === null || issuesTotal === 0 ? null : (
        <Text>
          <RouterLink to="/issues" search={{ source: line.source }}>
            {texts.issues(formatCount(issuesTotal, 'thing', 'things'))}
          </RouterLink>
        </Text>
      )}
      <div className={styles.actions}>
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
      </div>
    </div>
  )
}
