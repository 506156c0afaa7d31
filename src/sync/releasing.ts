// Values that a source gave and does not withdraw any more, of people whom a run or a revert moves.
import type { Transaction } from '../database/transaction.ts'
import { ownersOf, type PeopleOfRun, release } from '../registry/release.ts'
import { releasesOf } from './plan-terms.ts'
import { rivalsOf } from './rivals.ts'
import type { Session } from './session.ts'

/** Makes the registry's own what the owners of these people, as they are set now, would never take back. */
export async function releaseOf(tx: Transaction, { engine, source }: Session, people: PeopleOfRun): Promise<void> {
  const owners = await ownersOf(tx, people)
  if (owners.length === 0) return
  for (const { id, settings } of [source, ...(await rivalsOf(tx, { vault: engine.vault, source }))])
    if (owners.includes(id)) await release(tx, { ...releasesOf(settings.users.properties), sourceId: id, people })
}
