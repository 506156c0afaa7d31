// sign-in-link: the way in for who has lost password or second factor.
import type { Command } from 'commander'
import { writeJson, writeLine, writeNote } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

interface Options {
  readonly resetSecondFactor?: true
}

export function addSignInLinkCommand(program: Command, run: Runner): void {
  program
    .command('sign-in-link')
    .argument('<name>', 'name of the local account')
    .description('print a link that signs a local account in once, within 30 minutes')
    .option('--reset-second-factor', 'also take its second factor away, which is lost')
    .addHelpText(
      'after',
      `
For who has lost password or second factor, and nobody is left who could give a new one. It asks for neither; it is
audited. It leads to MUSTER_PUBLIC_URL, or to a server of this machine that runs. Signed in, set a new password under
My account within ten minutes, which does not ask for the old one then; and turn on a new second factor there.

Examples:
  muster sign-in-link Ann
  muster sign-in-link Ann --reset-second-factor
`,
    )
    .action(async (name: string, options: Options, command: Command) => {
      await run((session) => printLink(session, name, options), command.optsWithGlobals())
    })
}

async function printLink(session: Session, name: string, options: Options): Promise<number> {
  return withApp(session, async (app) => {
    const resetSecondFactor = options.resetSecondFactor === true
    const { link, isAssumed } = await app.signInLink({ name, resetSecondFactor, actor: commandLine() })
    if (session.json) writeJson(session.io, { link, isAssumed })
    else writeLine(session.io, link)
    if (isAssumed && !session.json)
      writeNote(
        session.io,
        'No server was found running, so the address is the one of MUSTER_LISTEN here. Start it, or set MUSTER_PUBLIC_URL; what stands behind the # is good at any of them.',
      )
    return 0
  })
}
