// The engine as the product puts it together, on a database and a key file; and the runs that a scenario is about.
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import type { RunDocument } from '../../src/contract/runs.ts'
import type { Database } from '../../src/database/connect.ts'
import { GraphClient } from '../../src/graph/client.ts'
import { openCredentials } from '../../src/registry/connections.ts'
import { approveRun } from '../../src/sync/approve.ts'
import type { Engine, RunProgress } from '../../src/sync/engine.ts'
import { runSource } from '../../src/sync/run.ts'
import type { Vault } from '../../src/vault/keys.ts'

/** The one source of every scenario. */
export const SOURCE = 'staff'

/** What is run: a sync, a preview, or the approval of the plan that is held. */
export type Work = { readonly kind: 'sync' | 'plan'; readonly mode: 'auto' | 'full' } | { readonly kind: 'approve' }

export function createEngine(options: {
  readonly db: Database
  readonly vault: Vault
  /** Stands in for the network. */
  readonly fetch?: typeof fetch
}): Engine {
  const { db, vault } = options
  return {
    db,
    vault,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    openGraph: async (connection) =>
      new GraphClient({
        tenantId: connection.tenantId,
        clientId: connection.clientId,
        authorityUrl: connection.authorityUrl,
        graphUrl: connection.graphUrl,
        credentials: await openCredentials(db, { connectionId: connection.id, vault }),
        clock: systemClock,
        random: Math.random,
        log: silentLog,
        userAgent: 'muster/test',
        ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
      }),
  }
}

/** Does the work; an approval of what is held no longer is the next sync, as an administrator would find. */
export async function perform(
  engine: Engine,
  work: Work,
  onProgress: (progress: RunProgress) => void = () => {},
): Promise<RunDocument> {
  const { signal } = new AbortController()
  if (work.kind === 'approve') {
    const held = await heldPlan(engine.db)
    if (held !== undefined)
      return approveRun(engine, {
        ...held,
        reason: 'looked at',
        actor: { kind: 'command line', name: 'admin' } as const,
        signal,
        onProgress,
      })
  }
  const { kind, mode } = work.kind === 'approve' ? ({ kind: 'sync', mode: 'auto' } as const) : work
  return runSource(engine, { source: SOURCE, kind, mode, trigger: 'manual', wait: false, signal, onProgress })
}

async function heldPlan(db: Database): Promise<{ readonly run: number; readonly hash: string } | undefined> {
  const found = await db.query<{ run: number; hash: string }>(
    `select id as run, plan_hash as hash from runs where outcome = 'held' and decision is null order by id desc limit 1`,
  )
  return found.rows[0]
}
