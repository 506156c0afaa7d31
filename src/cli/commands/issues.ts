// issues: what runs could not do for single objects.
import type { Command } from 'commander'
import type { App } from '../../app.ts'
import { REMEDIES } from '../../contract/remedies.ts'
import { ISSUE_CODES, type IssueCode } from '../../contract/runs.ts'
import { parseLimit } from '../arguments.ts'
import { type Io, writeJson, writeLine, writeTable } from '../io.ts'
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
    const total = issues.length < options.limit ? issues.length : await app.countIssues(options)
    if (session.json) {
      const told = issues.map((issue) => ({ ...issue, remedy: REMEDIES[issue.code] }))
      writeJson(session.io, { issues: told, issuesTotal: total })
      return 0
    }
    if (issues.length === 0) {
      writeLine(session.io, 'There are no open issues.')
      return 0
    }
    for (const code of ISSUE_CODES) {
      const some = issues.filter((issue) => issue.code === code)
      if (some.length > 0) writeIssues(session.io, code, some)
    }
    if (total > issues.length) {
      const [shown, all] = [issues.length, total].map((count) => count.toLocaleString('en-US'))
      writeLine(session.io, `These are the oldest ${shown} of ${all}; --limit shows more, up to 10,000.`)
    }
    return 0
  })
}

/** Those of one kind: what to do is said once. */
function writeIssues(io: Io, code: IssueCode, issues: Awaited<ReturnType<App['listIssues']>>): void {
  writeLine(io, `${code}: ${REMEDIES[code]}`)
  writeTable(
    io,
    ['source', 'object id', 'since', 'times', 'tried again', 'what'],
    issues.map((issue) => [
      issue.source,
      issue.objectId ?? '',
      issue.openedAt.toISOString().slice(0, 10),
      String(issue.tries),
      issue.nextTryAt === null ? 'in every run' : issue.nextTryAt.toISOString().slice(0, 16).replace('T', ' '),
      issue.message,
    ]),
  )
}
