// Texts of Synchronization Results.
import type { RunLine } from '../../contract/run-list.ts'
import { formatCount } from '../format.ts'
import type { Outcome } from '../../contract/runs.ts'

export const resultsTexts = {
  title: 'Synchronization Results',
  of: (source: string) => source,
  kinds: { sync: 'Synchronization', plan: 'Preview', approve: 'Approved plan', revert: 'Undo' },
  queued: 'Waits for its turn',
  queuedText:
    'One run of a source at a time, and a few on each server: it begins as soon as the one before has ended and a place is free.',
  interrupted: 'was interrupted. Nothing was left half done.',
  waitsForOthers: 'You took it back. Others asked for the same, so it waits on for them.',
  askedBy: (who: string) =>
    `${who === 'schedule' ? 'Asked for by the schedule. It cannot be taken back here.' : `Asked for by ${who}, who can take it back.`} Once it runs, its run can be cancelled.`,
  going: 'It is going on',
  goingText: 'You can leave this page: the run goes on, and is found under Runs.',
  goesOn: 'It goes on as soon as a server takes it up.',
  refused: 'It was not started',
  phases: {
    waiting: 'Waiting',
    users: 'Reading users',
    groups: 'Reading groups',
    memberships: 'Reading memberships',
    changes: 'Reading changes',
    proof: 'Proving removals',
    planning: 'Planning',
    applying: 'Applying',
  },
  /** What each phase counts: memberships come with their groups. */
  counted: {
    waiting: ['', ''],
    users: ['user', 'users'],
    groups: ['group', 'groups'],
    memberships: ['group', 'groups'],
    changes: ['change', 'changes'],
    proof: ['user', 'users'],
    planning: ['object', 'objects'],
    applying: ['change', 'changes'],
  },
  doneOf: (done: string, total: string) => `${done} of ${total}`,
  rate: (rate: string) => `${rate} a second`,
  left: (time: string) => `about ${time} left`,
  leftLittle: 'less than a second left',
  progress: 'Progress',
  log: 'Log',
  noLog: 'Nothing was logged yet.',
  cancel: 'Cancel',
  cancelling: 'Cancelling…',
  cancelFailed: 'It could not be cancelled',
  saveLog: 'Save log',
  broken: 'The connection broke; the run goes on. Connecting again…',
  lost: 'Progress cannot be watched any more. The run goes on; its page tells what becomes of it.',
  outcomes: {
    applied: 'Applied: people and groups are as in Entra.',
    'no-change': 'Nothing had to be changed.',
    planned: 'This is what a synchronization would change. Nothing was changed.',
    held: 'Held: the plan waits until somebody approves it. Nothing was changed.',
    cancelled: 'Cancelled. Nothing was left half done.',
    failed: 'Failed. Nothing was left half done.',
  },
  takenBack: {
    applied: 'Taken back. What changed since was left as it is.',
    'no-change': 'There is nothing to take back: what the run did has changed since, or was taken back.',
    // Between looking and doing, what it removes went beyond the limits.
    planned:
      'Not taken back: by now it removes or rewrites more than the safeguard of the source allows a run. Look at it again from the run, and confirm that.',
    cancelled: 'Not taken back: it was cancelled. Nothing was left half done.',
    failed: 'Not taken back. Nothing was left half done.',
  },
  appliedWithIssues: 'Applied, but for what is an issue now.',
  toPlan: 'Look at the plan',
  toRun: 'Look at the run',
  approve: 'Review and approve',
  synchronizeNow: 'Synchronize now',
  issues: (count: number) => `${formatCount(count, 'thing', 'things')} could not be done: look at the issues`,
  took: (time: string) => `took ${time}`,
  none: 'Nothing is being synchronized',
  noneText: 'Tick a source under User Synchronization, and choose Synchronize now or Preview.',
  toSources: 'Go to User Synchronization',
} as const

/** What became of a run. */
export function outcomeInWords(run: {
  readonly kind: RunLine['kind']
  readonly outcome: Outcome
  readonly issuesTotal: number | null
}): string {
  if (run.kind === 'revert') return takenBackInWords(run.outcome)
  const isPartly = run.outcome === 'applied' && (run.issuesTotal ?? 0) > 0
  return isPartly ? resultsTexts.appliedWithIssues : resultsTexts.outcomes[run.outcome]
}

/** What became of taking a run back; of a run that was only shown, what it would do. */
export function takenBackInWords(outcome: Outcome): string {
  return resultsTexts.takenBack[outcome === 'held' ? 'planned' : outcome]
}
