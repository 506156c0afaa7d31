// Parses a command line, runs one command, and answers its exit code.
import { CommanderError } from 'commander'
import { VERSION } from '../version.ts'
import { CutOffError, describeError, exitCodeOfError, presentError } from './failure.ts'
import { listenForInterrupt } from './interrupt.ts'
import { type Io, writeJson, writeNote } from './io.ts'
import { createProgram } from './program.ts'
import { remoteFrom } from './remote.ts'
import { overridesFrom, sessionClock } from './session.ts'

/**
 * Whatever happens is told on `io` and is an exit code: 0 done, 1 failed, 2 usage or configuration, 3 held, 75 try later,
 * 130 cancelled. With `--json` standard output gets exactly one document.
 */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  // What was asked for decides about the form of a usage error too, which commander finds before it knows the flags.
  const json = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json')
  const verbose = args.includes('--verbose')
  const interrupt = listenForInterrupt(() => {
    if (io.stderr.isTTY) writeNote(io, '\nCancelling… (Ctrl-C again ends at once)')
  })
  let code = 0
  const program = createProgram({
    io,
    version: VERSION,
    json,
    run: async (work, options) => {
      const overrides = overridesFrom(options)
      const remote = remoteFrom(options)
      code = await work({ io, json, verbose, overrides, remote, signal: interrupt.signal, clock: sessionClock })
    },
  })
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
  const isDocument = json && !(error instanceof CutOffError)
  if (isDocument) writeJson(io, presentError(error))
  if (!isDocument || verbose) writeNote(io, describeError(error, { verbose }))
}
