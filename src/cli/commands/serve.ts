// serve: the web, the API, schedules and runs that are asked for, until it is told to end.
import type { Command } from 'commander'
import { writeJson, writeLine } from '../io.ts'
import { commandLine } from '../who.ts'
import { notRemote } from '../remote.ts'
import { type Runner, type Session, withApp } from '../session.ts'

export function addServeCommand(program: Command, run: Runner): void {
  program
    .command('serve')
    .description('serve the web and the API, and run sources when they are due or asked for')
    .option('--listen <host:port>', 'Where the server listens (MUSTER_LISTEN)')
    .option('--take-over', 'the original of this restored or copied installation is stopped')
    .addHelpText(
      'after',
      `
Any number of them may share one database: each run is done by one of them, and schedules fire once.
SIGTERM ends it within 10 seconds; what it was running goes on in another one, or at the next start.

Examples:
  muster serve
  muster serve --listen 0.0.0.0:8080

At the first start it prints a link that makes the first administrator. Until that is done it answers
to requests from the machine itself only.
`,
    )
    .action(async ({ takeOver }: { readonly takeOver?: true }, command: Command) => {
      await run((session) => serve(session, takeOver === true), command.optsWithGlobals())
    })
}

/** Several runs at once, each with a few. */
const CONNECTIONS = 30

async function serve(session: Session, isTakenOver: boolean): Promise<number> {
  return withApp(
    { ...session, remote: notRemote(session.remote, 'serve') },
    async (app) => {
      if (isTakenOver) await app.takeOver({ actor: commandLine() })
      const isCopy = await app.isCopy()
      const serving = await app.serve()
      const stopWatching = endOnMistakes(session)
      try {
        const { url, link = null } = serving
        if (session.json) writeJson(session.io, { url, setupLink: link })
        else writeLine(session.io, `Muster serves at ${url}`)
        if (!session.json && isCopy) {
          writeLine(
            session.io,
            'This installation was restored or copied: nothing is applied and nobody alerted, until you have made sure',
          )
          writeLine(session.io, 'that the original is stopped, and said so with: muster take-over')
        }
        if (!session.json && link !== null) {
          writeLine(
            session.io,
            'Nobody can sign in yet. This link makes the first administrator, once, within 30 minutes:',
          )
          writeLine(session.io, `  ${link}`)
        }
        await aborted(session.signal)
      } finally {
        await serving.stop()
        stopWatching()
      }
      return 0
    },
    { defaults: { MUSTER_LOG_LEVEL: 'info' }, connections: CONNECTIONS, isService: true },
  )
}

/** Nobody knows what state a process is in that met what nobody expected: it ends, and its supervisor starts another one. */
function endOnMistakes({ io }: Session): () => void {
  const end = (error: unknown) => {
    // Without the message, which may carry anything.
    const places = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : []
    const name = error instanceof Error ? error.name : typeof error
    io.stderr.write(`Muster met a mistake of its own (${name}) and ends.\n${places.join('\n')}\n`)
    process.exit(1)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
  return () => {
    process.off('uncaughtException', end)
    process.off('unhandledRejection', end)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
