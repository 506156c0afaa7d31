// issues: what runs could not do for single objects.
import type { Command } from 'commander'
import { parseLimit } from '../arguments.ts'
import { writeJson, writeLine, writeTable } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'

interface Options {
  readonly source?: string
  readonly limit: number
}

export function addIssuesCommand(program: Command, run: Runner): void {
  program
    .command('issues')
    .description('list open issues: what could not be done, for whom, and what to do')
    .option('--source <name>', 'of this source only')
    .option('--limit <count>', 'how many', parseLimit, 100)
    .addHelpText(
      'after',
      `
Examples:
  muster issues
  muster issues --source contoso-staff --json
`,
    )
    .action(async (options: Options, command: Command) => {
      await run((session) => listIssues(session, options), command.optsWithGlobals())
    })
}

async function listIssues(session: Session, options: Options): Promise<number> {
  return withApp(session, async (app) => {
    const issues = await app.listIssues(options)
    if (session.json) {
      writeJson(session.io, { issues })
      return 0
    }
    if (issues.length === 0) {
      writeLine(session.io, 'There are no open issues.')
      return 0
    }
    writeTable(
      session.io,
      ['source', 'code', 'object id', 'since', 'what'],
      issues.map((issue) => [
        issue.source,
        issue.code,
        issue.objectId ?? '',
        issue.openedAt.toISOString().slice(0, 10),
        issue.message,
      ]),
    )
    return 0
  })
}
