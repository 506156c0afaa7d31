// When a source runs by itself: judged here when it is saved, carried out elsewhere.
import { Cron } from 'croner'
import type { ConfigProblem } from '../base/errors.ts'
import type { SourceSettings } from '../contract/sources.ts'

/** What is wrong with a source's time zone and cron expressions, by their keys; empty when nothing is. */
export function scheduleProblems(settings: Pick<SourceSettings, 'schedule' | 'timezone'>): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  if (!isTimeZone(settings.timezone)) {
    problems.push({
      at: 'timezone',
      message: `unknown time zone ${JSON.stringify(settings.timezone)}; name one like UTC or Europe/Prague`,
    })
  }
  for (const key of ['delta', 'full'] as const) {
    const expression = settings.schedule[key]
    const message = expression === null ? undefined : cronProblem(expression)
    if (message !== undefined) problems.push({ at: `schedule.${key}`, message })
  }
  return problems
}

/** When a schedule runs the source after a moment, and how; a full run that is due together with a delta replaces it. */
function nextDue(
  { schedule, timezone }: Pick<SourceSettings, 'schedule' | 'timezone'>,
  after: Date,
): { readonly at: Date; readonly mode: 'full' | 'delta' } | null {
  const slotOf = (expression: string | null) =>
    expression === null ? null : new Cron(expression, { paused: true, mode: '5-part', timezone }).nextRun(after)
  const [full, delta] = [slotOf(schedule.full), slotOf(schedule.delta)]
  if (full !== null && (delta === null || full <= delta)) return { at: full, mode: 'full' }
  return delta === null ? null : { at: delta, mode: 'delta' }
}

/** Up to when what was due has been done. */
export interface Through {
  readonly delta: Date
  readonly full: Date
}

/**
 * When a source runs by itself next. While it backs off, what comes due waits, and is done as soon as it may try again.
 *
 * @param notBefore when it may try again
 */
export function nextRun(
  settings: Pick<SourceSettings, 'schedule' | 'timezone'>,
  { now, notBefore, through }: { readonly now: Date; readonly notBefore: Date | null; readonly through: Through },
): { readonly at: Date; readonly mode: 'full' | 'delta' } | null {
  if (notBefore === null || notBefore <= now) return nextDue(settings, now)
  const { schedule, timezone } = settings
  const isDueBy = (kind: 'full' | 'delta') => {
    const last = lastDue(schedule[kind], { timezone, now: notBefore })
    return last !== undefined && last > through[kind]
  }
  if (isDueBy('full')) return { at: notBefore, mode: 'full' }
  return isDueBy('delta') ? { at: notBefore, mode: 'delta' } : nextDue(settings, notBefore)
}

/**
 * The last time up to `now` at which a schedule came due; undefined where there is none. On days on which the clock is changed a
 * fixed time comes once, and every so many minutes goes on evenly.
 *
 * @param expression five fields, as accepted when it was saved; null: never
 */
export function lastDue(
  expression: string | null,
  { timezone, now }: { readonly timezone: string; readonly now: Date },
): Date | undefined {
  if (expression === null) return undefined
  const cron = new Cron(expression, { paused: true, mode: '5-part', timezone })
  return cron.previousRuns(1, new Date(now.getTime() + 1))[0]
}

function isTimeZone(name: string): boolean {
  try {
    // Refuses what it does not know; nothing is formatted.
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

function cronProblem(expression: string): string | undefined {
  const fields = expression.trim().split(/\s+/).length
  if (fields !== 5) {
    return `${JSON.stringify(expression)} has ${fields} fields; a schedule has five: minute, hour, day of month, month, day of week`
  }
  try {
    const cron = new Cron(expression, { paused: true, mode: '5-part', timezone: 'UTC' })
    return cron.nextRun() === null ? `${JSON.stringify(expression)} never comes due` : undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
    return `${JSON.stringify(expression)} is not a cron expression: ${reason}`
  }
}
