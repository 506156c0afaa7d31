// The groups of a plan: those of the mirror one by one, those that are not read any more, and who gives them.
import type { Issue } from '../contract/runs.ts'
import type { Attributes } from '../directory/change.ts'
import { claimsOfGroups, type GroupClaim, planGroupClaims } from '../registry/group-claims.ts'
import { groupsByObjectIds } from '../registry/groups.ts'
import * as tables from '../registry/planned-groups.ts'
import { isHidden } from './fold.ts'
import type { ItemDraft } from './item.ts'
import { mapGroup } from './map/groups.ts'
import { needsOf } from './map/needs.ts'
import { planGroup } from './plan-group.ts'
import { planUnreadGroups } from './plan-unread-groups.ts'
import { BATCH, type Planning } from './planning-parts.ts'
import type { PlannedScope } from './planning-scope.ts'

const NO_ATTRIBUTES: Attributes = {}

/** Plans the groups that are marked, or all of them. */
export async function planGroups(planning: Planning, scope: Pick<PlannedScope, 'unreadable'>): Promise<void> {
  const { tx, input, writer, heirs } = planning
  const { source, everybody, only } = input
  const { settings } = source
  const areRead = needsOf(settings).groups
  for await (const rows of tables.eachMirrorGroup(tx, {
    sourceId: source.id,
    which: only !== undefined ? 'only' : everybody ? 'all' : 'marked',
    batch: BATCH,
  })) {
    input.signal.throwIfAborted()
    const existing = await groupsByObjectIds(
      tx,
      source.tenantId,
      rows.map((r) => r.object_id),
    )
    const byObjectId = new Map(existing.map((group) => [group.objectId, group]))
    const claims = await claimsOfGroups(tx, input.rivals.length === 0 ? [] : existing.map((group) => group.id))
    // What a source has read of groups that it reads no more is old.
    const heirsOfUnread = areRead
      ? undefined
      : await heirs.ofUnreadGroups(
          existing.flatMap(({ id, objectId }) =>
            objectId === null ? [] : [{ objectId, claims: claims.get(id) ?? [] }],
          ),
        )
    const shared: GroupClaim[] = []
    await writer.fillIds(rows.length)
    const items: ItemDraft[] = []
    const issues: Issue[] = []
    const planned: tables.PlannedGroupRow[] = []
    const moved: number[] = []
    for (const row of rows) {
      const group = planGroup(
        {
          objectId: row.object_id,
          state: row.state,
          mapped: mapGroup(row.object_id, row.attributes ?? NO_ATTRIBUTES, settings),
          membersUnknown: row.members_unknown,
          isHidden: isHidden(row.attributes ?? NO_ATTRIBUTES),
          existing: byObjectId.get(row.object_id),
          removalsAllowed: input.removalsAllowed,
          heirs: () =>
            heirsOfUnread === undefined
              ? heirs.ofGroup(claims.get(byObjectId.get(row.object_id)?.id ?? 0) ?? [], {
                  objectId: row.object_id,
                  attributes: row.attributes ?? NO_ATTRIBUTES,
                })
              : heirsOfUnread.get(row.object_id),
          newId: () => writer.takeId(),
        },
        { sourceId: source.id, rivals: input.rivals.flatMap((rival) => (rival.enabled ? [rival.id] : [])) },
      )
      if (group.groupId !== undefined && group.isShared !== undefined)
        shared.push({ groupId: group.groupId, claims: group.isShared })
      if (group.item !== undefined) items.push(group.item)
      const isSharedAnew = group.isShared === true && !claims.get(group.groupId ?? 0)?.includes(source.id)
      if (group.item?.action === 'create' || isSharedAnew) moved.push(row.key)
      const isToldAlready = group.issue?.code === 'membership-unknown' && scope.unreadable.has(row.object_id)
      if (group.issue !== undefined && !isToldAlready) issues.push(group.issue)
      const isThere = group.kind === 'wanted' || (group.kind === 'frozen' && group.groupId !== undefined)
      planned.push({
        key: row.key,
        groupId: group.groupId ?? null,
        objectId: row.object_id,
        wanted: isThere,
        // Of a group that goes, what it gave goes too, whatever is known of who is in it.
        frozen: group.kind === 'frozen' || (isThere && row.members_unknown),
      })
    }
    await writer.writeItems(items)
    await writer.addIssues(issues)
    await tables.addPlannedGroups(tx, planned)
    await planGroupClaims(tx, input.runId, shared)
    const transitive = settings.groups.membership === 'transitive'
    if (only !== undefined) await tables.markBelow(tx, source.id, { groupKeys: moved, transitive })
    else if (!everybody) await tables.addPlanKeysBelow(tx, moved, transitive)
  }
}

/** Groups of the source where it imports none any more, and reads none. */
export async function planGroupsNotRead({ tx, input, writer, heirs }: Planning): Promise<void> {
  if (input.source.settings.groups.import || !input.everybody || !input.removalsAllowed) return
  const options = { sourceId: input.source.id, tenantId: input.source.tenantId, heirs }
  for await (const items of planUnreadGroups(tx, options)) await writer.writeItems(items)
}
