// export: users, groups or memberships for other systems.
import type { Writable } from 'node:stream'
import { type Command, Option } from 'commander'
import type { App } from '../../app.ts'
import {
  CSV_DIALECTS,
  type CsvDialect,
  EXPORT_FORMATS,
  EXPORT_KINDS,
  type ExportFormat,
  type ExportKind,
} from '../../contract/exports.ts'
import { UsageError } from '../failure.ts'
import { writeNote } from '../io.ts'
import { writeDocument, writeWholeFile } from '../output-file.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

interface Options {
  readonly format?: ExportFormat
  readonly csvDialect?: CsvDialect
  readonly output?: string
}

export function addExportCommand(program: Command, run: Runner): void {
  const command = program.command('export')
  command
    .description('write users, groups or memberships for other systems')
    .addArgument(command.createArgument('<what>', 'what to write').choices(EXPORT_KINDS))
    .addOption(new Option('--format <format>', 'ndjson (default), json or csv').choices(EXPORT_FORMATS))
    .addOption(new Option('--csv-dialect <dialect>', 'column layout of a CSV of users').choices(CSV_DIALECTS))
    .option('-o, --output <path>', 'write to a file, which appears when it is complete (cards are readable in it)')
    .addHelpText(
      'after',
      `
PINs are never exported. In CSV several values of a cell are joined by ; and cells that a
spreadsheet would run begin with '. --csv-dialect myq lists active users only.

Examples:
  muster export users                                   one JSON object a line
  muster export users --format csv --output users.csv
  muster export users --format csv --csv-dialect myq --output myq.csv
  muster export memberships --format json
`,
    )
    .action(async (kind: ExportKind, options: Options, self: Command) => {
      await run((session) => exportRegistry(session, { kind, ...options }), self.optsWithGlobals())
    })
}

interface Request extends Options {
  readonly kind: ExportKind
}

async function exportRegistry(session: Session, request: Request): Promise<number> {
  const { kind, output } = request
  // --json asks for one document, which lines of JSON are not.
  const format = request.format ?? (session.json ? 'json' : request.csvDialect === undefined ? 'ndjson' : 'csv')
  const dialect = request.csvDialect ?? 'muster'
  if (session.json && format !== 'json') throw new UsageError(`--json does not go with --format ${format}`)
  if (request.csvDialect !== undefined && format !== 'csv') throw new UsageError('--csv-dialect needs --format csv')
  if (dialect === 'myq' && kind !== 'users') throw new UsageError('--csv-dialect myq is a layout of users')
  return withApp(session, async (app) => {
    if (output === undefined) {
      const write = (destination: Writable) =>
        app.export({ kind, format, dialect }, { destination, actor: commandLine(), signal: session.signal })
      if (session.json) await writeDocument(session.io, write)
      else await write(session.io.stdout)
    } else {
      await exportToFile(session, { app, output, request: { kind, format, dialect } })
    }
    return 0
  })
}

async function exportToFile(
  session: Session,
  { app, output, request }: { app: App; output: string; request: Parameters<App['export']>[0] },
): Promise<void> {
  await writeWholeFile(output, (destination) =>
    app.export(request, { destination, actor: commandLine(), signal: session.signal }),
  )
  if (session.io.stderr.isTTY) writeNote(session.io, `Written to ${output}`)
}
