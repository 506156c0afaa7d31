// runs: what has been run, the newest first.
import type { Command } from 'commander'
import type { RunLine } from '../../contract/run-list.ts'
import { parseLimit } from '../arguments.ts'
import { writeHealth, writeUndelivered } from '../health.ts'
import { type Io, writeJson, writeLine, writeTable } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'

interface Options {
  readonly source?: string
  readonly limit: number
}

export function addRunsCommand(program: Command, run: Runner): void {
  program
    .command('runs')
    .description('list runs, the newest first')
    .option('--source <name>', 'of this source only')
    .option('--limit <count>', 'how many', parseLimit, 20)
    .addHelpText(
      'after',
      `
Examples:
  muster runs
  muster runs --source contoso-staff --limit 100 --json
`,
    )
    .action(async (options: Options, command: Command) => {
      await run((session) => listRuns(session, options), command.optsWithGlobals())
    })
}

async function listRuns(session: Session, options: Options): Promise<number> {
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
