// demo: its flags.
import type { Command } from 'commander'
import { notRemote } from '../remote.ts'
import type { Runner } from '../session.ts'

export function addDemoCommand(program: Command, run: Runner): void {
  program
    .command('demo')
    .description('see Muster at work with a made-up company; needs no Microsoft account and touches nothing else')
    .option('--once', 'end when everything was shown instead of staying up until Ctrl-C')
    .addHelpText(
      'after',
      `
It keeps everything in a folder of its own, MUSTER_HOME or .muster-demo in your home folder, and
begins afresh every time. It never uses a folder that another Muster has made.

Examples:
  npm run demo
  npm run demo -- --once
`,
    )
    .action(async (options: { readonly once?: true }, command: Command) => {
      const { runDemo } = await import('./demo.ts')
      await run(
        (session) =>
          runDemo({ ...session, remote: notRemote(session.remote, 'demo') }, { once: options.once === true }),
        command.optsWithGlobals(),
      )
    })
}
