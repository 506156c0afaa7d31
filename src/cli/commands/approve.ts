// approve: applies a held plan as it was shown.
import { type Command, Option } from 'commander'
import { parseReason, parseRunId } from '../arguments.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'
import { runWithProgress, writeResult } from './sync.ts'

interface Options {
  readonly hash: string
  readonly reason: string
  readonly without?: 'removals' | 'rewrites'
}

export function addApproveCommand(program: Command, run: Runner): void {
  program
    .command('approve')
    .argument('<run>', 'number of the held run', parseRunId)
    .description('apply a held plan exactly as it was shown')
    .requiredOption('--hash <hash>', 'hash of the plan that you have seen')
    .requiredOption('--reason <text>', 'why it is right; kept with the run', parseReason)
    .addOption(new Option('--without <what>', 'leave these out of what is applied').choices(['removals', 'rewrites']))
    .addHelpText(
      'after',
      `
Examples:
  muster approve 17 --hash 3f9a… --reason "the school closed, 212 leavers are right"
  muster approve 17 --hash 3f9a… --reason "only the new cards" --without removals
`,
    )
    .action(async (runId: number, options: Options, command: Command) => {
      await run((session) => approve(session, { runId, ...options }), command.optsWithGlobals())
    })
}

async function approve(
  session: Session,
  { runId, hash, reason, without }: Options & { readonly runId: number },
): Promise<number> {
  return withApp(
    session,
    async (app) => {
      const document = await runWithProgress(session, (onProgress) =>
        app.approve({ run: runId, hash, reason, without, actor: commandLine(), signal: session.signal, onProgress }),
      )
      return writeResult(session, { app, document })
    },
    { tellsRun: true },
  )
}
