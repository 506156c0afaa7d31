// runs RUN: one run with its document, what was decided about it, and the items of its plan.
import type { App } from '../../app.ts'
import type { RunLine } from '../../contract/run-list.ts'
import { printable, writeJson, writeLine } from '../io.ts'
import { writePlan } from '../plan-table.ts'
import { checkPlanOutput, type PlanOutput, wantsItems, writeItems } from '../plan-output.ts'
import { type Session, withApp } from '../session.ts'
import { writeRun } from '../summary.ts'

export interface RunDetailsRequest extends PlanOutput {
  readonly run: number
  readonly items?: true
  /** Items of this user only. */
  readonly user?: string
}

/** Items in the document of `runs RUN --json`; --items gives out all of them. */
const ITEMS_SHOWN = 1_000

export async function showRun(session: Session, request: RunDetailsRequest): Promise<number> {
  await checkPlanOutput(session, request)
  return withApp(session, async (app) => {
    const details = await app.getRun(request.run)
    if (wantsItems(request) || (request.items === true && !session.json)) {
      await writeItems(session, { app, run: request.run, wanted: request, user: request.user })
      if (session.json) writeJson(session.io, { run: details.line, document: details.document })
      return 0
    }
    const query = { runId: request.run, action: request.action, user: request.user }
    const { items, total } = await app.listPlanItems({ ...query, limit: ITEMS_SHOWN })
    if (session.json) {
      writeJson(session.io, { run: details.line, document: details.document, items, itemsTotal: total })
      return 0
    }
    await writePlan(session.io, items)
    if (total === 0 && (request.action !== undefined || request.user !== undefined))
      writeLine(session.io, 'The plan has no such items.')
    if (total > items.length)
      writeLine(session.io, `${total.toLocaleString('en-US')} in all: muster runs ${request.run} --items`)
    writeDetails(session, { app, ...details })
    return 0
  })
}

function writeDetails(session: Session, { line, document }: { app: App } & Awaited<ReturnType<App['getRun']>>): void {
  const { io } = session
  if (document === null) writeLine(io, `Run ${line.run} of ${printable(line.source)}: ${line.outcome ?? 'running'}.`)
  else writeRun(io, line.decision === null ? document : { ...document, held: null })
  if (line.leftWaiting !== null)
    writeLine(
      io,
      `It left the plan of run ${line.leftWaiting} waiting, which is the one above: muster runs ${line.leftWaiting}`,
    )
  if (line.approves !== null) writeLine(io, `It approves run ${line.approves}.`)
  if (line.reverts !== null)
    writeLine(
      io,
      line.outcome === 'applied' ? `It took run ${line.reverts} back.` : `It was to take run ${line.reverts} back.`,
    )
  const decided = decisionOf(line)
  if (decided !== undefined) writeLine(io, printable(decided))
}

function decisionOf({ decision, decidedBy, decidedReason, leftWaiting }: RunLine): string | undefined {
  if (leftWaiting !== null || (decision === null && decidedBy === null)) return undefined
  const by = decidedBy === null ? '' : ` by ${decidedBy}`
  return `${decision ?? 'Asked for'}${by}${decidedReason === null ? '' : `: ${decidedReason}`}`
}
