// Texts of runs: their list, one run, its plan, deciding about it.
import type { RunLine } from '../../contract/run-list.ts'

export const runsTexts = {
  list: 'Runs',
  listIntro:
    'Every synchronization, preview, approval and undo. What an applied run changed can be taken back as long as its history is kept.',
  run: 'Run',
  source: 'Source',
  allSources: 'All sources',
  outcome: 'Outcome',
  allOutcomes: 'All outcomes',
  started: 'Started',
  took: 'Took',
  did: 'Changes',
  empty: 'No runs yet',
  emptyText: 'Synchronize a source, or preview what that would do.',
  emptyFiltered: 'No such runs',
  emptyFilteredText: 'There are runs of other sources or with other outcomes.',
  showAll: 'Show all runs',
  kinds: { sync: 'Synchronization', plan: 'Preview', approve: 'Approval', revert: 'Undo' },
  modes: { full: 'full compare', delta: 'changes' },
  triggers: { manual: 'by hand', schedule: 'by schedule', notification: 'by notification', api: 'by the API' },
  title: (run: string) => `Run ${run}`,
  of: (source: string) => `of ${source}`,
  changes: 'Changes',
  changesWouldBe: 'What it would change',
  held: 'Why it waits for approval',
  wasHeld: 'Why it was held',
  leftWaiting: 'An earlier plan was waiting for approval already, and what held it was still so. Nothing was changed:',
  wouldBeHeld: 'A synchronization of this plan would wait for approval',
  notConfirmed:
    'It was not taken back: that removes or rewrites more than the safeguard allows a run, and was not confirmed',
  approveBy: 'Can be approved until',
  failed: 'The run failed',
  cancelled: 'The run was cancelled. Nothing was left half done.',
  interrupted: 'The process that ran it ended. The next run resumes where it stood.',
  progress: 'Progress',
  facts: 'About this run',
  kind: 'Kind',
  trigger: 'Trigger',
  mode: 'Reading',
  ended: 'Ended',
  planHash: 'Plan',
  graph: 'Microsoft Graph',
  requests: (requests: string, retries: string, throttled: string) =>
    `${requests} requests, ${retries} repeated, ${throttled} throttled`,
  issuesFound: 'Issues',
  decisions: {
    approved: 'Approved',
    rejected: 'Rejected',
    superseded: 'Replaced by a newer plan',
    lapsed: 'Lapsed: nobody approved it in time',
  },
  decision: 'Decision',
  decidedBy: (who: string, why: string) => `by ${who}: ${why}`,
  laidAside: (why: string) => `Waits no more: ${why}`,
  leftToWait: 'An earlier plan was left waiting',
  approves: 'Approves',
  reverts: 'Takes back',
  outcomes: {
    applied: 'Applied',
    'no-change': 'No change',
    planned: 'Previewed',
    held: 'Held',
    cancelled: 'Cancelled',
    failed: 'Failed',
    running: 'Running',
  },
  notTakenBack: 'Not taken back',
  plan: 'Plan',
  planOf: (run: string) => `Plan of run ${run}`,
  object: 'Object',
  allObjects: 'All objects',
  objects: { user: 'Users', group: 'Groups', membership: 'Memberships', credential: 'Cards and PINs' },
  action: 'Action',
  allActions: 'All actions',
  search: 'Search',
  searchHint: 'Name or object id',
  what: 'What',
  who: 'Who',
  fromTo: 'Old → new',
  because: 'Because of',
  leftOut: 'left out',
  why: 'Why?',
  whyOf: (name: string) => `Why? ${name}`,
  noItems: 'The plan is empty',
  noItemsText: 'The registry is as the settings want it.',
  noItemsKept: 'There is no plan to show: the run ended before it was made, or its history has been removed.',
  noItemsFiltered: 'Nothing of this kind in the plan',
  showAllItems: 'Show the whole plan',
  exportCsv: 'Export as CSV',
  exportJson: 'Export as JSON',
  approve: 'Approve',
  approveTitle: 'Approve this plan?',
  approveText: (count: string) =>
    `The plan is applied exactly as it is shown: ${count}. Before that Microsoft is asked once more about everybody who is to be removed.`,
  approvePart: {
    removals: (count: string) => `${count}, but for users, groups, memberships, cards and PINs that it removes`,
    rewrites: (count: string) => `${count}, but for names, cards, PINs, numbers and mail addresses that it rewrites`,
  },
  without: 'What is applied',
  withoutNone: 'Everything',
  withoutRemovals: 'Everything but removals',
  withoutRewrites: 'Everything but rewrites of names, cards, PINs, numbers and mail addresses',
  reason: 'Reason',
  reasonHint: 'Why it is right. Kept with the run and in the audit.',
  reject: 'Reject',
  rejectTitle: 'Reject this plan?',
  rejectText:
    'Nothing of it is applied. The next synchronization plans anew, and is held again where it would do the same.',
  undo: 'Undo',
  undoTitle: 'Take this run back?',
  undoText:
    'What the run overwrote gets its old values back, and what it made is removed again. Whatever changed since is left as it is, and listed.',
  undoShow: 'Show what it would do',
  undoWould: 'It would do this',
  undoLeft: (count: string) => `${count} left as they are, because they changed since`,
  undoItems: (shown: string, total: string) =>
    shown === total ? `All changes, by name (${total})` : `The first ${shown} of ${total} changes, by name`,
  undoUser: 'Undo for this user',
  undoUserTitle: (name: string, run: string) => `Take back what run ${run} did to ${name}?`,
  undoUserText:
    'What the run overwrote of this user gets its old values back, and what it made is removed again, the user as well; other people stay as they are. Whatever changed since is left as it is, and listed.',
  undoConfirm: 'This removes or rewrites more than the safeguard of the source allows a run. Do it all the same',
  rejected: 'Rejected',
  log: 'Log',
  saveLog: 'Save log',
  logEmpty: 'Nothing was logged.',
  showLog: 'Show log',
} as const

/** What became of a run, in a word or two. A plan of an undo that was not confirmed is no preview of a synchronization. */
export function outcomeOf({ kind, outcome }: Pick<RunLine, 'kind' | 'outcome'>): string {
  if (kind === 'revert' && outcome === 'planned') return runsTexts.notTakenBack
  return runsTexts.outcomes[outcome ?? 'running']
}

/** What became of a held plan; undefined as long as nothing has. */
export function decisionOf(
  line: Pick<RunLine, 'decision' | 'decidedBy' | 'decidedReason' | 'leftWaiting'>,
): string | undefined {
  const { decision, decidedBy, decidedReason, leftWaiting } = line
  if (decision === null) return undefined
  if (leftWaiting !== null) return runsTexts.leftToWait
  if (decidedBy === null && decidedReason !== null) return runsTexts.laidAside(decidedReason)
  return runsTexts.decisions[decision]
}
