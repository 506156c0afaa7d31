// The source that owns people says through which connection they sign in. Whoever moves it to another one, or has its people sign in who
// did not, decides at whose word somebody is let in: so no API token does, and a session proves first who it is.
import { ConflictError } from '../base/errors.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from './audit.ts'
import type { Source } from './sources.ts'

/**
 * To be called in the transaction that makes or changes a source, before it does.
 *
 * @param change.checkProof throws where a session was not proved of late; called only where people would sign in otherwise than before
 * @throws ConflictError `connection-of-sign-in` where a token would change that
 */
export async function keepWaysIn(
  tx: Queries,
  change: {
    readonly actor: Actor
    readonly name: string
    readonly current: Source | undefined
    readonly settings: SourceSettings
    readonly checkProof?: (() => void) | undefined
  },
): Promise<void> {
  const { actor, name, current, settings, checkProof } = change
  const before = current?.settings.users.options.useAsAuthenticationServer === true
  const after = settings.users.options.useAsAuthenticationServer
  const isMoved = current !== undefined && current.settings.connection !== settings.connection && (before || after)
  const changed = [
    ...(isMoved ? ['connection'] : []),
    ...(after && !before ? ['users.options.useAsAuthenticationServer'] : []),
  ]
  if (changed.length === 0) return
  const connections = [settings.connection, ...(current === undefined ? [] : [current.settings.connection])]
  if (!(await letsSomebodyIn(tx, connections))) return
  if (actor.kind !== 'token') return checkProof?.()
  throw new ConflictError(
    'connection-of-sign-in',
    `An API token cannot set ${changed.join(', ')} of the source ${JSON.stringify(name)}: through which connection people sign in hangs on it. An administrator does it on the pages, or muster apply without --url on the host of the server.`,
  )
}

async function letsSomebodyIn(tx: Queries, connections: readonly string[]): Promise<boolean> {
  const { rows } = await tx.query<{ lets: boolean }>(
    'select exists (select from connections where name = any($1) and sign_in_with_microsoft) as lets',
    [connections],
  )
  return rows[0]?.lets === true
}
