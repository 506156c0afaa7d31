// The first stage of a run: the mirror becomes equal to Entra.
import { permissionsFor } from '../contract/permissions.ts'
import { withTransaction } from '../database/transaction.ts'
import { GraphError, TokenError } from '../graph/errors.ts'
import { clearMirror } from '../mirror/rounds.ts'
import { holdFence } from '../registry/running.ts'
import type { PullEnv, PullResult } from './pull-env.ts'
import { type PulledUser, pullUser } from './pull-user.ts'
import { pull } from './pull.ts'
import { type Session, since } from './session.ts'

/** Makes the mirror equal to Entra. */
export async function pullMirror(
  session: Session,
  mode: 'auto' | 'full',
  user?: string,
): Promise<PullResult | PulledUser> {
  const { engine, lease, source, graph } = session
  const { connection } = source
  const before = engine.clock.monotonicMs()
  await withTransaction(engine.db, async (tx) => {
    await holdFence(tx, source.id, lease.fence)
    const found = await tx.query<{ tenant: string | null }>(
      'select mirror_tenant_id as tenant from sources where id = $1',
      [source.id],
    )
    const tenant = found.rows[0]?.tenant ?? null
    if (tenant === connection.tenantId) return
    if (tenant !== null) await clearMirror(tx, source.id)
    await tx.query(
      'update sources set mirror_tenant_id = $2, marked_all = true, marked_all_at = fence - 1 where id = $1',
      [source.id, connection.tenantId],
    )
  })
  const { vault } = engine
  const env: PullEnv = {
    db: engine.db,
    graph,
    seal: (plain, context) => vault.seal(plain, context),
    open: (sealed, context) => vault.open(sealed, context),
    clock: engine.clock,
    log: engine.log,
    signal: lease.signal,
    onProgress: (progress) => lease.report(progress),
  }
  const of = { id: source.id, name: source.name, settings: source.settings, connection, fence: lease.fence }
  const pulled = await (user === undefined ? pull(env, of, { mode }) : pullUser(env, of, user)).catch(
    async (error: unknown) => {
      throw await namingPermissions(session, error)
    },
  )
  session.document = {
    ...session.document,
    mode: pulled.mode,
    users: { ...session.document.users, read: pulled.usersRead },
    groups: { ...session.document.groups, read: pulled.groupsRead },
    ms: { ...session.document.ms, pull: since(session, before) },
  }
  logPulled(session, pulled)
  return pulled
}

/**
 * Graph says 403 and not of what. The permissions that the source needs are asked for one by one, so that the run names what
 * lacks; where all are there, or that cannot be found out, the error stays as it is.
 */
async function namingPermissions({ source, graph, lease }: Session, error: unknown): Promise<unknown> {
  if (!(error instanceof GraphError) || error.code !== 'forbidden') return error
  const missing: string[] = []
  try {
    for (const { permission, reasons } of permissionsFor({ sources: [source], hasHiddenGroups: false })) {
      const isThere = await graph.hasPermission(permission, lease.signal)
      if (isThere === false) missing.push(`${permission} (${reasons.join('; ')})`)
    }
  } catch (met) {
    if (met instanceof GraphError || met instanceof TokenError || met === lease.signal.reason) return error
    throw met
  }
  if (missing.length === 0) return error
  const { status, graphCode, requestId, path, retry } = error
  const message = `${error.message}. Missing: ${missing.join(', ')}`
  return new GraphError('forbidden', message, { status, graphCode, requestId, path, retry, cause: error })
}

function logPulled({ lease: { log } }: Session, pulled: PullResult): void {
  if (pulled.resync !== undefined)
    log.info('everything was read anew, the stored delta state was of no use', { code: pulled.resync })
  log.info('read', { what: 'users', count: pulled.usersRead })
  log.info('read', { what: 'groups', count: pulled.groupsRead })
  if (pulled.removals !== 'allowed')
    log.info('nobody is missing in this run, and nothing is removed', { code: pulled.removals })
}
