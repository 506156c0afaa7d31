// apply: makes connections and sources as a config file says.
import { shellWord } from '../../base/shell.ts'
import type { Command } from 'commander'
import type { SettingsPreview } from '../../app.ts'
import { environment } from '../../config.ts'
import { type ConfigFile, parseConfigFile } from '../../contract/config-file.ts'
import type { ConfigurationChange } from '../../contract/configuration.ts'
import { readConfigDocument, readSecrets } from '../config-document.ts'
import { UsageError } from '../failure.ts'
import { writeChanges as writeFieldChanges, writeImpact } from '../impact.ts'
import { printable, writeJson, writeLine } from '../io.ts'
import { commandLine } from '../who.ts'
import { type Runner, type Session, withApp } from '../session.ts'

interface Options {
  readonly file: string
  readonly dryRun?: true
  readonly prune?: true
  readonly yes?: true
}

export function addApplyCommand(program: Command, run: Runner): void {
  program
    .command('apply')
    .description('create or change connections and sources to match a config file')
    .requiredOption('-f, --file <path>', 'the config file, YAML or JSON; - is standard input')
    .option('--dry-run', 'show what would change and write nothing')
    .option('--prune', 'also remove connections and sources that the file lacks (their people stay)')
    .option('--yes', 'confirms --prune')
    .addHelpText(
      'after',
      `
Examples:
  muster apply -f muster.yaml --dry-run    see what the file would change
  muster apply -f muster.yaml              change it; again changes nothing
  muster apply -f muster.yaml --prune --yes
`,
    )
    .action(async (options: Options, command: Command) => {
      await run((session) => apply(session, options), command.optsWithGlobals())
    })
}

async function apply(session: Session, options: Options): Promise<number> {
  const document = await readConfigDocument(options.file)
  return withApp(session, async (app) => {
    const file = parseConfigFile(document, await app.connectionNames())
    const secrets = await readSecrets(file, { configPath: options.file, environment: environment() })
    const prune = options.prune === true
    const asked = { document, secrets, prune, actor: commandLine(), signal: session.signal }
    if (prune && options.yes !== true && options.dryRun !== true) {
      const preview = await app.configure({ ...asked, dryRun: true })
      refuseUnconfirmed(preview.changes.filter((change) => change.action === 'remove'))
    }
    const { changes, warnings } = await app.configure({ ...asked, dryRun: options.dryRun === true })
    const replanned = changes.filter((change) => change.action === 'change' && change.replans)
    const previews: SettingsPreview[] = []
    for (const { name } of options.dryRun === true ? replanned : []) {
      const settings = file.sources[name]
      if (settings !== undefined) previews.push(await app.preview({ source: name, settings, signal: session.signal }))
    }
    if (session.json) {
      const plans = previews.map(({ document, items: _items, ...unread }) => ({ ...document, ...unread }))
      writeJson(session.io, { dryRun: options.dryRun === true, changes: changes.map(present), plans, warnings })
      return 0
    }
    writeChanges(session, changes, options)
    if (options.dryRun !== true) writeFirstSteps(session, changes, file)
    for (const { at, message } of warnings) writeLine(session.io, `! ${printable(at)}: ${printable(message)}`)
    for (const preview of previews) await writeImpact(session, preview)
    return 0
  })
}

function refuseUnconfirmed(removed: readonly ConfigurationChange[]): void {
  if (removed.length === 0) return
  const list = removed.map(({ kind, name }) => `  ${kind} ${printable(name)}`).join('\n')
  throw new UsageError(
    `--prune would remove:\n${list}\nPeople, groups and memberships of a removed source stay as they are. Add --yes to do it.`,
  )
}

/** JSON has no undefined. */
function present(change: ConfigurationChange): object {
  return { ...change, changes: change.changes.map((c) => ({ at: c.at, old: c.old ?? null, new: c.new ?? null })) }
}

/** A new source does nothing by itself before somebody has seen what it does. */
function writeFirstSteps({ io }: Session, changes: readonly ConfigurationChange[], { sources }: ConfigFile): void {
  const made = changes.filter(
    ({ kind, action, name }) => kind === 'source' && action === 'create' && sources[name]?.enabled,
  )
  for (const { name } of made) {
    const source = printable(name)
    writeLine(
      io,
      `${source} waits for its first synchronization: see what it will do with muster plan ${shellWord(source)}, then muster sync ${shellWord(source)}. Its schedule begins after that.`,
    )
  }
}

const SIGN = { create: '+', change: '~', remove: '-', unchanged: ' ' } as const

function writeChanges(session: Session, changes: readonly ConfigurationChange[], options: Options): void {
  const { io } = session
  for (const change of changes) {
    writeLine(io, `${SIGN[change.action]} ${change.kind} ${printable(change.name)}: ${sentence(change, options)}`)
    if (change.action !== 'change') continue
    writeFieldChanges(io, change.changes)
  }
  if (changes.every((change) => change.action === 'unchanged')) writeLine(io, 'Nothing to change.')
  else if (options.dryRun === true) writeLine(io, 'Nothing was written (--dry-run).')
}

function sentence(change: ConfigurationChange, { dryRun }: Options): string {
  const would = dryRun === true ? 'would be ' : ''
  switch (change.action) {
    case 'create':
      return `${would}created`
    case 'change':
      return `${would}changed${change.replans ? '; the next run plans everybody anew' : ''}`
    case 'remove':
      return `${would}removed${change.kind === 'source' ? '; its people, groups and memberships stay' : ''}`
    case 'unchanged':
      return 'unchanged'
  }
}
