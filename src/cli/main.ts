// Entry point of `muster`: parses the command line, runs one command, ends with its exit code.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { z } from 'zod'
import { describeError, exitCodeOfError, presentError } from './failure.ts'
import { listenForInterrupt } from './interrupt.ts'
import { type Io, writeJson, writeNote } from './io.ts'
import { createProgram } from './program.ts'
import { overridesFrom, sessionClock } from './session.ts'

process.exitCode = await main(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr })
// Nothing is left to do. A connection that somebody keeps open must not keep the process.
process.exit()

async function main(args: readonly string[], io: Io): Promise<number> {
  // What was asked for decides about the form of a usage error too, which commander finds before it knows the flags.
  const json = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json')
  const verbose = args.includes('--verbose')
  endQuietlyWithoutReader(io)
  const interrupt = listenForInterrupt(() => {
    if (io.stderr.isTTY) writeNote(io, '\nCancelling… (Ctrl-C again ends at once)')
  })
  let code = 0
  const program = createProgram({
    io,
    version: readVersion(),
    run: async (work, options) => {
      const overrides = overridesFrom(options)
      code = await work({ io, json, verbose, overrides, signal: interrupt.signal, clock: sessionClock })
    },
  })
  if (json) program.configureOutput({ outputError: () => undefined })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    tell(error, { io, json, verbose })
    return exitCodeOfError(error)
  } finally {
    interrupt.stop()
  }
}

function tell(error: unknown, { io, json, verbose }: { io: Io; json: boolean; verbose: boolean }): void {
  const isTold = error instanceof CommanderError && (error.exitCode === 0 || !json)
  if (isTold) return
  if (json) writeJson(io, presentError(error))
  if (!json || verbose) writeNote(io, describeError(error, { verbose }))
}

/** `muster export users | head` is done when head is. */
function endQuietlyWithoutReader(io: Io): void {
  io.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}
