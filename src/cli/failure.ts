// What a command says and how it ends when it fails.
import { CommanderError } from 'commander'
import { BusyError, CancelledError, ConfigError, InvariantError, NotFoundError } from '../base/errors.ts'

/** The command was called in a way that makes no sense. Exit code 2. */
export class UsageError extends Error {
  readonly code = 'usage'

  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** The document on standard output ends in the middle of it: it is not followed by another one. */
export class CutOffError extends Error {
  constructor(cause: unknown) {
    super(`What stands on standard output is not whole: ${messageOf(cause)}`, { cause })
    this.name = 'CutOffError'
  }
}

/** Exit codes: 1 failed, 2 usage or configuration, 75 try later, 130 cancelled. */
export function exitCodeOfError(error: unknown): number {
  if (error instanceof CutOffError) return exitCodeOfError(error.cause)
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof UsageError || error instanceof ConfigError || error instanceof NotFoundError) return 2
  if (error instanceof BusyError) return 75
  if (error instanceof CancelledError) return 130
  return 1
}

/** The document of a failed command with `--json`. */
export interface ErrorDocument {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly requestId: string | null
    /** Every mistake in settings or config file, by its place. */
    readonly problems?: readonly { readonly at: string; readonly message: string }[]
  }
}

/** Never carries a stack or a cause. */
export function presentError(error: unknown): ErrorDocument {
  return {
    error: {
      code: codeOf(error),
      message: messageOf(error),
      requestId: textField(error, 'requestId') ?? null,
      ...(error instanceof ConfigError ? { problems: error.problems } : {}),
    },
  }
}

/** For people: what was tried, what was met, what to do. The stack only where it is asked for. */
export function describeError(error: unknown, options: { readonly verbose: boolean }): string {
  const requestId = textField(error, 'requestId')
  const lines = [
    error instanceof ConfigError && error.problems.length > 1
      ? `There are ${error.problems.length} mistakes:\n${messageOf(error).replace(/^/gm, '  ')}`
      : messageOf(error),
  ]
  if (requestId !== undefined) lines.push(`Microsoft's request id: ${requestId}`)
  if (options.verbose && error instanceof Error) lines.push(stackOf(error))
  else if (isOurs(error))
    lines.push('This is a mistake in Muster. Run it again with --verbose and report what it prints.')
  return lines.join('\n')
}

function codeOf(error: unknown): string {
  if (error instanceof CommanderError) return 'usage'
  return isOurs(error) ? 'internal' : (textField(error, 'code') ?? 'failed')
}

function messageOf(error: unknown): string {
  if (error instanceof CommanderError) {
    return error.code === 'commander.help' ? 'no command was given' : error.message.replace(/^error: /, '')
  }
  return error instanceof Error ? error.message : String(error)
}

function isOurs(error: unknown): boolean {
  return error instanceof InvariantError || error instanceof TypeError || error instanceof RangeError
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stackOf(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}

function textField(error: unknown, key: string): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const value: unknown = Reflect.get(error, key)
  return typeof value === 'string' && value !== '' ? value : undefined
}
