// Connections changed one at a time, as forms do it: each change audited in the transaction that makes it.
import type { Clock } from '../base/clock.ts'
import { ConfigError, ConflictError } from '../base/errors.ts'
import type { Database } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, recordAudit } from './audit.ts'
import { auditOf, lockConfiguration } from './configuration.ts'
import { keepFromTokens } from './connection-of-sign-in.ts'
import { listConnections, requireConnection } from './connections.ts'
import { changedMeanwhile } from './meanwhile.ts'
import { putConnection, type WantedConnection } from './put-connection.ts'

/** Who changes something, and what is needed to keep it. */
export interface Editing {
  readonly vault: Pick<Vault, 'seal' | 'lookup'>
  readonly clock: Clock
  readonly actor: Actor
}

/** @throws ConfigError when the name is taken; ConflictError `connection-of-sign-in` */
export async function createConnection(
  db: Database,
  options: Editing & { readonly name: string; readonly wanted: WantedConnection },
): Promise<void> {
  const { vault, name, wanted, actor } = options
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    if ((await listConnections(tx)).some((connection) => connection.name === name))
      throw new ConfigError([{ at: 'name', message: `there is a connection ${JSON.stringify(name)} already` }])
    await keepFromTokens(tx, { actor, name, current: undefined, wanted: wanted.settings })
    const change = await putConnection(tx, {
      vault,
      clock: options.clock,
      name,
      wanted,
      current: undefined,
      keep: 'unnamed',
      dryRun: false,
    })
    await recordAudit(tx, options, auditOf(change, actor))
  })
}

/**
 * Changes a connection; a credential replaces the one of its kind, and what is not given stays. Writing the same again
 * writes nothing. What another tenant or application means for people is judged by the safeguard of the next runs.
 *
 * @param options.seen when what was seen had been changed last, ISO 8601
 * @throws NotFoundError; ConfigError where a client secret on file would be sent to other addresses; ConflictError `changed-meanwhile`,
 * `connection-of-sign-in`
 */
export async function changeConnection(
  db: Database,
  options: Editing & { readonly name: string; readonly wanted: WantedConnection; readonly seen?: string | undefined },
): Promise<void> {
  const { vault, name, wanted, actor } = options
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const current = await requireConnection(tx, name)
    if (options.seen !== undefined && current.updatedAt.getTime() !== new Date(options.seen).getTime())
      throw changedMeanwhile(`the connection ${JSON.stringify(name)}`)
    await keepFromTokens(tx, { actor, name, current, wanted: wanted.settings })
    const put = { vault, clock: options.clock, name, wanted, current, keep: 'unnamed', dryRun: false } as const
    const change = await putConnection(tx, put)
    if (change.action !== 'unchanged') await recordAudit(tx, options, auditOf(change, actor))
  })
}

/**
 * Removes a connection with its credentials.
 *
 * @throws NotFoundError; ConflictError `connection-in-use`
 */
export async function removeConnection(db: Database, options: Editing & { readonly name: string }): Promise<void> {
  const { name, actor } = options
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const { id } = await requireConnection(tx, name)
    const users = await tx.query<{ name: string }>('select name from sources where connection_id = $1 order by name', [
      id,
    ])
    if (users.rows.length > 0) {
      const names = users.rows.map((source) => JSON.stringify(source.name)).join(', ')
      throw new ConflictError(
        'connection-in-use',
        `Cannot remove the connection ${JSON.stringify(name)}: it feeds ${names}. Remove these sources or give them another connection first.`,
      )
    }
    await tx.query('delete from connections where id = $1', [id])
    const change = { kind: 'connection', name, action: 'remove', changes: [], replans: false } as const
    await recordAudit(tx, options, auditOf(change, actor))
  })
}
