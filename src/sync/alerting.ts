// When administrators are told: from the end of a run, and from what time itself brings about.
import { listRaised, raiseAlert } from '../alerts/outbox.ts'
import type { RunDocument } from '../contract/runs.ts'
import type { Queries } from '../database/connect.ts'
import { listExpiring } from '../registry/connections.ts'
import { listHealth, type SourceHealth } from '../registry/health.ts'
import { lastAppliedRun } from '../registry/runs.ts'
import { listTerminalEnds } from '../registry/terminal-ends.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Days before the end of a credential at which it is told, once each. */
const EXPIRY_DAYS = [60, 30, 14, 7, 1] as const

/** The same of the tokens of terminals. */
const TERMINAL_DAYS = [30, 14, 7, 1] as const
/** Whatever ended earlier has been missed by now. */
const TERMINAL_TOLD_AFTER_DAYS = 7
/** In one alert. */
const TERMINALS_NAMED = 20

/**
 * Raises what the end of a run calls for, in its transaction. The same plan is told once, until another one was applied; a
 * failure once for as long as the source fails of the same; quarantine once.
 */
export async function raiseForRun(
  tx: Queries,
  run: {
    readonly runId: number
    readonly sourceId: number
    readonly document: RunDocument
    readonly health: SourceHealth | undefined
  },
  now: Date,
): Promise<void> {
  const { document, health, runId, sourceId } = run
  const { source } = document
  if (document.outcome === 'held' && document.held !== null && document.planHash !== null) {
    const since = (await lastAppliedRun(tx, sourceId)) ?? 0
    const { planHash } = document
    const key = `held:${sourceId}:${planHash}:${since}`
    await raiseAlert(tx, { key, facts: { kind: 'held', source, run: runId, planHash, ...document.held } }, now)
  }
  if (document.outcome !== 'failed' || health === undefined || health.failingSince === null) return
  const isQuarantined = health.state === 'quarantined'
  const key = isQuarantined
    ? `quarantined:${sourceId}:${health.since.getTime()}`
    : `failed:${sourceId}:${health.failingSince.getTime()}:${health.code}`
  const facts = {
    kind: isQuarantined ? ('quarantined' as const) : ('failed' as const),
    source,
    run: runId,
    code: health.code ?? '',
    reason: health.reason ?? '',
    remedy: health.remedy ?? '',
    requestId: document.error?.requestId ?? null,
    failures: health.failures,
    nextTryAt: health.nextTryAt?.toISOString() ?? null,
  }
  await raiseAlert(tx, { key, facts }, now)
}

/** Refusals that somebody meant: the source was disabled or removed, or this installation is a copy. */
const MEANT: ReadonlySet<string> = new Set(['config-invalid', 'not-found', 'copied', 'cancelled'])

/**
 * Raises that no run came of what nobody waits for: of a schedule's asking, or a program's. Once, until a run has brought the registry up
 * to date again. What a person asked for he sees refused himself.
 *
 * @param refused.reason must name nobody
 */
export async function raiseForRefusal(
  tx: Queries,
  refused: {
    readonly source: string
    readonly job: string
    readonly askedBy: 'schedule' | 'token'
    readonly code: string
    readonly reason: string
  },
  now: Date,
): Promise<void> {
  if (MEANT.has(refused.code)) return
  const found = (await listHealth(tx)).find(({ source }) => source === refused.source)
  if (found === undefined) return
  const since = found.health?.lastSuccessAt?.getTime() ?? 0
  const key = `refused:${found.sourceId}:${refused.code}:${since}`
  await raiseAlert(tx, { key, facts: { kind: 'refused', ...refused } }, now)
}

/** Refusals that were told within a month, the latest first. */
export async function listRefusals(
  db: Queries,
  now: Date,
): Promise<readonly { readonly raisedAt: Date; readonly source: string; readonly reason: string }[]> {
  const raised = await listRaised(db, 'refused', new Date(now.getTime() - 30 * DAY_MS))
  return raised.map(({ raisedAt, facts: { source, reason } }) => ({ raisedAt, source, reason })).toReversed()
}

/** Raises what has come by waiting: sources without success for so many hours, credentials and tokens of terminals that end. */
export async function raiseDue(
  db: Queries,
  { now, silenceHours }: { readonly now: Date; readonly silenceHours: number },
): Promise<void> {
  for (const { sourceId, source, enabled, createdAt, health } of await listHealth(db)) {
    const last = health?.lastSuccessAt ?? null
    const since = (last ?? createdAt).getTime()
    const hours = Math.floor((now.getTime() - since) / HOUR_MS)
    if (!enabled || hours < silenceHours) continue
    const facts = { kind: 'silent' as const, source, hours, lastSuccessAt: last?.toISOString() ?? null }
    await raiseAlert(db, { key: `silent:${sourceId}:${since}`, facts }, now)
  }
  const until = new Date(now.getTime() + (EXPIRY_DAYS[0] + 1) * DAY_MS)
  for (const { id, connection, kind, thumbprint, expiresAt } of await listExpiring(db, until)) {
    const days = daysUntil(expiresAt, now)
    // The nearest one that has been reached: who hears of it late hears of it once.
    const threshold = EXPIRY_DAYS.findLast((limit) => days <= limit)
    if (threshold === undefined) continue
    const facts = { kind: 'expiring' as const, connection, thumbprint, expiresAt: expiresAt.toISOString(), days }
    // The end of a secret may become known anew; a certificate has one.
    const end = kind === 'certificate' ? '' : `${expiresAt.getTime()}:`
    await raiseAlert(db, { key: `expiring:${id}:${end}${threshold}`, facts }, now)
  }
  await raiseForTerminals(db, now)
}

/**
 * Terminals that were set up together end together: one alert for all of a day. Day and threshold are key enough, without the terminals: what
 * comes to a day that was told of has a token that was just made, whose end its maker has seen, and is among those of the next threshold.
 */
async function raiseForTerminals(db: Queries, now: Date): Promise<void> {
  const until = new Date(now.getTime() + (TERMINAL_DAYS[0] + 1) * DAY_MS)
  const byDay = Map.groupBy(await listTerminalEnds(db, until), ({ expiresAt }) => expiresAt.toISOString().slice(0, 10))
  for (const [day, ends] of byDay) {
    const [first, last] = [ends[0], ends.at(-1)]
    if (first === undefined || last === undefined) continue
    // They end with the first of them, and have ended with the last.
    const toLast = daysUntil(last.expiresAt, now)
    const days = toLast < 0 ? toLast : Math.max(0, daysUntil(first.expiresAt, now))
    const threshold = TERMINAL_DAYS.findLast((limit) => days <= limit)
    if (threshold === undefined || days < -TERMINAL_TOLD_AFTER_DAYS) continue
    const terminals = ends.slice(0, TERMINALS_NAMED).map(({ name }) => name)
    const expiresAt = first.expiresAt.toISOString()
    const facts = { kind: 'terminals' as const, terminals, count: ends.length, expiresAt, days }
    await raiseAlert(db, { key: `terminals:${day}:${threshold}`, facts }, now)
  }
}

/** Whole days; below 0: it is over. */
function daysUntil(end: Date, now: Date): number {
  return Math.floor((end.getTime() - now.getTime()) / DAY_MS)
}
