// settings: what the settings of a source were, who saved them, and the way back to them.
import type { Command } from 'commander'
import type { App } from '../../app.ts'
import { shellWord } from '../../base/shell.ts'
import { parseSettings } from '../../contract/written-settings.ts'
import { parseSettingsNumber } from '../arguments.ts'
import { UsageError } from '../failure.ts'
import { writeChanges, writeImpact } from '../impact.ts'
import { printable, writeJson, writeLine } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

interface Options {
  readonly restore?: true
  readonly dryRun?: true
}

export function addSettingsCommand(program: Command, run: Runner): void {
  program
    .command('settings')
    .argument('<source>', 'name of the source')
    .argument(
      '[number]',
      'of the saved settings: how they differ from those of now, and what they would do',
      parseSettingsNumber,
    )
    .description('list how the settings of a source were saved, the newest first, or go back to earlier ones')
    .option('--restore', 'save these settings again')
    .option('--dry-run', 'with --restore: show what that would change and write nothing')
    .addHelpText(
      'after',
      `
Examples:
  muster settings contoso-staff                who saved what, and when
  muster settings contoso-staff 7              what would change if those were saved again
  muster settings contoso-staff 7 --restore    save them again; the next run plans by them
`,
    )
    .action(async (source: string, number: number | undefined, options: Options, command: Command) => {
      const work = (session: Session) => {
        if (options.dryRun === true && options.restore !== true) throw new UsageError('--dry-run goes with --restore')
        if (number !== undefined) return showOrRestore(session, { source, number, ...options })
        if (options.restore === true)
          throw new UsageError('--restore needs the number of saved settings; without it they are listed')
        return list(session, source)
      }
      await run(work, command.optsWithGlobals())
    })
}

async function list(session: Session, source: string): Promise<number> {
  return withApp(session, async (app) => {
    const { io } = session
    const items = await app.listSourceSettings({ source })
    if (session.json) {
      writeJson(io, { source, settings: items })
      return 0
    }
    if (items.length === 0) writeLine(io, 'Nothing was saved since earlier settings are kept.')
    for (const { number, savedAt, savedBy, changes, isCurrent } of items) {
      const who = savedBy === null ? 'by nobody that was kept' : `by ${printable(savedBy.name)} (${savedBy.kind})`
      writeLine(io, `${number}  ${savedAt.slice(0, 16).replace('T', ' ')}  ${who}${isCurrent ? '  now' : ''}`)
      writeChanges(io, changes)
    }
    return 0
  })
}

interface Wanted extends Options {
  readonly source: string
  readonly number: number
}

async function showOrRestore(session: Session, wanted: Wanted): Promise<number> {
  return withApp(session, async (app) => {
    const { source, number } = wanted
    const kept = await app.getSourceSettings({ source, number })
    const isSaved = wanted.restore === true && wanted.dryRun !== true
    const [preview, warnings] = isSaved
      ? [undefined, await restore(app, session, { ...wanted, seen: kept.updatedAt })]
      : [await impactOf(app, session, { source, settings: kept.settings }), []]
    if (session.json) {
      const plan =
        preview === undefined
          ? null
          : { ...preview.document, isUnread: preview.isUnread, unreadAttributes: preview.unreadAttributes }
      writeJson(session.io, { source, ...kept, isRestored: isSaved, plan, warnings })
      return 0
    }
    const { io } = session
    if (kept.differences.length === 0) writeLine(io, `These are the settings that ${printable(source)} has now.`)
    else if (isSaved) writeLine(io, `${printable(source)} has the settings of number ${number} again:`)
    else writeLine(io, `With the settings of number ${number} ${printable(source)} would change:`)
    writeChanges(io, kept.differences)
    for (const { at, message } of warnings) writeLine(io, `! ${printable(at)}: ${printable(message)}`)
    if (preview !== undefined && kept.differences.length > 0) {
      await writeImpact(session, preview)
      if (wanted.dryRun === true) writeLine(io, 'Nothing was written (--dry-run).')
      else writeLine(io, `To go back to them: muster settings ${shellWord(printable(source))} ${number} --restore`)
    }
    return 0
  })
}

function restore(app: App, { signal }: Session, { source, number, seen }: Wanted & { readonly seen: string }) {
  return app.restoreSourceSettings({ source, number, seen, actor: commandLine(), signal })
}

function impactOf(
  app: App,
  { signal }: Session,
  { source, settings }: { readonly source: string; readonly settings: Readonly<Record<string, unknown>> },
) {
  return app.preview({ source, settings: parseSettings(settings), signal })
}
