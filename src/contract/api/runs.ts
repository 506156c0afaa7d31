// Runs over the API: asking for one, watching it, its plan, deciding about it, taking it back.
import { z } from 'zod'
import { EXPORT_FORMATS } from '../exports.ts'
import { planItemLine } from '../plan-items.ts'
import { revertDocument, revertPreview } from '../reverts.ts'
import { runLine } from '../run-list.ts'
import { runLogLine } from '../run-log.ts'
import { OUTCOMES, runDocument } from '../runs.ts'
import { endpoint, id, name, pageOf, paging, time } from './endpoint.ts'

/** Something that was asked for and is done by the server as soon as it can: one after the other for each source. */
export const job = z.object({
  id: z.uuid(),
  source: z.string(),
  kind: z.enum(['sync', 'plan', 'approve', 'revert']),
  state: z.enum(['queued', 'running', 'ended', 'refused']),
  /** The run that came of it; null before it began, and where it was refused. */
  run: z.string().nullable(),
  /** Why it was refused. */
  problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
  requestedBy: z.string(),
  requestedAt: time,
  /** Whoever looks at it is one of those who asked for it. */
  isYours: z.boolean(),
})
export type Job = z.infer<typeof job>

export const progress = z.object({
  phase: z.enum(['waiting', 'users', 'groups', 'memberships', 'changes', 'proof', 'planning', 'applying']),
  done: z.int(),
  total: z.int().nullable(),
})
export type Progress = z.infer<typeof progress>

/** What is told while a run goes on. The last event is always `ended`. */
export const runEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('progress'), at: time, progress }),
  z.object({ type: z.literal('log'), line: runLogLine }),
  z.object({ type: z.literal('ended'), line: runLine }),
])
export type RunEvent = z.infer<typeof runEvent>

/** Runs with the log line after which each is told, `12:0,15:40`; without a number from its beginning. */
const watchedRuns = z
  .string()
  .max(8_000)
  .regex(/^[1-9]\d{0,9}(:\d{1,9})?(,[1-9]\d{0,9}(:\d{1,9})?)*$/, 'must be runs, as in 12:0,15:40')
  .transform((text) =>
    text.split(',').map((one) => {
      const [run = '', after = '0'] = one.split(':')
      return { run: Number(run), after: Number(after) }
    }),
  )
  .refine((runs) => runs.length <= 200, 'names more than 200 runs')
  .refine((runs) => new Set(runs.map(({ run }) => run)).size === runs.length, 'names a run twice')
  .refine((runs) => runs.every(({ run }) => run <= 2_147_483_647), 'names a run that there is not')

export const runView = z.object({
  line: runLine,
  /** Null while it runs, and for one that was interrupted. */
  document: runDocument.nullable(),
  /** Where it stands; null when it does not run. */
  progress: progress.nullable(),
  /** Applied runs whose before-images are kept still: it can be taken back. */
  canRevert: z.boolean(),
  /** Held runs: who may approve it and how it is named. */
  canApprove: z.boolean(),
  cancelRequested: z.boolean(),
  /** Attributes and objects in words, for each rule that held it. */
  heldInWords: z.array(z.string()),
})
export type RunView = z.infer<typeof runView>

const itemQuery = {
  action: z.string().max(20).optional(),
  object: z.enum(['user', 'group', 'membership', 'credential']).optional(),
  /** Finds by any part of the name, or the whole object id. */
  search: z.string().max(200).optional(),
}

const tag = 'Runs'
const one = z.object({ run: id })
const reason = z.string().trim().min(1).max(500)

const revertBody = {
  /** Object id, user name, alias or user principal name; left out: the whole run. */
  user: z.string().min(1).max(200).optional(),
  reason,
  /** Also where it removes, rewrites or clears more than the source's safeguard lets a run. */
  confirmed: z.boolean().default(false),
}

export const RUNS = {
  startRun: endpoint({
    method: 'POST',
    path: '/api/v1/sources/:source/runs',
    tag,
    summary:
      'Synchronize now, or preview. Queued where the source is being run; asked for again while it waits, it is the same job.',
    role: 'operator',
    scope: 'runs',
    params: z.object({ source: name }),
    body: z.strictObject({ kind: z.enum(['sync', 'plan']), full: z.boolean().default(false) }),
    answer: { kind: 'json', status: 202, body: job },
    audit: 'run.start',
    isIdempotent: true,
  }),
  syncUser: endpoint({
    method: 'POST',
    path: '/api/v1/sources/:source/user-runs',
    tag,
    summary: 'Reads one user anew and synchronizes him alone, or shows what that would do.',
    role: 'helpdesk',
    scope: 'people',
    params: z.object({ source: name }),
    body: z.strictObject({
      kind: z.enum(['sync', 'plan']),
      /** User principal name or object id. */
      user: z.string().min(1).max(200),
    }),
    answer: { kind: 'json', status: 202, body: job },
    audit: 'run.start',
    isIdempotent: true,
  }),
  getJob: endpoint({
    method: 'GET',
    path: '/api/v1/jobs/:job',
    tag,
    summary: 'What became of something that was asked for.',
    role: 'viewer',
    scope: 'read',
    params: z.object({ job: z.uuid() }),
    answer: { kind: 'json', status: 200, body: job },
    audit: null,
  }),
  cancelJob: endpoint({
    method: 'DELETE',
    path: '/api/v1/jobs/:job',
    tag,
    summary:
      'Takes back what was asked for and waits; where others asked for the same, it stays theirs. What has begun is cancelled as a run.',
    role: 'operator',
    scope: 'runs',
    params: z.object({ job: z.uuid() }),
    /** `own`: refused (`not-asked`) to whoever has not asked for it, who else takes it from all. */
    query: z.object({ only: z.literal('own').optional() }),
    answer: { kind: 'nothing' },
    audit: 'job.cancel',
  }),
  cancelUserRun: endpoint({
    method: 'DELETE',
    path: '/api/v1/user-runs/:job',
    tag,
    summary:
      'Takes back that one user is synchronized, by whoever asked for it; its run is cancelled where it has begun for him alone.',
    role: 'helpdesk',
    scope: 'people',
    params: z.object({ job: z.uuid() }),
    answer: { kind: 'nothing' },
    audit: 'job.cancel',
  }),
  listRuns: endpoint({
    method: 'GET',
    path: '/api/v1/runs',
    tag,
    summary: 'Runs, the newest first.',
    role: 'viewer',
    scope: 'read',
    query: paging.extend({ source: name.optional(), outcome: z.enum([...OUTCOMES, 'running']).optional() }),
    answer: { kind: 'json', status: 200, body: pageOf(runLine) },
    audit: null,
  }),
  getRun: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run',
    tag,
    summary: 'One run with the document that it ended with.',
    role: 'viewer',
    scope: 'read',
    params: one,
    answer: { kind: 'json', status: 200, body: runView },
    audit: null,
  }),
  watchRun: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run/events',
    tag,
    summary: 'Progress and log of a run as server-sent events, until it ends.',
    role: 'viewer',
    scope: 'read',
    params: one,
    query: z.object({ after: z.coerce.number().int().min(0).default(0) }),
    answer: { kind: 'events', body: runEvent },
    audit: null,
  }),
  watchRuns: endpoint({
    method: 'GET',
    path: '/api/v1/run-events',
    tag,
    summary: 'The same of several runs in one stream, each event with its run; ends when all have ended.',
    role: 'viewer',
    scope: 'read',
    query: z.object({ runs: watchedRuns }),
    answer: { kind: 'events', body: z.object({ run: id, event: runEvent }) },
    audit: null,
  }),
  listRunLog: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run/log',
    tag,
    summary: 'Lines of a run’s log after a number.',
    role: 'viewer',
    scope: 'read',
    params: one,
    query: z.object({ after: z.coerce.number().int().min(0).default(0) }),
    answer: {
      kind: 'json',
      status: 200,
      body: z.object({ items: z.array(runLogLine), isEnded: z.boolean() }),
    },
    audit: null,
  }),
  saveRunLog: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run/log.txt',
    tag,
    summary: 'The whole log of a run as text.',
    role: 'viewer',
    scope: 'read',
    params: one,
    answer: { kind: 'file', types: ['text/plain'] },
    audit: null,
  }),
  listPlanItems: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run/items',
    tag,
    summary: 'The items of a run’s plan, in its order. Cards and PINs are masked.',
    role: 'viewer',
    scope: 'read',
    params: one,
    query: paging.extend(itemQuery),
    answer: { kind: 'json', status: 200, body: pageOf(planItemLine) },
    audit: null,
  }),
  countPlanItems: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run/item-counts',
    tag,
    summary: 'How many lines a plan has of each object and action, memberships one by one.',
    role: 'viewer',
    scope: 'read',
    params: one,
    answer: {
      kind: 'json',
      status: 200,
      body: z.object({ items: z.array(z.object({ object: z.string(), action: z.string(), count: z.int() })) }),
    },
    audit: null,
  }),
  exportPlan: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run/items/export',
    needsProof: true,
    tag,
    summary: 'Every item of a run’s plan, or those that are looked for, as CSV or JSON. Cards and PINs are masked.',
    role: 'viewer',
    scope: 'read',
    params: one,
    query: z.object({
      format: z.enum(EXPORT_FORMATS).default('csv'),
      ...itemQuery,
      /** Only what concerns this user: object id, user name or alias. */
      user: z.string().max(300).optional(),
    }),
    answer: { kind: 'file', types: ['text/csv', 'application/json', 'application/x-ndjson'] },
    audit: null,
  }),
  approveRun: endpoint({
    method: 'POST',
    path: '/api/v1/runs/:run/approve',
    tag,
    summary: 'Applies a held plan exactly as it was shown, after asking Graph again about every removal.',
    role: 'operator',
    scope: 'runs',
    params: one,
    body: z.strictObject({ hash: z.string(), reason, without: z.enum(['removals', 'rewrites']).optional() }),
    answer: { kind: 'json', status: 202, body: job },
    audit: 'run.approve',
    needsProof: true,
    isIdempotent: true,
  }),
  rejectRun: endpoint({
    method: 'POST',
    path: '/api/v1/runs/:run/reject',
    tag,
    summary: 'Ends a held plan; nothing of it is applied.',
    role: 'operator',
    scope: 'runs',
    params: one,
    body: z.strictObject({ reason }),
    answer: { kind: 'nothing' },
    audit: 'run.reject',
  }),
  cancelRun: endpoint({
    method: 'POST',
    path: '/api/v1/runs/:run/cancel',
    tag,
    summary: 'Asks a run to end; it does within seconds and leaves nothing half done.',
    role: 'operator',
    scope: 'runs',
    params: one,
    answer: { kind: 'nothing' },
    audit: 'run.cancel',
  }),
  /**
   * Answers at once, with a job whose `kind` is `revert`; the run that comes of it is watched like any other and takes the run back
   * also when nobody waits. Ended as `planned`, it removes too much to be done without `confirmed`; {@link getRevert} says what.
   */
  startRevert: endpoint({
    method: 'POST',
    path: '/api/v1/runs/:run/reverts',
    tag,
    summary:
      'Asks for an applied run, or what it did to one user, to be taken back; rows changed since are left and listed.',
    role: 'operator',
    scope: 'runs',
    params: one,
    body: z.strictObject(revertBody),
    answer: { kind: 'json', status: 202, body: job },
    audit: 'run.revert.start',
    needsProof: true,
    isIdempotent: true,
  }),
  getRevert: endpoint({
    method: 'GET',
    path: '/api/v1/runs/:run/revert',
    tag,
    summary: 'What became of a run that takes another one back, once it has ended: what it changed, and what it left.',
    role: 'viewer',
    scope: 'read',
    params: one,
    answer: { kind: 'json', status: 200, body: revertDocument },
    audit: null,
  }),
  /**
   * Does it within the request: for `dryRun`, which stores no run and waits for none, and for what is small. Closing the connection
   * cancels it; {@link startRevert} goes on.
   */
  revertRun: endpoint({
    method: 'POST',
    path: '/api/v1/runs/:run/revert',
    tag,
    summary: 'Shows what taking a run back would do (dryRun), or does it while the request waits.',
    role: 'operator',
    scope: 'runs',
    params: one,
    body: z.strictObject({
      ...revertBody,
      /** Only shows what it would do. */
      dryRun: z.boolean().default(false),
    }),
    answer: { kind: 'json', status: 200, body: revertPreview },
    audit: 'run.revert',
    needsProof: 'unless-dry-run',
    isIdempotent: true,
  }),
} as const
