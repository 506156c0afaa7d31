// One run: how far it is, or what became of it and why, what it changes, and deciding about it.
import { makeStyles, MessageBar, MessageBarBody, MessageBarTitle, Text } from '@fluentui/react-components'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
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
import { decisionOf, outcomeOf, runsTexts as texts } from '../../texts/runs.ts'
import { OutcomeMessage } from '../results/outcome.tsx'
import { RunProgress } from '../results/run-progress.tsx'
import { Decisions } from './decisions.tsx'
import { PlanItems } from './plan-items.tsx'
import { RunLog } from './run-log.tsx'
import { runQuery } from './run-queries.ts'

const route = getRouteApi('/inside/runs/$run')

const useStyles = makeStyles({
  reasons: { margin: 0, paddingLeft: '20px' },
  progress: { display: 'flex', flexDirection: 'column', gap: '12px', minWidth: 0 },
})

export function Run() {
  const { run } = route.useParams()
  const { data, error, refetch } = useQuery(runQuery(run))
  const [wasFollowed, setFollowed] = useState(false)
  if (data?.line.outcome === null && !wasFollowed) setFollowed(true)
  const title = texts.title(run)
  if (data === undefined) {
    return (
      <Page title={title}>{error === null ? <Loading /> : <Failed error={error} retry={() => void refetch()} />}</Page>
    )
  }
  const { line } = data
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
      {line.outcome === null ? <GoingOn run={data} /> : <Ended run={data} wasFollowed={wasFollowed} />}
    </Page>
  )
}

/** As long as nothing is known of its outcome, nothing is said of it: no changes, and no plan before it is made. */
function GoingOn({ run }: { readonly run: RunView }) {
  const { line } = run
  const hasPlan = line.planHash !== null || line.approves !== null
  return (
    <>
      <Section title={texts.progress}>
        <FocusToHeading>
          <RunProgress run={line.run} isOver={false} hidesOutcome isCancelled={run.cancelRequested} />
        </FocusToHeading>
      </Section>
      <Section title={texts.facts}>
        <Facts label={texts.facts} facts={factsOf(run)} />
      </Section>
      {hasPlan ? (
        <Section title={texts.plan}>
          <PlanItems run={run} />
        </Section>
      ) : null}
    </>
  )
}

/** What is in it goes when the run ends; the focus must not go with it. */
function FocusToHeading({ children }: { readonly children: ReactNode }) {
  const styles = useStyles()
  const part = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = part.current
    return () => {
      if (element?.contains(document.activeElement) === true) document.querySelector<HTMLElement>('main h1')?.focus()
    }
  }, [])
  return (
    <div ref={part} className={styles.progress}>
      {children}
    </div>
  )
}

function Ended({ run, wasFollowed }: { readonly run: RunView; readonly wasFollowed: boolean }) {
  const queries = useQueryClient()
  const { line } = run
  const isDone = line.outcome === 'applied'
  useEffect(() => {
    // Every list tells something else now.
    if (wasFollowed) void queries.invalidateQueries()
  }, [wasFollowed, queries])
  return (
    <>
      {wasFollowed ? (
        <div role="status">{line.outcome === 'failed' ? <Trouble run={run} /> : <OutcomeMessage line={line} />}</div>
      ) : (
        <Trouble run={run} />
      )}
      <Held run={run} />
      <Decisions run={run} />
      <Section title={isDone ? texts.changes : texts.changesWouldBe}>
        <Text>{changesInWords(line)}</Text>
        <Facts label={texts.facts} facts={factsOf(run)} />
      </Section>
      <Section title={line.leftWaiting === null ? texts.plan : texts.planOf(line.leftWaiting)}>
        <PlanItems run={run} />
      </Section>
      <Section title={texts.log}>
        <RunLog run={line.run} isOpen={wasFollowed} />
      </Section>
    </>
  )
}

function Trouble({ run: { line, document } }: { readonly run: RunView }) {
  if (line.error === null) return null
  return (
    <MessageBar intent={line.outcome === 'cancelled' ? 'warning' : 'error'} layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{line.outcome === 'cancelled' ? texts.cancelled : texts.failed}</MessageBarTitle>
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
        {line.leftWaiting === null ? null : (
          <>
            {texts.leftWaiting} <RunLink run={line.leftWaiting}>{texts.title(line.leftWaiting)}</RunLink>
          </>
        )}
        {isWaiting && line.approveBy !== null ? (
          <>
            {texts.approveBy} <Time at={line.approveBy} />.
          </>
        ) : null}
      </MessageBarBody>
    </MessageBar>
  )
}

function whyHeld({ kind, outcome, decision }: RunView['line']): string {
  if (kind === 'revert') return texts.notConfirmed
  if (outcome === 'planned') return texts.wouldBeHeld
  return decision === null ? texts.held : texts.wasHeld
}

function factsOf({ line, document }: RunView): readonly Fact[] {
  const facts: Fact[] = [
    { name: texts.trigger, value: texts.triggers[line.trigger] },
    { name: texts.mode, value: texts.modes[line.mode] },
  ]
  const add = (name: string, value: ReactNode) => facts.push({ name, value })
  if (line.endedAt !== null) add(texts.ended, <Time at={line.endedAt} />)
  const decision = decisionOf(line)
  if (decision !== undefined) {
    const by = line.decidedBy === null ? '' : texts.decidedBy(line.decidedBy, line.decidedReason ?? '')
    add(texts.decision, `${decision} ${by}`.trim())
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
