// cancel: ends a run that is going on, in this process or another.
import type { Command } from 'commander'
import { commandLine } from '../who.ts'
import { parseRunId } from '../arguments.ts'
import { writeJson, writeLine } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'

export function addCancelCommand(program: Command, run: Runner): void {
  program
    .command('cancel')
    .argument('<run>', 'number of the run', parseRunId)
    .description('cancel a run that is going on; it ends within seconds and leaves nothing half done')
    .addHelpText(
      'after',
      `
Example:
  muster runs            find the run
  muster cancel 18
`,
    )
    .action(async (runId: number, _options: object, command: Command) => {
      await run((session) => cancel(session, runId), command.optsWithGlobals())
    })
}

async function cancel(session: Session, runId: number): Promise<number> {
  return withApp(session, async (app) => {
    await app.cancel({ run: runId, actor: commandLine() })
    if (session.json) writeJson(session.io, { run: String(runId), cancelRequested: true })
    else writeLine(session.io, `Run ${runId}: asked to end.`)
    return 0
  })
}
