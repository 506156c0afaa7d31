// Which Entra attributes a source's settings need; nothing else is requested or kept.
import { parseExpression } from '../../contract/expression.ts'
import type { OneValued, SeveralValued, SourceSettings } from '../../contract/sources.ts'
import { parseTemplate } from '../../contract/template.ts'
import { attributesOf } from '../../directory/attributes.ts'
import { attributesOfTemplates, prepareGroupTemplates } from './attribute-groups.ts'
import { attributesOfFilter } from './filter.ts'

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
  const p = settings.users.properties
  const plain = new Set<string>(ALWAYS)
  const secret = new Set<string>()
  const ones = [
    p.userName,
    p.fullName,
    p.personalNumber,
    p.email,
    p.phone,
    p.language,
    p.department,
    p.costCenter,
    p.office,
    p.jobTitle,
    p.company,
    p.manager,
    p.storage,
    p.notes,
    ...Object.values(p.own),
  ]
  for (const property of ones) if (property !== null) addAll(plain, attributesReadBy(property))
  for (const property of [...p.aliases, ...p.alternateEmails]) addAll(plain, attributesReadBy(property))
  for (const property of p.cards) addAll(secret, attributesReadBy(property))
  if (p.pin !== null && p.pin !== 'generate') addAll(secret, attributesReadBy(p.pin))
  if (settings.users.filter !== null) {
    addAll(plain, attributesOfFilter(settings.users.filter))
  }
  addAll(plain, attributesOfTemplates(prepareGroupTemplates(settings.groups)))
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

/** The attributes that one entry of a mapping reads. */
export function attributesReadBy(property: OneValued | SeveralValued): readonly string[] {
  if ('from' in property) return attributesOf(property.from)
  if ('expression' in property) {
    const parsed = parseExpression(property.expression)
    return parsed.kind === 'refused' ? [] : parsed.expression.attributes
  }
  const parsed = parseTemplate(property.template)
  if (parsed.kind === 'refused') return []
  return parsed.parts.flatMap((part) => ('attribute' in part ? attributesOf(part.attribute) : []))
}

function addAll(set: Set<string>, names: readonly string[]): void {
  for (const name of names) set.add(name)
}
