// The folder of the demo. Whatever stands in it was made by a demo before it is ever touched again.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../base/errors.ts'

const MARKER = 'demo.json'
const MADE_BY = { madeBy: 'muster demo' }

/**
 * Makes the folder, or recognises it as one that a demo has made.
 *
 * @returns `new`, or `again` when a demo was here before
 * @throws ConfigError when anybody else uses it
 */
export async function claimDemoHome(home: string): Promise<'new' | 'again'> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const names = await readdir(home)
  if (names.length === 0) {
    await writeFile(join(home, MARKER), `${JSON.stringify(MADE_BY)}\n`)
    return 'new'
  }
  const marker = names.includes(MARKER) ? await readFile(join(home, MARKER), 'utf8') : ''
  if (marker.trim() === JSON.stringify(MADE_BY)) return 'again'
  throw new ConfigError([
    {
      at: 'MUSTER_HOME',
      message: `${home} is not empty and was not made by the demo, which begins afresh every time; give it a folder of its own`,
    },
  ])
}
