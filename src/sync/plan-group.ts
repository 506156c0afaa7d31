// What has to change so that the registry has one group right. Pure.
import type { Issue } from '../contract/runs.ts'
import type { RegistryGroup } from '../directory/group.ts'
import { pathOf } from '../directory/group.ts'
import type { ItemDraft } from './item.ts'
import type { MappedGroup } from './map/groups.ts'

export interface GroupInput {
  readonly objectId: string
  /** State letter of the mirror. */
  readonly state: string
  readonly mapped: MappedGroup
  /** Entra has not shown the members: what is known of them is frozen. */
  readonly membersUnknown: boolean
  /** It shows them to apps with Member.Read.Hidden alone. */
  readonly isHidden: boolean
  readonly existing: RegistryGroup | undefined
  readonly removalsAllowed: boolean
  /** The source that takes the group over when this one drops it. */
  readonly heirs: () => GroupHeir | undefined
  readonly newId: () => number
}

export interface GroupHeir {
  /** The source's name. */
  readonly source: string
  /** What it calls the group, and where it has it. */
  readonly name: string
  readonly under: string
}

export interface GroupContext {
  readonly sourceId: number
  /** The other sources of the tenant that are enabled: a group of any other is nobody's. */
  readonly rivals: readonly number[]
}

export interface PlannedGroup {
  readonly kind: 'wanted' | 'ignored' | 'frozen'
  readonly groupId: number | undefined
  readonly item: ItemDraft | undefined
  readonly issue: Issue | undefined
  /** Another source owns the group, or none does: whether this one gives members to it. */
  readonly isShared?: boolean
}

/** Plans one group of a source. */
export function planGroup(input: GroupInput, context: GroupContext): PlannedGroup {
  const { existing, mapped } = input
  const frozen: PlannedGroup = { kind: 'frozen', groupId: existing?.id, item: undefined, issue: undefined }
  if (input.state === 'a' || input.state === '?') return frozen
  // Its name and place are its owner's; a membership exists while any source gives it.
  if (
    existing !== undefined &&
    !existing.hidden &&
    existing.sourceId !== null &&
    context.rivals.includes(existing.sourceId)
  ) {
    const isWanted = input.state === 'l' && mapped.kind === 'wanted'
    if (mapped.kind === 'unnamed' || (input.state !== 'l' && !input.removalsAllowed)) return frozen
    if (!isWanted && !input.removalsAllowed) return { ...frozen, kind: 'ignored' }
    return { ...frozen, kind: isWanted ? 'wanted' : 'ignored', isShared: isWanted }
  }
  if (input.state !== 'l') return leaving({ input, context }, { reason: 'gone', rule: 'groups' })
  switch (mapped.kind) {
    case 'ignored':
      return leaving({ input, context }, { reason: 'ignored', rule: mapped.rule })
    case 'unnamed':
      return {
        kind: existing === undefined ? 'ignored' : 'frozen',
        groupId: existing?.id,
        item: undefined,
        issue: {
          code: 'value-rejected',
          objectId: input.objectId,
          message: `The group ${mapped.problem}; it stays as it is. Name it in Entra.`,
        },
      }
    case 'wanted':
      return planWanted(input, { mapped, context })
  }
}

function planWanted(
  input: GroupInput,
  {
    mapped,
    context,
  }: { readonly mapped: { readonly name: string; readonly under: string }; readonly context: GroupContext },
): PlannedGroup {
  const { existing } = input
  const issue: Issue | undefined = input.membersUnknown
    ? {
        code: 'membership-unknown',
        objectId: input.objectId,
        message: unknownMembers(mapped.name, input.isHidden),
      }
    : undefined
  const base = { object: 'group', objectId: input.objectId, names: null, userId: null } as const
  if (existing === undefined || existing.hidden) {
    const groupId = existing?.id ?? input.newId()
    const item: ItemDraft = {
      ...base,
      action: 'create',
      groupId,
      name: mapped.name,
      old: existing === undefined ? null : { hidden: true, name: existing.name, under: existing.under },
      new: { name: mapped.name, under: mapped.under, path: pathOf(mapped.under, mapped.name) },
      rule: 'groups.import',
      reason: existing === undefined ? 'new-in-entra' : 'back-again',
      sawVersion: existing?.version ?? null,
    }
    return { kind: 'wanted', groupId, item, issue }
  }
  const linkedAgain = existing.sourceId !== context.sourceId
  const item =
    existing.name !== mapped.name
      ? ({
          ...base,
          action: 'rename',
          groupId: existing.id,
          name: existing.name,
          old: { name: existing.name, under: existing.under },
          new: { name: mapped.name, under: mapped.under },
          rule: 'groups',
          reason: 'changed-in-entra',
          sawVersion: existing.version,
        } as const)
      : existing.under !== mapped.under || linkedAgain
        ? ({
            ...base,
            action: 'move',
            groupId: existing.id,
            name: existing.name,
            old: { under: existing.under },
            new: { under: mapped.under },
            rule: 'groups.under',
            reason: linkedAgain ? 'linked-again' : 'setting',
            sawVersion: existing.version,
          } as const)
        : undefined
  return { kind: 'wanted', groupId: existing.id, item, issue }
}

function unknownMembers(name: string, isHidden: boolean): string {
  const group = JSON.stringify(name)
  return isHidden
    ? `Entra does not show the members of ${group}; its memberships stay as they are. Grant Member.Read.Hidden, or ignore the group.`
    : `Entra lists ${group} and did not find it when asked for its members, as one that is new or has just been removed; its memberships stay as they are. It is asked again.`
}

function leaving(
  { input, context }: { readonly input: GroupInput; readonly context: GroupContext },
  why: Why,
): PlannedGroup {
  const { existing } = input
  const stays: PlannedGroup = { kind: 'ignored', groupId: existing?.id, item: undefined, issue: undefined }
  if (existing === undefined || existing.hidden) return stays
  // It goes in a later run; one that was only left out is given nobody new until then.
  if (!input.removalsAllowed) return why.reason === 'gone' ? { ...stays, kind: 'frozen' } : stays
  // Of a removed source, say: what this one gave to it beside that ends.
  if (existing.sourceId !== context.sourceId) return { ...stays, isShared: false }
  const heir = why.reason === 'gone' ? undefined : input.heirs()
  if (heir !== undefined) {
    return { kind: 'ignored', groupId: existing.id, item: moveItem(existing, heir, why), issue: undefined }
  }
  return { kind: 'ignored', groupId: existing.id, item: deleteItem(existing, why), issue: undefined }
}

/** Plans a group of which nothing is read any more, because groups are not imported. */
export function leaveUnread(existing: RegistryGroup, heirs: GroupInput['heirs']): ItemDraft {
  const why = { reason: 'ignored', rule: 'groups.import' }
  const heir = heirs()
  return heir === undefined ? deleteItem(existing, why) : moveItem(existing, heir, why)
}

interface Why {
  readonly reason: string
  readonly rule: string
}

function moveItem(existing: RegistryGroup, heir: GroupHeir, why: Why): ItemDraft {
  const isRenamed = existing.name !== heir.name
  return {
    object: 'group',
    action: 'move',
    userId: null,
    groupId: existing.id,
    objectId: existing.objectId,
    name: existing.name,
    old: { ...(isRenamed ? { name: existing.name } : {}), under: existing.under },
    new: { ...(isRenamed ? { name: heir.name } : {}), under: heir.under, source: heir.source },
    names: null,
    rule: why.rule,
    reason: 'dropped-by-owner',
    sawVersion: existing.version,
  }
}

function deleteItem(existing: RegistryGroup, why: Why): ItemDraft {
  return {
    object: 'group',
    action: 'delete',
    userId: null,
    groupId: existing.id,
    objectId: existing.objectId,
    name: existing.name,
    old: { name: existing.name, under: existing.under, path: pathOf(existing.under, existing.name) },
    new: { hidden: true },
    names: null,
    rule: why.rule,
    reason: why.reason,
    sawVersion: existing.version,
  }
}
