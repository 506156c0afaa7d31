// Reverting on a source whose mirror a test writes by hand: an engine that must not ask Graph, and the registry down to the
// last column.
import { createHash } from 'node:crypto'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import type { RevertDocument, RevertPreview } from '../../src/contract/reverts.ts'
import { sourceSettings, type SourceSettingsInput } from '../../src/contract/sources.ts'
import type { Database } from '../../src/database/connect.ts'
import { GraphClient } from '../../src/graph/client.ts'
import type { Engine } from '../../src/sync/engine.ts'
import { revertRun, type RevertRequest } from '../../src/sync/revert.ts'
import { previewRevert } from '../../src/sync/revert-preview.ts'
import type { HandSource } from './planned.ts'

/** An engine for stages that need no Graph: whatever is asked of it fails. */
function anOfflineEngine(db: Database): Engine {
  return {
    db,
    vault: {
      seal: (plain) => Buffer.from(`sealed ${plain}`),
      open: (sealed) => sealed.toString().replace('sealed ', ''),
      // Look-ups as in `planned.ts`; what the audit chains has to stay short, or every entry would hold all before it.
      lookup: (space, value) => Buffer.from(space === 'audit' ? sha256(value) : `${space}/${value}`),
    },
    clock: systemClock,
    random: () => 0.5,
    log: silentLog,
    openGraph: async (to) =>
      new GraphClient({
        tenantId: to.tenantId,
        clientId: to.clientId,
        credentials: [{ kind: 'secret', secret: 'none' }],
        authorityUrl: 'http://localhost',
        graphUrl: 'http://localhost',
        clock: systemClock,
        random: () => 0.5,
        log: silentLog,
        userAgent: 'muster/test',
        fetch: () => Promise.reject(new Error('a revert asks nothing of Microsoft')),
      }),
  }
}

/** A source of {@link HandSource} as runs that are no test's own read it from the database. */
export async function storeSettings(
  db: Database,
  source: HandSource,
  settings: Omit<SourceSettingsInput, 'connection'>,
): Promise<void> {
  await db.query('update sources set settings = $2 where id = $1', [
    source.id,
    JSON.stringify(sourceSettings.parse({ connection: 'any', ...settings })),
  ])
}

export function takeBack(
  db: Database,
  run: number | string,
  options: Partial<Omit<RevertRequest, 'run'>> = {},
): Promise<RevertDocument> {
  return revertRun(anOfflineEngine(db), {
    run: Number(run),
    reason: 'it was wrong',
    actor: { kind: 'command line', name: 'test' } as const,
    confirmed: true,
    signal: new AbortController().signal,
    onProgress: () => {},
    ...options,
  })
}

/** What taking a run back would do. */
export function showTakingBack(db: Database, run: number): Promise<RevertPreview> {
  return previewRevert(anOfflineEngine(db), { run, signal: new AbortController().signal })
}

/** Everything in the registry by our ids, but when and how often it was written. */
export async function everything(db: Database): Promise<readonly unknown[]> {
  const found = await db.query<{ record: unknown }>(
    `select user_image(u) #- '{row,version}' #- '{row,updated_at}' as record from users u
     union all select group_image(g) #- '{row,version}' #- '{row,updated_at}' from groups g
     union all select to_jsonb(m) - 'run_id' from memberships m
     order by 1`,
  )
  return found.rows.map((row) => row.record)
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
