// Settles who gets what several people want, on the final state, and plans anew whoever does without.
import type { Transaction } from '../database/transaction.ts'
import { deleteIssuesOf } from '../registry/issues.ts'
import * as tables from '../registry/planning.ts'
import { deletePlanItemsOf } from '../registry/plans.ts'
import { usersByIds } from '../registry/users.ts'
import { type Claimant, resolveConflicts } from './conflicts.ts'
import { claimsHeldBy, describe, holdsOf } from './holdings.ts'
import { chunks, type Planning } from './planning-parts.ts'
import type { PeoplePlanner, Settled } from './planning-people.ts'

/** Plans anew whoever wants what somebody else wants or has, and does not get it. */
export async function settleConflicts({ tx, input }: Planning, people: PeoplePlanner): Promise<void> {
  await tables.analyzePlanned(tx)
  let holders = await tables.holdersOutside(tx, input.source.id)
  for (let keys = ownKeys(holders); keys.length > 0; keys = ownKeys(holders)) {
    // Holders whom this source owns are judged with the others, though nothing marked them.
    for (const chunk of chunks(keys)) await people.planThese(chunk)
    holders = await tables.holdersOutside(tx, input.source.id)
  }
  const contested = await tables.contestedKeys(tx, holders)
  if (contested.length === 0) return
  const claimants: Claimant[] = await outsiders(tx, holders)
  for (const chunk of chunks(contested)) claimants.push(...(await people.claimantsOf(chunk)))
  const resolution = resolveConflicts(claimants)
  const names = new Map(claimants.map((c) => [c.id, c]))
  const winners = new Map<string, string>()
  for (const [claim, id] of resolution.winners) winners.set(claim, describe(names.get(id)))
  const settled = new Map<string, Settled>([...resolution.denied].map(([id, denied]) => [id, { denied, winners }]))
  const losers = contested.filter((key) => settled.has(String(key)))
  for (const chunk of chunks(losers)) {
    const objectIds = chunk.map((key) => names.get(String(key))?.objectId ?? '')
    await deletePlanItemsOf(tx, input.runId, objectIds)
    await deleteIssuesOf(tx, input.runId, objectIds)
    await tables.removePlanned(tx, chunk)
    await people.planThese(chunk, settled)
  }
}

function ownKeys(holders: readonly tables.Holder[]): number[] {
  return [...new Set(holders.flatMap((holder) => (holder.key === null ? [] : [holder.key])))]
}

/** Local users and those of other sources: they keep what they have. */
async function outsiders(tx: Transaction, holders: readonly tables.Holder[]): Promise<Claimant[]> {
  const ids = [...new Set(holders.map((holder) => holder.userId))]
  const claimants: Claimant[] = []
  for (const chunk of chunks(ids)) {
    for (const user of await usersByIds(tx, chunk)) {
      claimants.push({
        id: `registry:${user.id}`,
        claims: claimsHeldBy(user),
        active: user.active,
        holds: holdsOf(user),
        oldUserName: undefined,
        fixed: true,
        priority: 0,
        createdDateTime: null,
        objectId: user.objectId ?? '',
      })
    }
  }
  return claimants
}
