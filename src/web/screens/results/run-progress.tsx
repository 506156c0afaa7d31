// A run while it goes on, and its outcome when it has ended.
import {
  Button,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  MessageBarTitle,
  ProgressBar,
  Text,
  tokens,
} from '@fluentui/react-components'
import { SaveRegular } from '@fluentui/react-icons/svg/save'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { API } from '../../../contract/api/api.ts'
import { addressOf, call } from '../../api.ts'
import { useToasts } from '../../components/toasts.tsx'
import { formatClock, formatCount, formatDuration, formatNumber } from '../../format.ts'
import { useMay } from '../../session.ts'
import { resultsTexts as texts } from '../../texts/results.ts'
import type { RunLine } from '../../../contract/run-list.ts'
import { logLineInWords } from '../../../contract/run-log-words.ts'
import { runQuery } from '../runs/run-queries.ts'
import { NextSteps, OutcomeMessage } from './outcome.tsx'
import { isOver, paceOf, type Phase, type RunFeed, useRunFeed } from './run-feed.ts'

const useStyles = makeStyles({
  phases: {
    listStyleType: 'none',
    margin: 0,
    padding: 0,
    display: 'flex',
    flexDirection: 'column',
    gap: '12px',
    // Five phases, which is what most runs have: they come one after the other, and would push the log away from who reads it.
    minHeight: '188px',
  },
  // A sentence, what was changed, and for how long: it is known at the end, and would push away what somebody reads or is about to press.
  outcome: { minHeight: '60px', '@media (max-width: 640px)': { minHeight: '170px' } },
  head: { display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', gap: '0 16px', marginBottom: '4px' },
  figures: { color: tokens.colorNeutralForeground2, fontVariantNumeric: 'tabular-nums' },
  actions: { display: 'flex', flexWrap: 'wrap', gap: '8px' },
  // What comes next takes a second line on a phone.
  nextActions: { '@media (max-width: 640px)': { minHeight: '72px', alignContent: 'flex-start' } },
  log: {
    height: '220px',
    overflowY: 'auto',
    margin: 0,
    padding: '8px 12px',
    borderRadius: tokens.borderRadiusMedium,
    backgroundColor: tokens.colorNeutralBackground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase300,
    overflowWrap: 'anywhere',
  },
  at: { fontVariantNumeric: 'tabular-nums', color: tokens.colorNeutralForeground2, marginRight: '4px' },
  warn: { color: tokens.colorStatusWarningForeground1 },
  error: { color: tokens.colorStatusDangerForeground1 },
})

export function RunProgress(props: {
  readonly run: string
  /** What was asked for has ended with this run: no other one goes on with it. */
  readonly isOver: boolean
  /** Left out where it stands above its own outcome: on the run's page. */
  readonly hidesOutcome?: boolean
  /** Somebody has cancelled it, here or elsewhere. */
  readonly isCancelled?: boolean
}) {
  const styles = useStyles()
  const queries = useQueryClient()
  const feed = useRunFeed(props.run)
  const isEnded = feed.ended !== undefined
  // One that failed may have been interrupted only: the job tells.
  const isSettled = feed.ended?.outcome !== 'failed' || props.isOver
  useEffect(() => {
    if (isEnded) void queries.invalidateQueries()
  }, [isEnded, queries])
  return (
    <>
      {props.hidesOutcome === true ? (
        <Connection feed={feed} />
      ) : (
        <div className={styles.outcome} role="status">
          {feed.ended === undefined || !isSettled ? <GoingOn feed={feed} /> : <Ended line={feed.ended} />}
        </div>
      )}
      {/* Above what grows, so that it stays where it is. */}
      <div className={mergeClasses(styles.actions, props.hidesOutcome !== true && styles.nextActions)}>
        <Button as="a" href={addressOf(API.saveRunLog, { params: { run: props.run } })} download icon={<SaveRegular />}>
          {texts.saveLog}
        </Button>
        {isEnded ? null : <Cancel run={props.run} isCancelled={props.isCancelled === true} />}
        {feed.ended === undefined || !isSettled || props.hidesOutcome === true ? null : <NextSteps line={feed.ended} />}
      </div>
      <ul className={styles.phases} aria-label={texts.progress}>
        {feed.phases.map((phase, place) => (
          <PhaseBar key={phase.name} phase={phase} isOver={isEnded || isOver(feed.phases, place)} />
        ))}
      </ul>
      <Log feed={feed} />
    </>
  )
}

function Connection({ feed: { connection, ended } }: { readonly feed: RunFeed }) {
  if (connection === 'open' || ended !== undefined) return null
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>{texts[connection]}</MessageBarBody>
    </MessageBar>
  )
}

function GoingOn({ feed }: { readonly feed: RunFeed }) {
  if (feed.connection !== 'open' && feed.ended === undefined) return <Connection feed={feed} />
  return (
    <MessageBar layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>{texts.going}</MessageBarTitle>
        {texts.goingText}
      </MessageBarBody>
    </MessageBar>
  )
}

/** Of a preview only its document tells whether the plan would be held. Until that is here nothing is said that may be half of it. */
function Ended({ line }: { readonly line: RunLine }) {
  const isPreview = line.outcome === 'planned' && line.kind === 'plan'
  const { data, isLoading } = useQuery({ ...runQuery(line.run), enabled: isPreview })
  if (isLoading) return null
  return <OutcomeMessage line={line} wouldBeHeld={isPreview && (data?.heldInWords.length ?? 0) > 0} leadsToIssues />
}

function PhaseBar({ phase, isOver }: { readonly phase: Phase; readonly isOver: boolean }) {
  const styles = useStyles()
  const { done, total } = phase
  const pace = isOver ? undefined : paceOf(phase)
  const [one, several] = texts.counted[phase.name]
  const counted = formatCount(total === null || isOver ? done : total, one, several)
  const figures = [
    ...(done === 0 && total === null
      ? []
      : [total === null || isOver ? counted : texts.doneOf(formatNumber(done), counted)]),
    ...(pace === undefined ? [] : [texts.rate(formatNumber(Math.round(pace.perSecond)))]),
    ...(pace?.leftMs === undefined
      ? []
      : [pace.leftMs < 1000 ? texts.leftLittle : texts.left(formatDuration(pace.leftMs))]),
  ]
  const value = isOver ? 1 : total === null || total === 0 ? undefined : Math.min(1, done / total)
  return (
    <li>
      <div className={styles.head}>
        <Text weight={isOver ? 'regular' : 'semibold'}>{texts.phases[phase.name]}</Text>
        <Text className={styles.figures}>{figures.join(' · ')}</Text>
      </div>
      <ProgressBar
        aria-label={texts.phases[phase.name]}
        thickness="large"
        color={isOver ? 'success' : 'brand'}
        {...(value === undefined ? {} : { value })}
      />
    </li>
  )
}

function Log({ feed }: { readonly feed: RunFeed }) {
  const styles = useStyles()
  const box = useRef<HTMLDivElement>(null)
  const isAtEnd = useRef(true)
  useEffect(() => {
    // Follows the log unless somebody has scrolled up to read.
    if (isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight
  }, [feed.log])
  return (
    <div
      ref={box}
      className={styles.log}
      role="log"
      aria-label={texts.log}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24
      }}
    >
      {feed.log.length === 0 ? texts.noLog : null}
      {feed.log.map((line) => (
        <div
          key={line.seq}
          className={line.level === 'warn' ? styles.warn : line.level === 'error' ? styles.error : ''}
        >
          <span className={styles.at}>{formatClock(line.at)}</span> {logLineInWords(line)}
        </div>
      ))}
    </div>
  )
}

function Cancel({ run, isCancelled }: { readonly run: string; readonly isCancelled: boolean }) {
  const toasts = useToasts()
  const mayCancel = useMay('operator')
  const cancel = useMutation({
    mutationFn: () => call(API.cancelRun, { params: { run } }),
    onError: (error) => toasts.failed(texts.cancelFailed, error),
  })
  if (!mayCancel) return null
  const isAsked = isCancelled || cancel.isPending || cancel.isSuccess
  return (
    <Button disabledFocusable={isAsked} onClick={() => cancel.mutate()}>
      {isAsked ? texts.cancelling : texts.cancel}
    </Button>
  )
}
