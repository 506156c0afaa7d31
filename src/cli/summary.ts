// What a run did, for people.
import type { RunDocument } from '../contract/runs.ts'
import { type Io, printable, writeLine, writeTable } from './io.ts'

/** How many issues a person is shown at once; the others are a command away. */
const SHOWN_ISSUES = 20

/** Outcome, counts, issues, and what to do next. `remedy`: of a run that failed, where one is known. A held run without `held` waits no more. */
export function writeRun(io: Io, document: RunDocument, remedy: string | null = null): void {
  writeLine(io, headline(document))
  if (document.error !== null) {
    const { message, requestId } = document.error
    writeLine(io, printable(message))
    // Some messages carry it themselves.
    if (remedy !== null && !message.includes(remedy)) writeLine(io, `→ ${printable(remedy)}`)
    if (requestId !== null) writeLine(io, `Microsoft's request id: ${requestId}`)
  }
  writePlanCounts(io, document)
  const { requests, throttled } = document.graph
  const slowed = throttled > 0 ? `, slowed down ${throttled} times` : ''
  writeLine(io, `${requests} requests to Microsoft Graph${slowed}, ${seconds(document.ms.total)} in all.`)
}

/** The part of it that tells what a plan does. */
export function writePlanCounts(io: Io, document: RunDocument): void {
  if (document.planHash !== null) writeTable(io, ['', 'count'], countRows(document))
  writeIssues(io, document)
  writeHeld(io, document)
}

function headline(document: RunDocument): string {
  const run = `Run ${document.run} of ${printable(document.source)} (${document.mode})`
  switch (document.outcome) {
    case 'applied':
      return `${run}: applied.`
    case 'no-change':
      return `${run}: nothing to change.`
    case 'planned':
      return `${run}: planned, nothing was written to the registry.`
    case 'held':
      return `${run}: HELD. Nothing was written to the registry${document.held === null ? '.' : '; the plan waits for approval.'}`
    case 'cancelled':
      return `${run}: cancelled, nothing was written to the registry.`
    case 'failed':
      return `${run}: FAILED, nothing was written to the registry.`
  }
}

function countRows(document: RunDocument): (readonly string[])[] {
  const rows: (readonly string[])[] = []
  for (const section of ['users', 'groups', 'memberships', 'credentials'] as const) {
    for (const [name, count] of Object.entries(document[section])) {
      // What always stands there is read and unchanged; of the rest only what happened.
      if (count > 0 || name === 'read') rows.push([`${section} ${words(name)}`, count.toLocaleString('en-US')])
    }
  }
  return rows
}

/** takenOver → taken over */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function writeIssues(io: Io, { issues, issuesTotal }: RunDocument): void {
  if (issuesTotal === 0) return
  writeLine(io, `${issuesTotal.toLocaleString('en-US')} ${issuesTotal === 1 ? 'issue' : 'issues'}:`)
  for (const { code, message } of issues.slice(0, SHOWN_ISSUES)) writeLine(io, `  ${code}: ${printable(message)}`)
  if (issuesTotal > SHOWN_ISSUES) writeLine(io, '  … all of them: muster issues')
}

function writeHeld(io: Io, document: RunDocument): void {
  const { held, outcome, run, planHash } = document
  if (held === null) return
  writeLine(io, outcome === 'held' ? 'Held because of:' : 'Applying this would be held because of:')
  for (const { rule, count, limit } of held.reasons) {
    writeLine(io, `  ${rule}: ${count.toLocaleString('en-US')}, more than ${limit.toLocaleString('en-US')}`)
  }
  if (outcome !== 'held') return
  writeLine(io, `Until ${held.approveBy}, when the plan is right:`)
  writeLine(io, `  muster approve ${run} --hash ${planHash} --reason "…"`)
  writeLine(io, `else:  muster reject ${run} --reason "…"`)
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}
