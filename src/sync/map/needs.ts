// Which Entra attributes a source's settings need; nothing else is requested or kept.
import { attributeReaders } from '../../contract/attributes-read.ts'
import type { SourceSettings } from '../../contract/sources.ts'

/** What has to be read for a source. */
export interface Needs {
  /** Flat attribute names of users, sorted; `manager` included where a mapping uses it. */
  readonly userAttributes: readonly string[]
  /** Whether the object id is used as an attribute; it need not be requested. */
  readonly usesId: boolean
  /** Those of them that feed cards or PINs: kept sealed in the mirror. */
  readonly secretAttributes: ReadonlySet<string>
  /** Flat attribute names of groups, sorted. */
  readonly groupAttributes: readonly string[]
  /** Whether groups and memberships are read at all. */
  readonly groups: boolean
}

/** Requested whatever the settings say: identity, scope, conflicts (createdDateTime), sharding, sign-in. */
const ALWAYS = ['accountEnabled', 'createdDateTime', 'displayName', 'userPrincipalName', 'userType'] as const
const GROUP_ATTRIBUTES = ['displayName', 'groupTypes', 'mailEnabled', 'securityEnabled', 'visibility'] as const

/** The attributes that `settings` map, filter on, or need to judge and pair people. */
export function needsOf(settings: SourceSettings): Needs {
  const plain = new Set<string>(ALWAYS)
  const secret = new Set<string>()
  for (const { attributes, isSecret } of attributeReaders(settings))
    for (const name of attributes) (isSecret ? secret : plain).add(name)
  const usesId = plain.delete('id')
  const usesIdAsSecret = secret.delete('id')
  // Always-requested attributes decide about people and stay readable, also where a card is mapped from one. What a filter reads
  // stays sealed where it is a card too: planning opens it.
  const secretOnly = new Set([...secret].filter((name) => !(ALWAYS as readonly string[]).includes(name)))
  return {
    usesId: usesId || usesIdAsSecret,
    userAttributes: [...new Set([...plain, ...secret])].sort(),
    secretAttributes: secretOnly,
    groupAttributes: GROUP_ATTRIBUTES,
    groups: settings.groups.import || settings.users.import !== 'all',
  }
}
