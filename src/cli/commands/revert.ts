// revert: takes an applied run back, or what it did to one user.
import type { Command } from 'commander'
import type { App } from '../../app.ts'
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
    .option('--yes', "also when it removes more than the source's safeguard lets a run remove")
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
  return withApp(session, async (app) => {
    const bar = startProgress(session.io)
    let document: RevertDocument
    try {
      document = await app.revert({
        run: request.runId,
        user: request.user,
        reason: request.reason,
        actor: commandLine(),
        dryRun: request.dryRun === true,
        confirmed: request.yes === true,
        signal: session.signal,
        onProgress: (progress) => bar.show(progress),
      })
    } finally {
      bar.stop()
    }
    const isRefused = document.outcome === 'planned' && request.dryRun !== true
    if (session.json && !isRefused) writeJson(session.io, document)
    if (!session.json) await writeRevert(session, { app, document })
    if (isRefused) throw new UsageError(refusal(document))
    return exitCodeOf(document.outcome)
  })
}

function refusal({ reverts, confirm }: RevertDocument): string {
  const over = confirm.map(({ rule, count, limit }) => `${rule}: ${count}, more than ${limit}`).join('; ')
  return `Reverting run ${reverts} removes more than the safeguard lets a run remove (${over}). Nothing was changed. Look at it with --dry-run, then add --yes.`
}

async function writeRevert(session: Session, shown: { app: App; document: RevertDocument }): Promise<void> {
  const { io } = session
  const { app, document } = shown
  if (document.error === null) {
    await app.readPlan(Number(document.run), async (items) => writePlan(io, withoutLeft(items)))
  }
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
    if (document.leftTotal > SHOWN) writeLine(io, `All of it: muster runs ${document.run} --items`)
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
  const what = `Run ${run} of ${printable(source)}`
  const left = leftTotal === 0 ? '' : ` ${leftTotal.toLocaleString('en-US')} left as they are.`
  switch (outcome) {
    case 'applied':
      return `${what}: run ${reverts} was taken back.${left}`
    case 'no-change':
      return `${what}: nothing of run ${reverts} can be taken back.${left}`
    case 'planned':
    case 'held':
      return `${what}: shown only, nothing was written to the registry.${left}`
    case 'cancelled':
      return `${what}: cancelled, nothing was written to the registry.`
    case 'failed':
      return `${what}: FAILED, nothing was written to the registry.`
  }
}
