// take-over: the original of a restored or copied installation is gone.
import type { Command } from 'commander'
import { writeJson, writeLine } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

export function addTakeOverCommand(program: Command, run: Runner): void {
  program
    .command('take-over')
    .description('say that the original of this restored or copied installation is stopped')
    .addHelpText(
      'after',
      `
A database that finds itself in another place than it was left in was restored or copied, and the original may
still be at work: two that synchronize one tenant would disagree about names, numbers and PINs, and alert twice.
So a copy makes plans, applies nothing and alerts nobody until this is said.

Examples:
  muster take-over
  muster --url https://muster.example.com --token-file token take-over
`,
    )
    .action(async (_options: object, command: Command) => {
      await run(takeOver, command.optsWithGlobals())
    })
}

async function takeOver(session: Session): Promise<number> {
  return withApp(session, async (app) => {
    const wasCopy = await app.takeOver({ actor: commandLine() })
    if (session.json) writeJson(session.io, { wasCopy })
    else
      writeLine(
        session.io,
        wasCopy ? 'Taken over: this is the installation now.' : 'This is no copy; there was nothing to take over.',
      )
    return 0
  })
}
