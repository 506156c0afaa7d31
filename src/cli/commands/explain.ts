// explain: why somebody is as he is, for people and as one document.
import type { Command } from 'commander'
import type {
  ExplainedChange,
  ExplainedPerson,
  ExplainedRegistry,
  ExplainedSource,
  Explanation,
} from '../../contract/explanation.ts'
import { type Io, printable, writeJson, writeLine, writeTable } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'

export function addExplainCommand(program: Command, run: Runner): void {
  program
    .command('explain')
    .argument('<user>', 'user name, alias, user principal name, object id, or id: with the number of a registry user')
    .description(
      'tell why somebody is as he is: scope, pairing, owner, each value and group, what runs did and will do',
    )
    .addHelpText(
      'after',
      `
Nothing is asked of Microsoft: it is told from what was last read. To read him anew first:
  muster sync contoso-staff --user ann@contoso.com

Examples:
  muster explain ann@contoso.com
  muster explain 7f3c0a52-6b9e-4a44-9d0e-1c5f7a2b9e10 --json
`,
    )
    .action(async (user: string, _options: unknown, command: Command) => {
      await run((session) => explain(session, user), command.optsWithGlobals())
    })
}

async function explain(session: Session, user: string): Promise<number> {
  return withApp(session, async (app) => {
    const explanation = await app.explain({ user, signal: session.signal })
    if (session.json) writeJson(session.io, explanation)
    else writeExplanation(session.io, explanation)
    return 0
  })
}

/** For people. */
export function writeExplanation(io: Io, told: Explanation): void {
  const asked = printable(told.asked)
  writeLine(io, `${asked}${objectWords(told)}`)
  if (told.othersTotal > 0) {
    const count = told.othersTotal === 1 ? 'Somebody else has' : `${told.othersTotal} others have`
    writeLine(io, `${count}, had or would get this name too; told below.`)
  }
  writePerson(io, told)
  for (const other of told.others) {
    writeLine(io)
    writeLine(io, `Also ${asked}: ${printable(other.registry?.userName ?? 'not in the registry')}${objectWords(other)}`)
    writePerson(io, other)
  }
  if (told.othersTotal > told.others.length) {
    writeLine(io)
    writeLine(io, `${told.othersTotal - told.others.length} more of this name: ask by object id.`)
  }
}

function objectWords({ objectId, registry }: ExplainedPerson): string {
  if (objectId !== null) return ` (Entra object ${objectId})`
  return registry === null ? '' : ` (local, id:${registry.id})`
}

function writePerson(io: Io, told: ExplainedPerson): void {
  writeLine(io)
  if (told.registry === null) writeLine(io, 'The registry does not have him.')
  else writeRegistry(io, told.registry)
  for (const source of told.sources) writeSource(io, source)
  writeLine(io)
  if (told.history.length === 0) {
    writeLine(io, 'No run that is kept has changed him.')
    return
  }
  writeLine(io, 'What runs did, newest first:')
  writeTable(
    io,
    ['when', 'run', 'what', 'change', 'because of'],
    told.history.map((past) => [
      past.at.slice(0, 16).replace('T', ' '),
      `${past.run}${past.decidedBy === null ? '' : `, by ${past.decidedBy}: ${past.decidedReason ?? ''}`}`,
      `${past.object} ${past.action}`,
      changeWords(past),
      `${past.rule} (${past.reason})`,
    ]),
  )
}

function writeRegistry(io: Io, registry: ExplainedRegistry): void {
  writeLine(io, `In the registry: ${registry.userName}. ${registry.sentence}`)
  writeLine(io, registry.signIn.sentence)
  const fields = registry.fields.filter((field) => field.value !== null || field.from !== null)
  writeTable(
    io,
    ['field', 'value', 'where from'],
    fields.map((field) => [field.field, field.value ?? '', field.sentence]),
  )
  if (registry.values.length > 0) {
    writeTable(
      io,
      ['name or credential', 'value', 'where from'],
      registry.values.map((value) => [value.kind, value.value, value.sentence]),
    )
  }
  if (registry.groups.length > 0) {
    writeTable(
      io,
      ['group', 'default', 'why'],
      registry.groups.map((group) => [group.path, group.isDefault ? 'yes' : '', group.sentence]),
    )
  }
}

function writeSource(io: Io, source: ExplainedSource): void {
  writeLine(io)
  const owns = source.owns ? 'owns him' : source.claims ? 'claims him' : 'does not claim him'
  writeLine(io, `Source ${source.source} (priority ${source.priority}${source.enabled ? '' : ', disabled'}) ${owns}.`)
  writeLine(io, `  ${source.scope.sentence}`)
  writeLine(io, `  ${source.pairing.sentence}`)
  for (const group of source.ignoredGroups)
    writeLine(io, `  Group ${JSON.stringify(group.name ?? group.objectId)}: ${group.sentence}`)
  for (const issue of source.issues)
    writeLine(io, `  Issue since ${issue.since.slice(0, 10)}: ${issue.code}: ${issue.message} ${issue.remedy}`)
  if (source.waiting !== null && source.waiting.items.length > 0) {
    const until = source.waiting.approveBy?.slice(0, 16).replace('T', ' ') ?? ''
    writeLine(
      io,
      `  The plan of run ${source.waiting.run} waits for approval until ${until} (${source.waiting.reasons.map((r) => r.rule).join(', ')}). It would:`,
    )
    for (const item of source.waiting.items) writeLine(io, `    ${itemWords(item)}`)
  }
  writeLine(io, `  ${source.next.sentence}`)
  for (const item of source.next.items) writeLine(io, `    ${itemWords(item)}`)
}

function itemWords(item: ExplainedChange): string {
  const change = changeWords(item)
  return `${item.object} ${item.action}${change === '' ? '' : `: ${change}`} (${item.rule}, ${item.reason})`
}

/** old → new of each field that both sides name, or the one side that there is. */
function changeWords(item: Pick<ExplainedChange, 'old' | 'new'>): string {
  const fields = [...new Set([...Object.keys(item.old ?? {}), ...Object.keys(item.new ?? {})])]
  return fields
    .map((field) => {
      const [before, after] = [item.old?.[field], item.new?.[field]]
      if (item.old === null || !(field in item.old)) return `${field} ${show(after)}`
      return item.new === null || !(field in item.new)
        ? `${field} ${show(before)}`
        : `${field} ${show(before)} → ${show(after)}`
    })
    .join(', ')
}

function show(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
