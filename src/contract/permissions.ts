// Which application permissions of Microsoft Graph a connection needs, and for what: told by Check connection, by the page on
// registering the app, and nowhere else decided.
import { attributeReaders } from './attributes-read.ts'
import type { SourceSettings } from './sources.ts'

/**
 * The permissions that can be needed, with the id of their app role.
 * Source: https://learn.microsoft.com/graph/permissions-reference (seen 2026-11).
 */
export const PERMISSIONS = {
  'User.Read.All': 'df021288-bdef-4463-88db-98f22de89214',
  'GroupMember.Read.All': '98830695-27a2-44f7-8c18-0c3ebc9698f6',
  'Member.Read.Hidden': '658aa5d8-239f-45c4-aa12-864f4fc7e490',
  'User-LifeCycleInfo.Read.All': '8556a004-db57-4d7a-8b82-97a13428e96f',
} as const
export type Permission = keyof typeof PERMISSIONS

export interface PermissionNeed {
  readonly permission: Permission
  /** Clauses, each naming what needs it. */
  readonly reasons: readonly string[]
  /** False: without it something stays as it is, and the rest works. */
  readonly isRequired: boolean
}

/** What asks for permissions. */
export interface Wants {
  /** The sources of the connection; none yet: what nearly every source will want. */
  readonly sources: readonly { readonly name: string; readonly settings: SourceSettings }[]
  /** Whether groups with hidden membership were met. */
  readonly hasHiddenGroups: boolean
  /** Roles here that groups of Entra give: who has too many groups for a token has them read for him when he signs in. */
  readonly rolesByGroup?: readonly string[]
}

/** The least permissions for what is chosen, in a fixed order. */
export function permissionsFor({ sources, hasHiddenGroups, rolesByGroup = [] }: Wants): readonly PermissionNeed[] {
  const groups: string[] = sources.flatMap(({ name, settings }) => [
    ...(settings.groups.import ? [`${name} imports groups and who is in them`] : []),
    ...(settings.users.import === 'all' ? [] : [`${name} takes its people from groups`]),
  ])
  const leaving = sources.flatMap(({ name, settings }) => {
    const places = [...attributeReaders(settings)].filter(({ attributes }) => attributes.includes(LEAVING))
    return places.length === 0
      ? []
      : [`${name} uses ${LEAVING} (${[...new Set(places.map(({ at }) => at))].join(', ')})`]
  })
  if (sources.length === 0) groups.push('nearly every source imports groups or takes its people from them')
  const needs: PermissionNeed[] = [
    {
      permission: 'User.Read.All',
      reasons: sources.length === 0 ? ['every source reads users'] : sources.map(({ name }) => `${name} reads users`),
      isRequired: true,
    },
    {
      permission: 'GroupMember.Read.All',
      reasons: [...groups, ...rolesByGroup.map((role) => `a group gives the role ${role} to who signs in`)],
      isRequired: true,
    },
    {
      permission: 'Member.Read.Hidden',
      reasons: groups.length > 0 && hasHiddenGroups ? [HIDDEN] : [],
      isRequired: false,
    },
    { permission: 'User-LifeCycleInfo.Read.All', reasons: leaving, isRequired: true },
  ]
  return needs.filter(({ reasons }) => reasons.length > 0)
}

/** The one attribute that takes a permission of its own. Source: https://learn.microsoft.com/graph/api/resources/user (seen 2026-11). */
const LEAVING = 'employeeLeaveDateTime'

const HIDDEN =
  'there are groups with hidden membership; without it the memberships of such groups stay as they are here'
