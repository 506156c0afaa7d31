// Entry point of `muster`.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { keepHeapSmall } from '../base/heap.ts'

// Half of a short command's time would go into reading TypeScript. The folder is as trusted as the code beside it.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/muster'))
keepHeapSmall()
const { runCommandLine } = await import('./command-line.ts')

process.stdout.on('error', endQuietlyWithoutReader)
process.exitCode = await runCommandLine(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr })
// Nothing is left to do. A connection that somebody keeps open must not keep the process.
process.exit()

/** `muster export users | head` is done when head is. */
function endQuietlyWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
