// reject: ends a held plan without applying it.
import type { Command } from 'commander'
import { parseReason, parseRunId } from '../arguments.ts'
import { writeJson, writeLine } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

export function addRejectCommand(program: Command, run: Runner): void {
  program
    .command('reject')
    .argument('<run>', 'number of the held run', parseRunId)
    .description('end a held plan; what it would have done is planned again by the next run')
    .requiredOption('--reason <text>', 'why it is wrong; kept with the run', parseReason)
    .addHelpText(
      'after',
      `
Example:
  muster reject 17 --reason "the wrong group was emptied in Entra"
`,
    )
    .action(async (runId: number, options: { reason: string }, command: Command) => {
      await run((session) => reject(session, { runId, ...options }), command.optsWithGlobals())
    })
}

async function reject(session: Session, { runId, reason }: { runId: number; reason: string }): Promise<number> {
  return withApp(session, async (app) => {
    await app.reject({ run: runId, reason, actor: commandLine() })
    if (session.json) writeJson(session.io, { run: String(runId), decision: 'rejected' })
    else writeLine(session.io, `Run ${runId}: rejected. Nothing was written to the registry.`)
    return 0
  })
}
