// Runs Muster's command line: as a process of its own, as a person or a program does, or in this one to save time.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { requireNoSecrets } from './secret-shapes.ts'

export interface MusterOptions {
  /** Added to an environment without any setting of Muster. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
}

export interface MusterResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const MUSTER = join(import.meta.dirname, '../../muster')

/** Starts it without a terminal and waits for its end. */
export async function runMuster(args: readonly string[], options: MusterOptions = {}): Promise<MusterResult> {
  const child = startMuster(args, options)
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  child.stdin.end(options.input ?? '')
  await once(child, 'close')
  return checked(args, { code: child.exitCode, stdout: await stdout, stderr: await stderr })
}

/** The same in this process: everything but the start of Node. Settings are given as flags. */
export async function callMuster(
  args: readonly string[],
  { isTerminal = false }: { readonly isTerminal?: boolean } = {},
): Promise<MusterResult> {
  const io = { stdout: new PassThrough(), stderr: Object.assign(new PassThrough(), { isTTY: isTerminal }) }
  const [stdout, stderr] = [text(io.stdout), text(io.stderr)]
  const code = await runCommandLine(args, io)
  io.stdout.end()
  io.stderr.end()
  return checked(args, { code, stdout: await stdout, stderr: await stderr })
}

/** No command shows a secret, whatever the test is about; but the emulator’s are there to be used. */
function checked(args: readonly string[], result: MusterResult): MusterResult {
  if (args[0] !== 'emulator') requireNoSecrets(`muster ${args[0] ?? ''}`, result.stdout + result.stderr)
  return result
}

/** Starts it; the caller waits. */
export function startMuster(args: readonly string[], options: Pick<MusterOptions, 'env' | 'cwd'> = {}) {
  return spawn(MUSTER, args, {
    env: { ...cleanEnvironment(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: 'pipe',
  })
}

/** The document on standard output; throws when there is anything but one. */
export function documentOf(result: MusterResult): Record<string, unknown> {
  if (!result.stdout.endsWith('\n')) throw new Error(`no document on stdout: ${result.stdout}\n${result.stderr}`)
  return JSON.parse(result.stdout)
}

function cleanEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(MUSTER_|VITEST|NODE_OPTIONS|FORCE_COLOR)/.test(name)) kept[name] = value
  }
  return kept
}
