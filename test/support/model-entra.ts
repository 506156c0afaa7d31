// The reference model's reading of Entra: what a person is to a source, what an attribute says, which groups count. See model.ts.
import type { SourceSettings } from '../../src/contract/sources.ts'
import type { AppliedRun, EntraGroup, EntraUser, View } from './model.ts'

/** Whether a source reads the tenant of this run; one that was led to another one has no part in it. */
export function isHere(name: string, { tenantIds, tenant }: Pick<AppliedRun, 'tenantIds' | 'tenant'>): boolean {
  return tenantIds[name] === tenant.tenantId
}

/** The first that holds, in the order of the specification; `frozen`: he came only through a scope group that is not there any more. */
export type Verdict = 'gone' | 'softDeleted' | 'outOfScope' | 'frozen' | 'disabled' | 'wanted'

type Users = SourceSettings['users']
type Clause = NonNullable<Users['filter']>['any'][number]['all'][number]

export function judge(view: View, objectId: string): Verdict {
  const user = view.tenant.users.get(objectId)
  if (user === undefined) return 'gone'
  if (user.isDeleted) return 'softDeleted'
  const { users } = view.settings
  const isDisabled = user.attributes['accountEnabled'] === false
  const isIn = users.import === 'all' || users.import.groups.some((id) => closure(view, id).has(objectId))
  if (users.guests === 'ignore' && user.attributes['userType'] === 'Guest') return 'outOfScope'
  // Who came only through a scope group that is not there any more is left alone, whatever the filter says of him.
  if (!isIn && users.import !== 'all' && users.import.groups.some((id) => !view.tenant.groups.has(id))) return 'frozen'
  if (users.filter !== null && !users.filter.any.some((group) => group.all.every((c) => meets(user, c))))
    return 'outOfScope'
  if (users.disabledAccounts === 'ignore' && isDisabled) return 'outOfScope'
  if (!isIn) return 'outOfScope'
  return users.disabledAccounts === 'deactivate' && isDisabled ? 'disabled' : 'wanted'
}

/** NFKC and case folding, as far as upper and lower case of JavaScript give it. */
export function canonical(value: string): string {
  return value.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')
}

/** A value as text without outer white space; nothing for null and blank. */
export function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).trim()
  return text === '' ? undefined : text
}

type Spec = ({ readonly from: string } | { readonly template: string } | { readonly expression: string }) & {
  readonly transform?: string | null | undefined
}

/** The expressions that the model knows. A null attribute is an empty text, and Join leaves out what is empty. */
export const EXPRESSIONS = {
  alias: 'Join(".", [mailNickname], [employeeId])',
  notes: 'Join("/", [companyName], [employeeId])',
  mail: 'ToUpper(Coalesce([mail], [userPrincipalName]))',
} as const

function evaluate(user: EntraUser, expression: string): string {
  const text = (name: string) => textOf(attributeOf(user, name)) ?? ''
  const join = (separator: string, names: readonly string[]) =>
    names
      .map(text)
      .filter((part) => part !== '')
      .join(separator)
  if (expression === EXPRESSIONS.alias) return join('.', ['mailNickname', 'employeeId'])
  if (expression === EXPRESSIONS.notes) return join('/', ['companyName', 'employeeId'])
  if (expression === EXPRESSIONS.mail) return (text('mail') || text('userPrincipalName')).toUpperCase()
  throw new Error(`the model does not know the expression ${expression}`)
}

function transformed(value: string, transform: string | null | undefined): string {
  if (transform === null || transform === undefined) return value
  if (transform === 'hex2dec') return BigInt(`0x${value}`).toString()
  throw new Error(`the model does not know the transformation ${transform}`)
}

/** What a property takes from this person: each value, none of them blank. */
export function valuesOf(user: EntraUser, spec: Spec): readonly string[] {
  const given =
    'from' in spec
      ? attributeOf(user, spec.from)
      : 'template' in spec
        ? fill(user, spec.template)
        : evaluate(user, spec.expression)
  const values = (Array.isArray(given) ? given : [given]).map(textOf)
  return values.flatMap((value) => (value === undefined ? [] : [transformed(value, spec.transform)]))
}

export function valueOf(user: EntraUser, spec: Spec): string | undefined {
  return valuesOf(user, spec)[0]
}

function fill(user: EntraUser, template: string): string {
  return template.replaceAll(/%([^%]+)%/g, (_all, name: string) => textOf(attributeOf(user, name)) ?? '')
}

function attributeOf(user: EntraUser, name: string): unknown {
  if (name === 'upnPrefix') {
    const upn = textOf(user.attributes['userPrincipalName']) ?? ''
    return upn.includes('@') ? upn.slice(0, upn.lastIndexOf('@')) : upn
  }
  let value: unknown = user.attributes
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.entries(value).find(([key]) => key === part)?.[1]
  }
  return value
}

/** The attributes that the properties and the filter of a source name, each by its first part. */
export function attributesOf(settings: SourceSettings): ReadonlySet<string> {
  const names = new Set<string>()
  const add = (name: string) => names.add(name === 'upnPrefix' ? 'userPrincipalName' : (name.split('.')[0] ?? name))
  const { own, pin, ...properties } = settings.users.properties
  for (const spec of [...Object.values(properties), ...Object.values(own), pin].flat()) {
    if (spec === null || spec === 'generate') continue
    if ('from' in spec) add(spec.from)
    else if ('template' in spec) for (const [, name = ''] of spec.template.matchAll(/%([^%]+)%/g)) add(name)
    else for (const [, name = ''] of spec.expression.matchAll(/\[([^\]]+)\]/g)) add(name)
  }
  for (const { all } of settings.users.filter?.any ?? []) for (const { attribute } of all) add(attribute)
  return names
}

function meets(user: EntraUser, clause: Clause): boolean {
  const given = attributeOf(user, clause.attribute)
  const values = (Array.isArray(given) ? given : [given]).map(textOf).filter((v) => v !== undefined)
  const folded = values.map(canonical)
  const any = (test: (value: string) => boolean) => folded.some(test)
  if (clause.present === true) return folded.length > 0
  if (clause.absent === true) return folded.length === 0
  if (clause.eq !== undefined) return any((v) => v === canonical(String(clause.eq)))
  if (clause.ne !== undefined) return !any((v) => v === canonical(String(clause.ne)))
  const { contains, startsWith, endsWith } = clause
  if (contains !== undefined) return any((v) => v.includes(canonical(contains)))
  if (startsWith !== undefined) return any((v) => v.startsWith(canonical(startsWith)))
  if (endsWith !== undefined) return any((v) => v.endsWith(canonical(endsWith)))
  throw new Error('the model knows no regular expressions')
}

/** Object ids of everybody in a group, however deep; empty for a group that is not there. */
function closure(view: View, groupId: string): ReadonlySet<string> {
  const seen = new Set<string>()
  const visit = (id: string) => {
    for (const member of view.tenant.groups.get(id)?.members ?? []) {
      if (seen.has(member)) continue
      seen.add(member)
      visit(member)
    }
  }
  visit(groupId)
  return seen
}

/** Whether the source imports this group. */
export function isGiven(view: View, group: EntraGroup): boolean {
  const { groups } = view.settings
  if (!groups.import || groups.ignore.some((id) => id === group.id)) return false
  const name = canonical(textOf(group.attributes['displayName']) ?? '')
  if (groups.ignoreContaining.some((part) => name.includes(canonical(part)))) return false
  return groups.types === 'all' || typesOf(group).some((type) => groups.types.includes(type))
}

function typesOf(group: EntraGroup): readonly Exclude<SourceSettings['groups']['types'], 'all'>[number][] {
  const { groupTypes, mailEnabled, securityEnabled } = group.attributes
  const types = Array.isArray(groupTypes) ? groupTypes : []
  if (types.includes('Unified')) return ['microsoft365']
  if (types.includes('DynamicMembership')) return ['dynamic']
  if (mailEnabled === true) return securityEnabled === true ? ['mailEnabledSecurity'] : ['distribution']
  return ['security']
}

/** Paths that the templates of a source make for a person; of each only the last group has him. Escaped as paths are. */
export function attributeGroupsOf(
  view: View,
  user: EntraUser,
): readonly { readonly path: string; readonly isDefault: boolean }[] {
  const { fromAttributes, under } = view.settings.groups
  return fromAttributes.flatMap(({ template, makeDefault }) => {
    const names: string[] = []
    for (const level of template.split('|')) {
      const name = fill(user, level).trim()
      // A path ends before its first empty level.
      if (name === '') break
      names.push(name.replaceAll('|', '\\|'))
    }
    if (names.length === 0) return []
    return [{ path: [...(under === null ? [] : [under]), ...names].join('|'), isDefault: makeDefault }]
  })
}

/** Imported groups that a person is in: as told directly, or through any nested group. */
export function groupsOf(view: View, objectId: string): readonly string[] {
  return [...view.tenant.groups.values()]
    .filter((group) => isGiven(view, group))
    .filter((group) =>
      view.settings.groups.membership === 'transitive'
        ? closure(view, group.id).has(objectId)
        : group.members.includes(objectId),
    )
    .map((group) => group.id)
}
