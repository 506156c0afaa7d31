// restore: makes a database what it was when a backup was made.
import type { Command } from 'commander'
import type { RestoreSummary } from '../../contract/backups.ts'
import { commandLine } from '../who.ts'
import { readUnlock } from '../backup-keys.ts'
import { UsageError } from '../failure.ts'
import { writeJson, writeLine } from '../io.ts'
import { startBar } from '../progress.ts'
import { readConfig, type Runner, type Session, sessionLog } from '../session.ts'
import { BACKUP_PHASES } from './backup.ts'

interface Options {
  readonly check?: true
  readonly replace?: true
  readonly yes?: true
  readonly takeOver?: true
  readonly passphraseFile?: string
  readonly identity?: string
}

export function addRestoreCommand(program: Command, run: Runner): void {
  program
    .command('restore')
    .description('make the database what it was when a backup was made')
    .argument('<file>', 'what muster backup wrote')
    .option('--check', 'only read the file and say whether it is whole; nothing is touched')
    .option('--replace', 'put it in the place of everything that the database holds; needs --yes')
    .option('--yes', 'what the database holds may be lost')
    .option('--take-over', 'the original is stopped, and this is the installation now')
    .option('--passphrase-file <path>', 'opens an encrypted backup: a file with its passphrase')
    .option('--identity <path>', 'opens an encrypted backup: a file with the secret key of age')
    .addHelpText(
      'after',
      `
Stop all servers first. The database must be empty, unless --replace is given; it is the embedded one, or
the one that MUSTER_DATABASE_URL names, so this also moves an installation from one to the other. The key
file must be the one of the installation that the backup was made of. All of the file is checked before
anything is touched, and a restore that fails changes nothing.

Restored in another place than the original it plans, but applies nothing and alerts nobody, until you say
that the original is stopped: with --take-over now, or with muster take-over later.

Afterwards nobody is signed in. API tokens and administrators are those of the backup: look through them.
The next synchronization brings in what has changed in Entra since.

Examples:
  muster restore muster.backup --check
  muster restore muster.backup
  muster restore muster.backup --replace --yes
  muster restore muster.backup.age --identity age.key
  muster --database-url postgresql://muster@db.example.com/muster restore muster.backup
`,
    )
    .action(async (file: string, options: Options, command: Command) => {
      await run((session) => restore(session, { file, options }), command.optsWithGlobals())
    })
}

async function restore(
  session: Session,
  { file, options }: { readonly file: string; readonly options: Options },
): Promise<number> {
  if (session.remote.url !== undefined)
    throw new UsageError(
      'restore works on the database itself, and no server may be using it: run it where the server is started, without --url and MUSTER_URL, while the server is stopped',
    )
  if (options.replace === true && options.yes !== true)
    throw new UsageError('--replace removes all that the database holds now; say --yes as well when that is meant')
  const config = readConfig(session)
  const unlock = await readUnlock(options)
  const { restoreInto } = await import('../../open-app.ts')
  const bar = startBar(session.io)
  let summary: RestoreSummary
  try {
    summary = await restoreInto(
      config,
      { clock: session.clock, log: sessionLog(session, config) },
      {
        file,
        checkOnly: options.check === true,
        replace: options.replace === true,
        takeOver: options.takeOver === true,
        unlock,
        actor: commandLine(),
        signal: session.signal,
        onProgress: (progress) => bar.show({ ...progress, phase: BACKUP_PHASES[progress.phase] }),
      },
    )
  } finally {
    bar.stop()
  }
  if (session.json) writeJson(session.io, { file, ...summary })
  else tell(session, summary)
  return 0
}

function tell({ io }: Session, { createdAt, muster, rows, tables, migrated, copied, restored }: RestoreSummary): void {
  const what = `the backup of ${createdAt} (Muster ${muster}, ${tables} tables, ${rows.toLocaleString('en-US')} rows)`
  if (!restored) {
    writeLine(io, `Whole, and the key file fits: ${what}`)
    return
  }
  writeLine(io, `Restored: ${what}`)
  if (migrated.length > 0) writeLine(io, `Brought up to date with ${migrated.length} migrations.`)
  if (copied) {
    writeLine(
      io,
      'This is another place than the original: nothing is applied and nobody alerted until you have made sure',
    )
    writeLine(io, 'that the original is stopped, and said so with: muster take-over')
  }
  writeLine(io, 'Nobody is signed in now. Look through administrators and API tokens: they are those of the backup.')
}
