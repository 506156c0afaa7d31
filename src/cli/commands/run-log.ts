// runs RUN --log: what a run logged, as it goes on or afterwards.
import { open } from 'node:fs/promises'
import type { App } from '../../app.ts'
import type { RunLogLine } from '../../contract/run-log.ts'
import { logLineInWords } from '../../contract/run-log-words.ts'
import { UsageError } from '../failure.ts'
import { printable, writeJson, writeLine } from '../io.ts'
import { type Session, withApp } from '../session.ts'

export interface LogOptions {
  readonly follow?: true
  readonly output?: string
}

/** How soon a line is seen. */
const POLL_MS = 500

/** Shows the log, or saves it as JSON lines; with --json it is one document, and nothing is shown before the end. */
export async function showRunLog(session: Session, request: LogOptions & { readonly run: number }): Promise<number> {
  return withApp(session, async (app) => {
    const { output } = request
    if (output !== undefined) {
      const lines = await save(session, { app, request, output })
      if (session.json) writeJson(session.io, { run: String(request.run), lines, output })
      else writeLine(session.io, `${lines} lines of run ${request.run} were written to ${printable(output)}.`)
      return 0
    }
    const kept: RunLogLine[] = []
    for await (const line of eachLine(session, { app, request })) {
      if (session.json) kept.push(line)
      else writeLine(session.io, lineText(line))
    }
    if (session.json) writeJson(session.io, { run: String(request.run), log: kept })
    return 0
  })
}

interface Reading {
  readonly app: App
  readonly request: LogOptions & { readonly run: number }
}

async function* eachLine(session: Session, { app, request }: Reading): AsyncGenerator<RunLogLine, void, undefined> {
  let after = 0
  for (;;) {
    const { lines, isEnded } = await app.readLog({ run: request.run, after, signal: session.signal })
    yield* lines
    const last = lines.at(-1)
    if (last !== undefined) after = last.seq
    else if (isEnded || request.follow !== true) return
    else await session.clock.sleep(POLL_MS, session.signal)
  }
}

async function save(session: Session, reading: Reading & { readonly output: string }): Promise<number> {
  // Found out before the file is made: a run that there is not.
  await reading.app.readLog({ run: reading.request.run, after: 0 })
  const file = await open(reading.output, 'wx', 0o600).catch((error: unknown) => {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    const why = code === 'EEXIST' ? 'there is such a file already' : String(code)
    throw new UsageError(`Cannot write the log to ${reading.output}: ${why}; name another file.`)
  })
  try {
    let count = 0
    for await (const line of eachLine(session, reading)) {
      await file.write(`${JSON.stringify(line)}\n`)
      count += 1
    }
    return count
  } finally {
    await file.close()
  }
}

/** `08:00:01 info  Microsoft Entra sent 12 users.` */
function lineText(line: RunLogLine): string {
  return [line.at.slice(11, 19), line.level.padEnd(5), printable(logLineInWords(line))].join(' ')
}
