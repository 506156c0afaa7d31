// Giving out the items of a stored plan, to a file or to standard output; shared by `plan` and `runs`.
import { Option } from 'commander'
import type { App } from '../app.ts'
import { EXPORT_FORMATS, type ExportFormat } from '../contract/exports.ts'
import { PLAN_ACTIONS } from '../contract/plan-items.ts'
import { UsageError } from './failure.ts'
import { writeNote } from './io.ts'
import { requireWritable, writeWholeFile } from './output-file.ts'
import type { Session } from './session.ts'

export interface PlanOutput {
  readonly format?: ExportFormat
  readonly output?: string
  readonly action?: string
}

export const FORMAT_OPTION = new Option('--format <format>', 'give out all items: csv, json or ndjson').choices(
  EXPORT_FORMATS,
)
export const OUTPUT_OPTION = new Option(
  '-o, --output <path>',
  'write them to a file, which appears when it is complete',
)
export const ACTION_OPTION = new Option('--action <action>', 'only items that do this').choices(PLAN_ACTIONS)

/** Whether what is wanted can be done; asked before anything is run. @throws UsageError, ConfigError */
export async function checkPlanOutput(session: Session, { format, output }: PlanOutput): Promise<void> {
  if (session.json && format !== undefined && output === undefined)
    throw new UsageError('--json prints one document: give the items a file with --output')
  if (output !== undefined) await requireWritable(output)
}

/** True when items are wanted at all. */
export function wantsItems({ format, output }: PlanOutput): boolean {
  return format !== undefined || output !== undefined
}

export async function writeItems(
  session: Session,
  { app, run, wanted, user }: { app: App; run: number; wanted: PlanOutput; user?: string | undefined },
): Promise<void> {
  const { io, signal } = session
  const query = { runId: run, action: wanted.action, user }
  const format = wanted.format ?? (wanted.output?.toLowerCase().endsWith('.csv') === true ? 'csv' : 'json')
  if (wanted.output === undefined) {
    await app.writePlanItems(query, { format, destination: io.stdout, signal })
    return
  }
  await writeWholeFile(wanted.output, (destination) => app.writePlanItems(query, { format, destination, signal }))
  if (io.stderr.isTTY) writeNote(io, `Written to ${wanted.output}`)
}
