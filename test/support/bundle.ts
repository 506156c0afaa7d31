// A test's script and everything that it imports in one file: a process that runs it starts in a third of the time.
import { chmod, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { ROOT } from './generated.ts'
import { HOME_PREFIX } from './scratch.ts'

export interface Bundle extends AsyncDisposable {
  /** Holds the script and may hold more; everybody can read it. Removed with the bundle. */
  readonly folder: string
  readonly script: string
}

/** @param input path of the script; takes a second of processor time */
export async function bundleScript(input: string): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), `${HOME_PREFIX}${process.pid}-bundle-`))
  await chmod(folder, 0o755)
  // PostgreSQL's programs are looked for beside the code.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const script = join(folder, 'script.mjs')
  const bundle = await rolldown({ input, platform: 'node', external: ['pg-native'], logLevel: 'silent' })
  await bundle.write({ file: script, format: 'esm', codeSplitting: false })
  await bundle.close()
  return {
    folder,
    script,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
