// Settles who gets what several people want, on the final state, and plans anew whoever does without.
import type { Transaction } from '../database/transaction.ts'
import type { RegistryUser } from '../directory/user.ts'
import { deleteIssuesOf } from '../registry/issues.ts'
import * as tables from '../registry/planning.ts'
import { deletePlanItemsOf } from '../registry/plans.ts'
import { usersByIds } from '../registry/users.ts'
import type { Claim } from './claim.ts'
import { type Claimant, resolveConflicts } from './conflicts.ts'
import { claimsHeldBy, describe, holdsOf } from './holdings.ts'
import { yieldingClaims, yieldNames } from './plan-yield.ts'
import { chunks, type Planning } from './planning-parts.ts'
import type { PeoplePlanner, Settled } from './planning-people.ts'

/** Plans anew whoever wants what somebody else wants or has, and does not get it. */
export async function settleConflicts(planning: Planning, people: PeoplePlanner): Promise<void> {
  const { tx, input, writer } = planning
  await tables.analyzePlanned(tx)
  await settlePairings(planning, people)
  let holders = await tables.holdersOutside(tx, input.source.id)
  for (let keys = ownKeys(holders); keys.length > 0; keys = ownKeys(holders)) {
    // Holders whom this source owns are judged with the others, though nothing marked them.
    for (const chunk of chunks(keys)) await people.planThese(chunk)
    await settlePairings(planning, people)
    holders = await tables.holdersOutside(tx, input.source.id)
  }
  const contested = await tables.contestedKeys(tx, holders)
  if (contested.length === 0) return
  const { claimants, yielding } = await outsiders(tx, { holders, sourceId: input.source.id })
  for (const chunk of chunks(contested)) claimants.push(...(await people.claimantsOf(chunk)))
  const resolution = resolveConflicts(claimants)
  const names = new Map(claimants.map((c) => [c.id, c]))
  const winners = new Map<string, string>()
  for (const [claim, id] of resolution.winners) winners.set(claim, describe(names.get(id)))
  const settled = new Map<string, Settled>([...resolution.denied].map(([id, denied]) => [id, { denied, winners }]))
  const losers = contested.filter((key) => settled.has(String(key)))
  for (const chunk of chunks(losers)) {
    await forget(
      planning,
      chunk,
      chunk.map((key) => names.get(String(key))?.objectId ?? ''),
    )
    await people.planThese(chunk, settled)
  }
  const yielded = [...yielding].flatMap(([id, user]) => {
    const denied = resolution.denied.get(id)
    return denied === undefined ? [] : [yieldNames(user, denied)]
  })
  await writer.writeItems(yielded)
}

/**
 * Before anything else: of several who are paired with one record one gets it, and the others are planned as if nobody had been
 * found. What they want, and have to fall back on, is theirs then and not that record's.
 */
async function settlePairings(planning: Planning, people: PeoplePlanner): Promise<void> {
  const paired = await tables.keysPairedAlike(planning.tx)
  if (paired.length === 0) return
  const claimants: Claimant[] = []
  for (const chunk of chunks(paired)) claimants.push(...(await people.claimantsOf(chunk)))
  const { denied, winners } = resolveConflicts(
    claimants.map((c) => ({ ...c, claims: c.claims.filter((claim) => claim.space === 'record') })),
  )
  const losers = claimants.filter((c) => denied.has(c.id))
  const byId = new Map(claimants.map((c) => [c.id, c]))
  const nameOf = (record: string) => describe(byId.get(winners.get(record) ?? ''))
  for (const { id } of losers) {
    const records = [...(denied.get(id) ?? [])]
    people.notePaired(Number(id), new Map(records.map((record) => [record, nameOf(record)])))
  }
  for (const chunk of chunks(losers)) {
    const keys = chunk.map(({ id }) => Number(id))
    await forget(
      planning,
      keys,
      chunk.map(({ objectId }) => objectId),
    )
    await people.planThese(keys)
  }
}

/** What was planned for them is planned anew. */
async function forget({ tx, input }: Planning, keys: readonly number[], objectIds: readonly string[]): Promise<void> {
  await deletePlanItemsOf(tx, input.runId, objectIds)
  await deleteIssuesOf(tx, input.runId, objectIds)
  await tables.removePlanned(tx, keys)
}

function ownKeys(holders: readonly tables.Holder[]): number[] {
  return [...new Set(holders.flatMap((holder) => (holder.key === null ? [] : [holder.key])))]
}

/**
 * Local users and those of other sources: they keep what they have. Only an old user name that was kept for a user of another
 * source yields to anything; it stands as a claimant of its own.
 */
async function outsiders(
  tx: Transaction,
  o: { readonly holders: readonly tables.Holder[]; readonly sourceId: number },
) {
  const ids = [...new Set(o.holders.map((holder) => holder.userId))]
  const claimants: Claimant[] = []
  const yielding = new Map<string, RegistryUser>()
  for (const chunk of chunks(ids)) {
    for (const user of await usersByIds(tx, chunk)) {
      const kept = yieldingClaims(user, o.sourceId)
      const isKept = (claim: Claim) => kept.some((old) => old.space === claim.space && old.key === claim.key)
      const base = {
        active: user.active,
        holds: holdsOf(user),
        oldUserName: undefined,
        priority: 0,
        createdDateTime: null,
        objectId: user.objectId ?? '',
      }
      const claims = claimsHeldBy(user).filter((claim) => !isKept(claim))
      claimants.push({ ...base, id: `registry:${user.id}`, claims, fixed: true })
      if (kept.length === 0) continue
      const id = `kept:${user.id}`
      claimants.push({ ...base, id, claims: kept, fixed: false })
      yielding.set(id, user)
    }
  }
  return { claimants, yielding }
}
