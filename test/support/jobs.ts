// The queue and what takes from it, as a server has them.
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { Queue } from '../../src/jobs/queue.ts'
import { approveRun } from '../../src/sync/approve.ts'
import type { Engine } from '../../src/sync/engine.ts'
import type { Doing } from '../../src/sync/job.ts'
import { revertRun } from '../../src/sync/revert.ts'
import { runSource } from '../../src/sync/run.ts'
import type { TestDatabase } from './database.ts'

export async function startQueue({ db }: TestDatabase): Promise<Queue> {
  const queue = new Queue(db, { log: silentLog, clock: systemClock })
  await queue.start()
  return queue
}

/** What jobs come to, for whom nothing was withdrawn meanwhile. */
export function doingOf(engine: Engine): Doing {
  return {
    run: (request) => runSource(engine, request),
    approve: (request) => approveRun(engine, request),
    revert: (request) => revertRun(engine, request),
    requireStillAllowed: async () => {},
  }
}
