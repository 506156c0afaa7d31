// Routes of runs: asking for one, watching it, its plan, deciding about it, taking it back.
import { once } from 'node:events'
import { z } from 'zod'
import type { RunView } from '../../contract/api/runs.ts'
import { heldInWords } from '../../contract/held-words.ts'
import type { RunLogLine } from '../../contract/run-log.ts'
import { logLineAsStored, logLineInWords } from '../../contract/run-log-words.ts'
import { countPlanPageLines, listPlanPage } from '../../registry/plan-pages.ts'
import { requirePlanUser } from '../../registry/plan-user.ts'
import { getRunFacts } from '../../registry/run-facts.ts'
import { planRunOf, progressOf, requireRun } from '../../registry/runs.ts'
import { requireJob } from '../../registry/jobs.ts'
import { askForApproval, askForRevert, askForRun, takeBackJob, takeBackUserRun } from '../../sync/asking.ts'
import { presentRevert } from '../../sync/revert-document.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import type { Handlers } from '../handler.ts'
import type { HttpParts } from '../parts.ts'

const FILE_TYPES = { csv: 'text/csv', json: 'application/json', ndjson: 'application/x-ndjson' } as const

export const runRoutes = {
  startRun: (parts, { params, body, actor }) =>
    askForRun(parts, { source: params.source, kind: body.kind, full: body.full, actor }),

  syncUser: (parts, { params, body, actor }) =>
    askForRun(parts, { source: params.source, kind: body.kind, full: false, user: body.user, actor }),

  getJob: ({ engine }, { params, actor }) => requireJob(engine.db, params.job, actor),

  cancelJob: async (parts, { params, query, actor }) => {
    await takeBackJob(parts, { job: params.job, actor, onlyOwn: query.only === 'own' })
    return undefined
  },

  cancelUserRun: async (parts, { params, actor }) => {
    await takeBackUserRun(parts, { job: params.job, actor })
    return undefined
  },

  listRuns: async ({ actions }, { query }) => {
    const { source, outcome, limit } = query
    const [before] = readCursor(query.cursor, z.tuple([z.number()])) ?? []
    const runs = await actions.listRuns({ source, outcome, before, limit: limit + 1 })
    const items = runs.slice(0, limit)
    const last = items.at(-1)
    return { items, next: runs.length > limit && last !== undefined ? writeCursor([Number(last.run)]) : null }
  },

  getRun: (parts, { params }) => view(parts, Number(params.run)),

  watchRun: async ({ engine, feeds }, { params, query, signal }) => {
    const { id } = await requireRun(engine.db, Number(params.run))
    return feeds.watch(id, { after: query.after, signal })
  },

  watchRuns: async ({ engine, feeds }, { query, signal }) => {
    for (const { run } of query.runs) await requireRun(engine.db, run)
    return feeds.watchAll(query.runs, signal)
  },

  listRunLog: async ({ actions }, { params, query }) => {
    const { lines, isEnded } = await actions.readLog({ run: Number(params.run), after: query.after })
    return { items: [...lines], isEnded }
  },

  saveRunLog: async ({ actions, engine }, { params }) => {
    const { id } = await requireRun(engine.db, Number(params.run))
    return {
      type: 'text/plain',
      fileName: `muster-run-${id}.log`,
      async write(destination, signal) {
        for (let after = 0; ; ) {
          signal.throwIfAborted()
          const { lines } = await actions.readLog({ run: id, after })
          const last = lines.at(-1)
          if (last === undefined) return
          after = last.seq
          const text = lines.map((line) => `${lineText(line)}\n`).join('')
          if (!destination.write(text)) await once(destination, 'drain', { signal })
        }
      },
    }
  },

  listPlanItems: async ({ engine }, { params, query }) => {
    const runId = planRunOf(await requireRun(engine.db, Number(params.run)))
    const [seq, user] = readCursor(query.cursor, z.tuple([z.number(), z.number()])) ?? []
    const { action, object, search, limit } = query
    const after = seq === undefined || user === undefined ? undefined : { seq, user }
    const page = await listPlanPage(engine.db, { runId, action, object, search, after, limit })
    const next = page.next === undefined ? null : writeCursor([page.next.seq, page.next.user])
    return { items: [...page.items], next }
  },

  countPlanItems: async ({ engine }, { params }) => {
    const run = await requireRun(engine.db, Number(params.run))
    return { items: [...(await countPlanPageLines(engine.db, planRunOf(run)))] }
  },

  exportPlan: async ({ actions, engine }, { params, query }) => {
    const run = await requireRun(engine.db, Number(params.run))
    const { id } = run
    const { format, ...wanted } = query
    // Before the first byte, so that it is told as an error.
    await requirePlanUser(engine.db, { runId: planRunOf(run), user: wanted.user })
    return {
      type: FILE_TYPES[format],
      fileName: `muster-plan-${id}.${format}`,
      write: (destination, signal) => actions.writePlanItems({ ...wanted, runId: id }, { format, destination, signal }),
    }
  },

  approveRun: (parts, { params, body, actor }) => askForApproval(parts, { run: Number(params.run), ...body, actor }),

  rejectRun: async ({ actions }, { params, body, actor }) => {
    await actions.reject({ run: Number(params.run), reason: body.reason, actor })
    return undefined
  },

  cancelRun: async ({ actions }, { params, actor }) => {
    await actions.cancel({ run: Number(params.run), actor })
    return undefined
  },

  startRevert: (parts, { params, body, actor }) => askForRevert(parts, { run: Number(params.run), ...body, actor }),

  getRevert: ({ engine }, { params }) => presentRevert(engine.db, Number(params.run)),

  revertRun: async ({ actions }, { params, body: { dryRun, ...body }, actor, signal }) => {
    const request = { run: Number(params.run), ...body, signal }
    if (dryRun) return actions.previewRevert(request)
    return { ...(await actions.revert({ ...request, actor, onProgress: () => {} })), items: [], itemsTotal: 0 }
  },
} satisfies Pick<
  Handlers,
  | 'startRun'
  | 'syncUser'
  | 'getJob'
  | 'listRuns'
  | 'getRun'
  | 'watchRun'
  | 'watchRuns'
  | 'listRunLog'
  | 'saveRunLog'
  | 'listPlanItems'
  | 'countPlanItems'
  | 'exportPlan'
  | 'approveRun'
  | 'rejectRun'
  | 'cancelRun'
  | 'startRevert'
  | 'getRevert'
  | 'cancelJob'
  | 'cancelUserRun'
  | 'revertRun'
>

async function view({ actions, engine }: HttpParts, id: number): Promise<RunView> {
  const { line, document } = await actions.getRun(id)
  const run = await requireRun(engine.db, id)
  return {
    line,
    document,
    progress: progressOf(run),
    ...(await getRunFacts(engine.db, id)),
    heldInWords: heldInWords(document?.held?.reasons ?? []),
  }
}

/** `2026-11-23T08:00:01.000Z info  Microsoft Entra sent 12 users. [read what=users count=12]`: a sentence, and the line as it is stored. */
function lineText(line: RunLogLine): string {
  const stored = logLineAsStored(line)
  const words = logLineInWords(line)
  return [line.at, line.level.padEnd(5), words === stored ? stored : `${words} [${stored}]`].join(' ')
}
