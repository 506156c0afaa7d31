// sync and plan: one run of a source, applied or only shown.
import { type Command, Option } from 'commander'
import type { App } from '../../app.ts'
import { exitCodeOf, type RunDocument } from '../../contract/runs.ts'
import { writeJson, writeLine } from '../io.ts'
import {
  ACTION_OPTION,
  checkPlanOutput,
  FORMAT_OPTION,
  OUTPUT_OPTION,
  type PlanOutput,
  wantsItems,
  writeItems,
} from '../plan-output.ts'
import { writePlan } from '../plan-table.ts'
import { startProgress } from '../progress.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { writeRun } from '../summary.ts'
import { commandLine } from '../who.ts'

interface Options extends PlanOutput {
  readonly full?: true
  /** User principal name or object id. */
  readonly user?: string
  /** commander turns --no-wait into this. */
  readonly wait: boolean
}

export function addSyncCommand(program: Command, run: Runner): void {
  program
    .command('sync')
    .argument('<source>', 'name of the source')
    .description('synchronize a source: read what changed, plan, apply')
    .addOption(new Option('--full', 'compare everything instead of reading changes only').conflicts('user'))
    .option('--user <name>', 'only this user, by user principal name or object id, read anew')
    .option('--no-wait', 'end with exit code 75 at once when the source is being run')
    .addHelpText(
      'after',
      `
Examples:
  muster sync contoso-staff            read and apply what changed
  muster sync contoso-staff --full     compare everything
  muster sync contoso-staff --user ann@contoso.com
                                       one person, now
  muster sync contoso-staff --json     the result as one JSON document
`,
    )
    .action(async (source: string, options: Options, command: Command) => {
      await run((session) => sync(session, { source, kind: 'sync', ...options }), command.optsWithGlobals())
    })
}

export function addPlanCommand(program: Command, run: Runner): void {
  program
    .command('plan')
    .argument('<source>', 'name of the source')
    .description('show what synchronizing a source would do, and why; writes nothing to the registry')
    .addOption(new Option('--full', 'compare everything instead of reading changes only').conflicts('user'))
    .option('--user <name>', 'only this user, by user principal name or object id, read anew')
    .option('--no-wait', 'end with exit code 75 at once when the source is being run')
    .addOption(FORMAT_OPTION)
    .addOption(OUTPUT_OPTION)
    .addOption(ACTION_OPTION)
    .addHelpText(
      'after',
      `
Examples:
  muster plan contoso-staff            what a sync would do now
  muster plan contoso-staff --json     the counts as one JSON document
  muster plan contoso-staff --format csv --output plan.csv
                                       every item, for a spreadsheet
`,
    )
    .action(async (source: string, options: Options, command: Command) => {
      await run((session) => sync(session, { source, kind: 'plan', ...options }), command.optsWithGlobals())
    })
}

interface Request extends Options {
  readonly source: string
  readonly kind: 'sync' | 'plan'
}

async function sync(session: Session, request: Request): Promise<number> {
  await checkPlanOutput(session, request)
  return withApp(
    session,
    async (app) => {
      const document = await runWithProgress(session, (onProgress) =>
        app.run({
          source: request.source,
          kind: request.kind,
          mode: request.full === true ? 'full' : 'auto',
          trigger: 'manual',
          user: request.user,
          wait: request.wait,
          actor: commandLine(),
          signal: session.signal,
          onProgress,
        }),
      )
      if (wantsItems(request) && document.planHash !== null) {
        await writeItems(session, { app, run: Number(document.run), wanted: request })
        // The items have standard output for themselves.
        if (request.output === undefined) return exitCodeOf(document.outcome)
      } else if (!session.json && request.kind === 'plan')
        await showPlan(session, { app, document, action: request.action })
      return writeResult(session, { app, document })
    },
    { tellsRun: true },
  )
}

/** Runs with a progress bar; shared by every command that runs something. */
export async function runWithProgress(
  session: Session,
  start: (onProgress: Parameters<App['run']>[0]['onProgress']) => Promise<RunDocument>,
): Promise<RunDocument> {
  const bar = startProgress(session.io)
  try {
    return await start((progress) => bar.show(progress))
  } finally {
    bar.stop()
  }
}

/** Prints a run's document or what it says, and answers the exit code. */
export async function writeResult(
  session: Session,
  { app, document }: { readonly app: App; readonly document: RunDocument },
): Promise<number> {
  if (session.json) writeJson(session.io, document)
  else writeRun(session.io, document, await remedyOf(app, document))
  return exitCodeOf(document.outcome)
}

/** What to do about a run that failed: what its source is told to fail of, if it is that. */
async function remedyOf(app: App, { outcome, source, error }: RunDocument): Promise<string | null> {
  if (outcome !== 'failed') return null
  const health = (await app.listHealth()).find((line) => line.source === source)
  return health?.code === error?.code ? (health?.remedy ?? null) : null
}

async function showPlan(
  session: Session,
  { app, document, action }: { app: App; document: RunDocument; action: string | undefined },
): Promise<void> {
  if (document.outcome !== 'planned') return
  await app.readPlan(Number(document.run), async (items) => writePlan(session.io, ofAction(items, action)))
  writeLine(session.io)
}

/** All items where no action is named. */
async function* ofAction<Item extends { readonly action: string }>(
  items: AsyncIterable<Item>,
  action: string | undefined,
): AsyncGenerator<Item> {
  for await (const item of items) if (action === undefined || item.action === action) yield item
}
