// runs: what has been run, the newest first; or one run with its plan.
import type { Command } from 'commander'
import type { RunLine } from '../../contract/run-list.ts'
import { parseLimit, parseRunId } from '../arguments.ts'
import { UsageError } from '../failure.ts'
import { writeHealth, writeUndelivered } from '../health.ts'
import { type Io, writeJson, writeLine, writeTable } from '../io.ts'
import { ACTION_OPTION, FORMAT_OPTION, OUTPUT_OPTION, type PlanOutput } from '../plan-output.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { showRun } from './run-details.ts'
import { type LogOptions, showRunLog } from './run-log.ts'

interface Options extends PlanOutput, Pick<LogOptions, 'follow'> {
  readonly source?: string
  readonly limit: number
  readonly items?: true
  readonly user?: string
  readonly log?: true
}

export function addRunsCommand(program: Command, run: Runner): void {
  program
    .command('runs')
    .argument('[run]', 'number of a run: its document, its decision and the items of its plan', parseRunId)
    .description('list runs, the newest first, or show one with its plan, also a held one, or its log')
    .option('--source <name>', 'of this source only')
    .option('--limit <count>', 'how many', parseLimit, 20)
    .option('--items', 'of one run: all items of its plan (cards and PINs masked)')
    .addOption(FORMAT_OPTION)
    .addOption(OUTPUT_OPTION)
    .addOption(ACTION_OPTION)
    .option('--user <who>', 'of one run: only what concerns this user (object id, user name or alias)')
    .option('--log', 'of one run: what it logged; with --output as JSON lines')
    .option('--follow', 'with --log: goes on until the run has ended')
    .addHelpText(
      'after',
      `
Examples:
  muster runs
  muster runs 12 --log --follow
  muster runs 12 --log --output run-12.log
  muster runs --source contoso-staff --limit 100 --json
  muster runs 17                                       one run; a held plan is shown as it waits
  muster runs 17 --items --action deactivate --format csv --output leavers.csv
`,
    )
    .action(async (runId: number | undefined, options: Options, command: Command) => {
      const work = (session: Session) => {
        if (isAboutLog(runId, options)) return showRunLog(session, { ...options, run: runId })
        return runId === undefined ? listRuns(session, options) : showRun(session, { run: runId, ...options })
      }
      await run(work, command.optsWithGlobals())
    })
}

/** @throws UsageError for combinations that mean nothing */
function isAboutLog(runId: number | undefined, options: Options): runId is number {
  const { log, follow, items, format, action, user } = options
  if (log !== true && follow === true) throw new UsageError('--follow goes with --log')
  if (log !== true) return false
  if (runId === undefined) throw new UsageError('--log needs the number of a run; muster runs lists them')
  if ([items, format, action, user].some((option) => option !== undefined))
    throw new UsageError('--items, --format, --action and --user are about the plan of a run, not its log')
  return true
}

async function listRuns(session: Session, options: Options): Promise<number> {
  const { items, format, output, action, user } = options
  if ([items, format, output, action, user].some((option) => option !== undefined))
    throw new UsageError('--items, --format, --output, --action and --user need the number of a run')
  return withApp(session, async (app) => {
    const runs = await app.listRuns(options)
    const health = (await app.listHealth()).filter(
      (line) => options.source === undefined || line.source === options.source,
    )
    const undelivered = await app.listUndelivered()
    if (session.json) {
      writeJson(session.io, { runs, health, undelivered })
      return 0
    }
    writeHealth(session.io, health)
    if (runs.length === 0) writeLine(session.io, 'Nothing has been run yet.')
    else writeRuns(session.io, runs)
    writeUndelivered(session.io, undelivered)
    return 0
  })
}

function writeRuns(io: Io, runs: readonly RunLine[]): void {
  writeTable(
    io,
    ['run', 'source', 'kind', 'mode', 'started', 'outcome', 'users', 'issues'],
    runs.map((run) => [
      run.run,
      run.source,
      run.kind,
      run.mode,
      run.startedAt.slice(0, 19).replace('T', ' '),
      run.decision === null ? (run.outcome ?? 'running') : `${run.outcome ?? ''}, ${run.decision}`,
      userFigures(run.users),
      run.issuesTotal === null ? '' : String(run.issuesTotal),
    ]),
  )
}

/** Came, changed, went. */
function userFigures(users: RunLine['users']): string {
  if (users === null) return ''
  const came = users.created + users.adopted + users.takenOver + users.reactivated
  return `+${came} ~${users.updated + users.renamed} -${users.deactivated + users.deleted}`
}
