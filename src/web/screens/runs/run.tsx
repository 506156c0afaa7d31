// One run: what became of it and why, what it changes, and deciding about it.
import { makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { RunView } from '../../../contract/api/runs.ts'
import { type Fact, Facts } from '../../components/facts.tsx'
import { Page, Section } from '../../components/page.tsx'
import { RouterLink } from '../../components/router-link.tsx'
import { moodOf, RunLink } from '../../components/run-link.tsx'
import { Failed, Loading } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Time } from '../../components/time.tsx'
import { formatNumber } from '../../format.ts'
import { changesInWords } from '../../texts/changes.ts'
import { outcomeOf, runsTexts as texts } from '../../texts/runs.ts'
import { Decisions } from './decisions.tsx'
import { PlanItems } from './plan-items.tsx'
import { RunLog } from './run-log.tsx'
import { runQuery } from './run-queries.ts'

const route = getRouteApi('/inside/runs/$run')

const useStyles = makeStyles({ reasons: { margin: 0, paddingLeft: '20px' } })

export function Run() {
  const { run } = route.useParams()
  const { data, error, refetch } = useQuery(runQuery(run))
  const title = texts.title(run)
  if (data === undefined) {
    return (
      <Page title={title}>{error === null ? <Loading /> : <Failed error={error} retry={() => void refetch()} />}</Page>
    )
  }
  const { line } = data
  const isDone = line.outcome === 'applied'
  return (
    <Page
      title={title}
      isWide
      aside={<Status mood={moodOf(line)}>{outcomeOf(line)}</Status>}
      intro={
        <>
          {texts.kinds[line.kind]} {texts.of(line.source)} · <Time at={line.startedAt} />
        </>
      }
    >
      <Trouble run={data} />
      <Held run={data} />
      <Decisions run={data} />
      <Section title={isDone ? texts.changes : texts.changesWouldBe}>
        <Text>{changesInWords(line)}</Text>
        <Facts label={texts.facts} facts={factsOf(data)} />
      </Section>
      <Section title={texts.plan}>
        <PlanItems run={data} />
      </Section>
      <Section title={texts.log}>
        <RunLog run={line.run} isRunning={line.outcome === null} />
      </Section>
    </Page>
  )
}

function Trouble({ run: { line, document } }: { readonly run: RunView }) {
  if (line.error === null) return null
  return (
    <MessageBar intent="error" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{texts.failed}</MessageBarTitle>
        {line.error.message}
        {document === null ? ` ${texts.interrupted}` : null}
      </MessageBarBody>
    </MessageBar>
  )
}

function Held({ run: { line, heldInWords } }: { readonly run: RunView }) {
  const styles = useStyles()
  if (heldInWords.length === 0) return null
  const isWaiting = line.outcome === 'held' && line.decision === null
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{whyHeld(line)}</MessageBarTitle>
        <ul className={styles.reasons}>
          {heldInWords.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
        {isWaiting && line.approveBy !== null ? (
          <>
            {texts.approveBy} <Time at={line.approveBy} />.
          </>
        ) : null}
      </MessageBarBody>
    </MessageBar>
  )
}

function whyHeld({ kind, outcome }: RunView['line']): string {
  if (kind === 'revert') return texts.notConfirmed
  return outcome === 'planned' ? texts.wouldBeHeld : texts.held
}

function factsOf({ line, document }: RunView): readonly Fact[] {
  const facts: Fact[] = [
    { name: texts.trigger, value: texts.triggers[line.trigger] },
    { name: texts.mode, value: texts.modes[line.mode] },
  ]
  const add = (name: string, value: ReactNode) => facts.push({ name, value })
  if (line.endedAt !== null) add(texts.ended, <Time at={line.endedAt} />)
  if (line.decision !== null) {
    const by = line.decidedBy === null ? '' : texts.decidedBy(line.decidedBy, line.decidedReason ?? '')
    add(texts.decision, `${texts.decisions[line.decision]} ${by}`.trim())
  }
  if (line.approves !== null) add(texts.approves, <RunLink run={line.approves}>{texts.title(line.approves)}</RunLink>)
  if (line.reverts !== null) add(texts.reverts, <RunLink run={line.reverts}>{texts.title(line.reverts)}</RunLink>)
  if (line.issuesTotal !== null && line.issuesTotal > 0) {
    add(
      texts.issuesFound,
      <RouterLink to="/issues" search={{ source: line.source }}>
        {formatNumber(line.issuesTotal)}
      </RouterLink>,
    )
  }
  if (document !== null && document.graph.requests > 0) {
    const { requests, retries, throttled } = document.graph
    add(texts.graph, texts.requests(formatNumber(requests), formatNumber(retries), formatNumber(throttled)))
  }
  if (line.planHash !== null) add(texts.planHash, <code>{line.planHash}</code>)
  return facts
}
