// backup: everything that the database holds, as one file.
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import type { App } from '../../app.ts'
import type { BackupProgress, BackupSummary } from '../../contract/backups.ts'
import { commandLine } from '../who.ts'
import { readEncryptFor } from '../backup-keys.ts'
import { UsageError } from '../failure.ts'
import { writeJson, writeLine, writeNote } from '../io.ts'
import { writeWholeFile } from '../output-file.ts'
import { startBar } from '../progress.ts'
import { type Runner, type Session, withApp } from '../session.ts'

interface Options {
  readonly output?: string
  readonly encryptTo?: readonly string[]
  readonly passphraseFile?: string
}

export const BACKUP_PHASES: Readonly<Record<BackupProgress['phase'], string>> = {
  copying: 'copying rows',
  checking: 'checking the backup',
  loading: 'loading rows',
  indexing: 'building indexes',
}

export function addBackupCommand(program: Command, run: Runner): void {
  program
    .command('backup')
    .description('write everything that the database holds to a file, as it is at one moment')
    .option('-o, --output <path>', 'the file, which appears when it is complete; - for standard output')
    .option('--encrypt-to <key>', 'encrypt it for this public key of age (age1…); may be given again', collect, [])
    .option('--passphrase-file <path>', 'encrypt it with the passphrase in this file')
    .addHelpText(
      'after',
      `
The key file is never in it. Keep a copy of that apart: without it cards and secrets in the backup
cannot be read, and the backup cannot be restored. Names and mail addresses are readable in a backup
that is not encrypted. Servers go on working meanwhile.

Examples:
  muster backup --output /backups/muster.backup
  muster backup --output muster.backup.age --encrypt-to age1xmw…       age-keygen makes such keys
  muster backup --output muster.backup.age --passphrase-file secret.txt
  muster --url https://muster.example.com --token-file token backup --output muster.backup
  muster restore muster.backup --check                                 whether it is whole
`,
    )
    .action(async (options: Options, command: Command) => {
      await run((session) => backup(session, options), command.optsWithGlobals())
    })
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

async function backup(session: Session, options: Options): Promise<number> {
  const { output } = options
  if (output === undefined) throw new UsageError('name the file with --output FILE')
  if (output === '-' && session.json) throw new UsageError('--json does not go with --output -')
  const encryptFor = await readEncryptFor(options)
  return withApp(session, async (app) => {
    const request = { actor: commandLine(), encryptFor, signal: session.signal }
    if (output === '-') {
      await app.backup({ ...request, destination: session.io.stdout })
      return 0
    }
    const summary = await backupToFile(session, { app, output, request })
    const bytes = (await stat(output)).size
    const encrypted = encryptFor !== undefined
    if (session.json) writeJson(session.io, { file: output, ...summary, bytes, encrypted })
    else {
      const rows = summary.rows === null ? '' : `${summary.rows.toLocaleString('en-US')} rows, `
      writeLine(
        session.io,
        `Written to ${output}: ${rows}${bytes.toLocaleString('en-US')} bytes${encrypted ? ', encrypted' : ''}`,
      )
      if (session.io.stderr.isTTY)
        writeNote(session.io, 'The key file is not in it; keep a copy of that apart from the backups.')
    }
    return 0
  })
}

async function backupToFile(
  session: Session,
  {
    app,
    output,
    request,
  }: { app: App; output: string; request: Omit<Parameters<App['backup']>[0], 'destination' | 'onProgress'> },
): Promise<BackupSummary> {
  const bar = startBar(session.io)
  let summary: BackupSummary | undefined
  try {
    await writeWholeFile(output, async (destination) => {
      summary = await app.backup({
        ...request,
        destination,
        onProgress: (progress) => bar.show({ ...progress, phase: BACKUP_PHASES[progress.phase] }),
      })
    })
  } finally {
    bar.stop()
  }
  if (summary === undefined) throw new Error('a backup was written without a summary')
  return summary
}
