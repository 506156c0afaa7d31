// A process that does one run and dies where it is told to. Started by children.ts; steered over the IPC channel.
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { connect } from '../../src/database/connect.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/database/embedded.ts'
import { openVault } from '../../src/vault/keys.ts'
import type { ChildReport, Errand } from './children.ts'
import { createEngine, perform } from './engine.ts'
import { createFailpoints, type Failpoints } from './failpoints.ts'

process.once('message', (errand) => {
  run(errand as Errand).then(
    (report) => process.send?.(report, () => process.disconnect()),
    (error: unknown) => {
      throw error
    },
  )
})
process.send?.('ready')

async function run(errand: Errand): Promise<ChildReport> {
  const failpoints = createFailpoints(errand.aim, () => {
    if (errand.strike === 'die') process.kill(process.pid, 'SIGKILL')
    // Only then: whoever reads this line may rely on the process standing still soon.
    writeSync(1, 'stopping\n')
    process.kill(process.pid, 'SIGSTOP')
  })
  failpoints.watchRequests()
  // Shares the embedded database, as the command line does, or uses a server that is there.
  const embedded: EmbeddedDatabase | undefined =
    errand.home === undefined
      ? undefined
      : await openEmbeddedDatabase({ home: errand.home, clock: systemClock, log: silentLog })
  try {
    return await runOn(errand, failpoints)
  } catch (error) {
    // What the command line would end with.
    if (!(error instanceof Error && 'code' in error)) throw error
    return { outcome: null, error: String(error.code), run: null, ms: 0, reached: [] }
  } finally {
    await embedded?.release()
  }
}

async function runOn(errand: Errand, failpoints: Failpoints): Promise<ChildReport> {
  const db = await connect({
    embedded: { address: errand.address },
    log: silentLog,
    applicationName: `muster kill ${process.pid}`,
  })
  try {
    failpoints.watchSessions(db)
    const startedAt = systemClock.monotonicMs()
    const vault = await openVault({ keyFile: errand.keyFile, db, allowCreate: false })
    const document = await perform(createEngine({ db, vault }), errand.work, (progress) =>
      failpoints.enter(progress.phase),
    )
    return {
      outcome: document.outcome,
      error: document.error?.code ?? null,
      run: Number(document.run),
      ms: systemClock.monotonicMs() - startedAt,
      reached: [...failpoints.reached],
    }
  } finally {
    await db.close()
  }
}
