// A connection says at which tenant, as which application and at which addresses people prove who they are. Whoever points it elsewhere
// signs in as anybody there, with every role that is mapped, and proves any session begun through it: so no API token does.
import { ConflictError } from '../base/errors.ts'
import type { PlainConnection } from '../contract/connection-settings.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from './audit.ts'
import type { Connection } from './connections.ts'
import { differences } from './differences.ts'
import { presentConnection } from './put-connection.ts'

/**
 * To be called in the transaction that makes or changes a connection, before it does.
 *
 * @param change.current undefined: a new one, through which nobody has a role yet
 * @throws ConflictError `connection-of-sign-in` where a token would change how people sign in, or through what
 */
export async function keepFromTokens(
  tx: Queries,
  change: {
    readonly actor: Actor
    readonly name: string
    readonly current: Connection | undefined
    readonly wanted: PlainConnection
  },
): Promise<void> {
  const { actor, name, current, wanted } = change
  if (actor.kind !== 'token') return
  if (current === undefined) {
    if (!wanted.signInWithMicrosoft) return
    throw new ConflictError(
      'connection-of-sign-in',
      `An API token cannot make the connection ${JSON.stringify(name)} with signInWithMicrosoft: people would sign in through it. Make it without; an administrator switches it on on the pages, or makes the connection by muster apply without --url on the host of the server.`,
    )
  }
  const changed = differences(presentConnection(current), presentConnection(wanted))
    .map(({ at }) => at)
    // Microsoft says by a password too who somebody is, and no terminal takes one before a person has given it that way.
    .filter((at) => at !== 'passwordsAtTerminals')
  if (changed.length === 0) return
  const letsIn = current.signInWithMicrosoft || wanted.signInWithMicrosoft
  if (!letsIn && !(await givesRoles(tx, current.id))) return
  throw new ConflictError(
    'connection-of-sign-in',
    `An API token cannot change ${changed.join(', ')} of the connection ${JSON.stringify(name)}: how people sign in hangs on it. An administrator changes it on the pages, or muster apply without --url on the host of the server.`,
  )
}

async function givesRoles(tx: Queries, connectionId: number): Promise<boolean> {
  const { rows } = await tx.query<{ has: boolean }>(
    'select exists (select from role_mappings where connection_id = $1) as has',
    [connectionId],
  )
  return rows[0]?.has === true
}
