// An embedded database and a lab in it, for kills that nobody else may feel.
import { rm } from 'node:fs/promises'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { openEmbeddedDatabase } from '../../src/database/embedded.ts'
import { makeTestHome } from '../support/scratch.ts'
import { Nursery } from './children.ts'
import { Lab } from './lab.ts'
import type { Scenario } from './scenarios.ts'
import type { EmbeddedSite } from './servers.ts'

/** @param options.isShared children take part in the embedded database, which will be killed; else they are given its address */
export async function openEmbeddedSite(options: {
  readonly scenarios: readonly Scenario[]
  readonly isShared: boolean
  /** As the product has it, and slower. */
  readonly onDisk: boolean
}): Promise<EmbeddedSite & AsyncDisposable> {
  const home = await makeTestHome({ onDisk: options.onDisk })
  const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
  const nursery = new Nursery({ spare: 2 })
  const { host, user } = embedded.address
  const lab = await Lab.open({
    host,
    user,
    prefix: 'kills',
    folder: home,
    scenarios: options.scenarios,
  })
  return {
    home,
    directory: embedded.directory,
    lab,
    nursery,
    async [Symbol.asyncDispose]() {
      await nursery[Symbol.asyncDispose]()
      await lab[Symbol.asyncDispose]()
      await embedded.release()
      await rm(home, { recursive: true, force: true })
    },
  }
}
