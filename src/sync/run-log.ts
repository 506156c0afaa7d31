// Keeps what a run logs, to be stored with it: everything also goes where the process logs.
import type { Clock } from '../base/clock.ts'
import { allowedFields, type Log, type LogFields } from '../base/log.ts'
import type { RunDocument } from '../contract/runs.ts'
import type { RunLogLine } from '../contract/run-log.ts'

/** Enough for hours of retries; a run that logs more is told to have. */
const MOST_LINES = 10_000

export interface RunLog extends Log {
  /** Lines that nobody has said to be stored yet. */
  pending(): readonly RunLogLine[]
  /** Those up to this number are stored. */
  stored(seq: number): void
  /** The last line, as it stands now; it is not kept here, for the transaction that writes it may fail. */
  lastLine(document: RunDocument): RunLogLine
}

export function createRunLog(log: Log, clock: Clock): RunLog {
  let lines: RunLogLine[] = []
  let seq = 0
  let leftOut = 0
  const make = (level: RunLogLine['level'], message: string, fields: LogFields | undefined): RunLogLine => ({
    seq: seq + 1,
    at: clock.now().toISOString(),
    level,
    message,
    fields: allowedFields(fields),
  })
  const keep = (level: RunLogLine['level'], message: string, fields: LogFields | undefined) => {
    if (seq >= MOST_LINES) {
      leftOut += 1
      return
    }
    lines.push(make(level, message, fields))
    seq += 1
    if (seq === MOST_LINES - 1) {
      lines.push(make('warn', 'the log is cut here; only its end follows', { count: MOST_LINES }))
      seq += 1
    }
  }
  const both = (level: RunLogLine['level']) => (message: string, fields?: LogFields) => {
    log[level](message, fields)
    keep(level, message, fields)
  }
  return {
    debug: both('debug'),
    info: both('info'),
    warn: both('warn'),
    error: both('error'),
    pending: () => lines,
    stored(upTo) {
      lines = lines.filter((line) => line.seq > upTo)
    },
    lastLine: ({ outcome, error, ms, graph }) =>
      make(outcome === 'failed' ? 'error' : 'info', 'run ended', {
        outcome,
        code: error?.code,
        requestId: error?.requestId ?? undefined,
        ms: ms.total,
        count: graph.requests,
        what: leftOut === 0 ? 'Graph requests' : `Graph requests; ${leftOut} lines of the log were left out`,
      }),
  }
}

/** What a plan does, why it is held, and its issues, a line for each count that is not 0. */
export function logPlan(log: Log, document: RunDocument): void {
  for (const section of ['users', 'groups', 'memberships', 'credentials'] as const) {
    for (const [name, count] of Object.entries(document[section])) {
      if (count > 0 && name !== 'read') log.info('planned', { what: `${section} ${name}`, count })
    }
  }
  const codes = new Map<string, number>()
  for (const { code } of document.issues) codes.set(code, (codes.get(code) ?? 0) + 1)
  for (const [code, count] of codes) log.info('issues', { code, count })
  if (document.issuesTotal > document.issues.length) log.info('issues in all', { count: document.issuesTotal })
}
