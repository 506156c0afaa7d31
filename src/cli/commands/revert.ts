// revert: takes an applied run back, or what it did to one user.
import type { Command } from 'commander'
import type { RevertDocument } from '../../contract/reverts.ts'
import { exitCodeOf } from '../../contract/runs.ts'
import { parseReason, parseRunId } from '../arguments.ts'
import { UsageError } from '../failure.ts'
import { printable, writeJson, writeLine, writeTable } from '../io.ts'
import { writePlan } from '../plan-table.ts'
import { startProgress } from '../progress.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

interface Options {
  readonly user?: string
  readonly reason: string
  readonly dryRun?: true
  readonly yes?: true
}

export function addRevertCommand(program: Command, run: Runner): void {
  program
    .command('revert')
    .argument('<run>', 'number of the applied run', parseRunId)
    .description('take an applied run back; what was changed since stays as it is and is listed')
    .option('--user <who>', 'only what it did to this user: object id, user name or alias')
    .requiredOption('--reason <text>', 'why it was wrong; kept with the run', parseReason)
    .option('--dry-run', 'show it and change nothing')
    .option('--yes', "also when it removes or rewrites more than the source's safeguard lets a run")
    .addHelpText(
      'after',
      `
A revert is a run of its own and can be reverted. Entra still says what it said: until that or the
settings change, a plan that would do the same again is held for approval.

Examples:
  muster revert 17 --reason "the wrong attribute was mapped" --dry-run
  muster revert 17 --reason "the wrong attribute was mapped"
  muster revert 17 --user ada@contoso.com --reason "she keeps her old name"
`,
    )
    .action(async (runId: number, options: Options, command: Command) => {
      await run((session) => revert(session, { runId, ...options }), command.optsWithGlobals())
    })
}

async function revert(session: Session, request: Options & { readonly runId: number }): Promise<number> {
  if (request.dryRun === true) return showOnly(session, request)
  return withApp(
    session,
    async (app) => {
      const bar = startProgress(session.io)
      let document: RevertDocument
      try {
        document = await app.revert({
          run: request.runId,
          user: request.user,
          reason: request.reason,
          actor: commandLine(),
          confirmed: request.yes === true,
          signal: session.signal,
          onProgress: (progress) => bar.show(progress),
        })
      } finally {
        bar.stop()
      }
      const isRefused = document.outcome === 'planned'
      if (session.json && !isRefused) writeJson(session.io, document)
      if (!session.json) {
        if (document.error === null)
          await app.readPlan(Number(document.run), async (items) => writePlan(session.io, withoutLeft(items)))
        writeRevert(session, document)
      }
      if (isRefused) throw new UsageError(refusal(document))
      return exitCodeOf(document.outcome)
    },
    { tellsRun: true },
  )
}

/** Nothing is stored, so that there is nothing to look at later: what it would do stands in the answer. */
async function showOnly(session: Session, request: Options & { readonly runId: number }): Promise<number> {
  return withApp(session, async (app) => {
    const shown = await app.previewRevert({ run: request.runId, user: request.user, signal: session.signal })
    if (session.json) writeJson(session.io, shown)
    else {
      await writePlan(session.io, shown.items, { total: shown.itemsTotal })
      writeRevert(session, shown)
    }
    return exitCodeOf(shown.outcome)
  })
}

function refusal({ reverts, confirm }: RevertDocument): string {
  const over = confirm.map(({ rule, count, limit }) => `${rule}: ${count}, more than ${limit}`).join('; ')
  return `Reverting run ${reverts} removes or rewrites more than the safeguard lets a run (${over}). Nothing was changed. Look at it with --dry-run, then add --yes.`
}

function writeRevert({ io }: Session, document: RevertDocument): void {
  if (document.left.length > 0) {
    writeLine(io, '\nLeft as it is:')
    writeTable(
      io,
      ['what', 'name', 'why'],
      document.left
        .slice(0, SHOWN)
        .map(({ object, name, objectId, message, count }) => [
          count > 1 ? `${count.toLocaleString('en-US')} ${object}s` : object,
          name ?? objectId ?? '',
          message,
        ]),
    )
    const more = document.leftTotal - Math.min(SHOWN, document.left.length)
    if (more > 0 && document.run !== '') writeLine(io, `All of it: muster runs ${document.run} --items`)
    else if (more > 0) writeLine(io, `… and ${more.toLocaleString('en-US')} more`)
  }
  writeLine(io, headline(document))
  if (document.error !== null) writeLine(io, printable(document.error.message))
}

/** More than a person reads. */
const SHOWN = 60

async function* withoutLeft<Item extends { readonly action: string }>(
  items: AsyncIterable<Item>,
): AsyncGenerator<Item> {
  for await (const item of items) if (item.action !== 'skip') yield item
}

function headline({ run, source, reverts, outcome, leftTotal }: RevertDocument): string {
  const what = run === '' ? printable(source) : `Run ${run} of ${printable(source)}`
  const left = leftTotal === 0 ? '' : ` ${leftTotal.toLocaleString('en-US')} left as they are.`
  switch (outcome) {
    case 'applied':
      return `${what}: run ${reverts} was taken back.${left}`
    case 'no-change':
      return `${what}: nothing of run ${reverts} can be taken back.${left}`
    case 'planned':
    case 'held':
      return run === ''
        ? `${what}: this is what taking run ${reverts} back would do; nothing was done.${left}`
        : `${what}: run ${reverts} was not taken back, nothing was written to the registry.${left}`
    case 'cancelled':
      return `${what}: cancelled, nothing was written to the registry.`
    case 'failed':
      return `${what}: FAILED, nothing was written to the registry.`
  }
}
