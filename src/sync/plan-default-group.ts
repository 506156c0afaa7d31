// What becomes of a person's default group. Pure.
import type { RegistryUser } from '../directory/user.ts'
import type { DefaultGroup, PlanUserContext, UserInput } from './plan-person.ts'

/** The default group that a new person gets. */
export function defaultGroupOfNew(input: UserInput): DefaultGroup | undefined {
  const wanted = input.attributeGroups?.defaultGroup
  return wanted === 'unknown' ? undefined : wanted
}

/**
 * The default group that an existing person gets; `null`: none any more, `undefined`: it stays as it is. What a source gave is
 * taken away when he leaves that group; what was chosen by hand only gives way to what a template makes.
 */
export function defaultGroupChange(
  input: UserInput,
  context: PlanUserContext,
  user: RegistryUser,
): DefaultGroup | null | undefined {
  const { attributeGroups: groups } = input
  if (groups === undefined || context.settings.groups.keepDefaultGroup || groups.defaultGroup === 'unknown')
    return undefined
  const current = user.defaultGroup
  if (groups.defaultGroup !== undefined) return current?.id === groups.defaultGroup.id ? undefined : groups.defaultGroup
  if (current?.isGiven !== true || !groups.isComplete || groups.groupIds.includes(current.id)) return undefined
  const isMemberOtherwise = current.memberBy.some((sourceId) => sourceId !== context.sourceId)
  return isMemberOtherwise ? undefined : null
}
