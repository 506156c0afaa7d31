// Where a source imports no groups, none are read either: those of before that its mirror does not know go by the setting alone.
import type { Transaction } from '../database/transaction.ts'
import { claimsOfGroups } from '../registry/group-claims.ts'
import { eachUnplannedGroupOf } from '../registry/groups.ts'
import { addPlannedGroups } from '../registry/planned-groups.ts'
import type { Heirs } from './heirs.ts'
import type { ItemDraft } from './item.ts'
import { leaveUnread } from './plan-group.ts'

const BATCH = 2_000

/** Plans the groups of a source that nothing else has planned, by object id, in batches: deleted, or left to the next source. */
export async function* planUnreadGroups(
  tx: Transaction,
  options: { readonly sourceId: number; readonly tenantId: string; readonly heirs: Heirs },
): AsyncGenerator<readonly ItemDraft[], void, undefined> {
  for await (const groups of eachUnplannedGroupOf(tx, { ...options, batch: BATCH })) {
    const claims = await claimsOfGroups(
      tx,
      groups.map((group) => group.id),
    )
    await addPlannedGroups(
      tx,
      groups.map((g) => ({ key: null, groupId: g.id, objectId: g.objectId, wanted: false, frozen: false })),
    )
    const heirs = await options.heirs.ofUnreadGroups(
      groups.flatMap(({ id, objectId }) => (objectId === null ? [] : [{ objectId, claims: claims.get(id) ?? [] }])),
    )
    yield groups.map((group) => leaveUnread(group, () => heirs.get(group.objectId ?? '')))
  }
}
