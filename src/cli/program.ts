// The command line as a whole: its commands, the flags that all of them take, and how one is run.
import { Command } from 'commander'
import { CLIENT_SETTINGS, SETTINGS } from '../settings.ts'
import { addApplyCommand } from './commands/apply.ts'
import { addApproveCommand } from './commands/approve.ts'
import { addBackupCommand } from './commands/backup.ts'
import { addCancelCommand } from './commands/cancel.ts'
import { addCheckCommand } from './commands/check.ts'
import { addDemoCommand } from './commands/demo-command.ts'
import { addEmulatorCommand } from './commands/emulator-command.ts'
import { addExplainCommand } from './commands/explain.ts'
import { addExportCommand } from './commands/export.ts'
import { addIssuesCommand } from './commands/issues.ts'
import { addKeysCommand } from './commands/keys.ts'
import { addRejectCommand } from './commands/reject.ts'
import { addRestoreCommand } from './commands/restore.ts'
import { addRevertCommand } from './commands/revert.ts'
import { addRunsCommand } from './commands/runs.ts'
import { addServeCommand } from './commands/serve.ts'
import { addSettingsCommand } from './commands/settings.ts'
import { addPlanCommand, addSyncCommand } from './commands/sync.ts'
import { addSignInLinkCommand } from './commands/sign-in-link.ts'
import { addTakeOverCommand } from './commands/take-over.ts'
import type { Io } from './io.ts'
import type { Runner } from './session.ts'

/** Settings whose flags every command takes. */
const GLOBAL_SETTINGS = SETTINGS.filter(({ key }) => key !== 'listen')

const EXIT_CODES = `
Exit codes:
  0    done, or nothing to do
  1    failed
  2    wrong usage or configuration
  3    held: the plan waits for approval
  75   busy: the source is being run by somebody else
  130  cancelled
`

export function createProgram(options: {
  readonly io: Io
  readonly version: string
  /** Usage errors are told by the caller, as a document. */
  readonly json: boolean
  readonly run: Runner
}): Command {
  const program = new Command('muster')
    .description('Keeps a registry of people in step with Microsoft Entra ID, and shows what it does and why.')
    .version(options.version)
    .option('--json', 'print one JSON document and nothing else, also on failure')
    .option('--verbose', 'log everything to standard error, and stacks with errors')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => options.io.stdout.write(text),
      writeErr: (text) => options.io.stderr.write(text),
      ...(options.json ? { outputError: () => undefined } : {}),
    })
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
  for (const { flag, type, description, env } of [...CLIENT_SETTINGS, ...GLOBAL_SETTINGS]) {
    if (flag === undefined) continue
    const value = type.includes(',') ? 'level' : type.split(' ')[0]
    const firstSentence = description.split(/\.(?: (?=[A-Z])|$)/)[0] ?? description
    program.option(`${flag} <${value}>`, `${firstSentence} (${env[0]})`)
  }
  addDemoCommand(program, options.run)
  addEmulatorCommand(program, options.run)
  addServeCommand(program, options.run)
  addApplyCommand(program, options.run)
  addCheckCommand(program, options.run)
  addPlanCommand(program, options.run)
  addSyncCommand(program, options.run)
  addApproveCommand(program, options.run)
  addRejectCommand(program, options.run)
  addCancelCommand(program, options.run)
  addRevertCommand(program, options.run)
  addRunsCommand(program, options.run)
  addSettingsCommand(program, options.run)
  addIssuesCommand(program, options.run)
  addExplainCommand(program, options.run)
  addExportCommand(program, options.run)
  addKeysCommand(program, options.run)
  addBackupCommand(program, options.run)
  addRestoreCommand(program, options.run)
  addTakeOverCommand(program, options.run)
  addSignInLinkCommand(program, options.run)
  return program
}
