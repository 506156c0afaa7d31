// What a tenant implies for the registry, written down a second time from the tenant itself: no code of the engine, no
// Graph, no SQL. For sources with the default scope and the mapping of `MAPPING`, on a first load.
import type { DirectoryObject } from '../../src/emulator/object.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'

/** The mapping that this knows; the source's settings in a config file. */
export const MAPPING = {
  users: {
    properties: {
      aliases: ['upnPrefix', 'onPremisesSamAccountName'],
      cards: ['onPremisesExtensionAttributes.extensionAttribute5'],
      personalNumber: 'employeeId',
    },
  },
  groups: { under: 'Entra ID' },
} as const

export interface ExpectedUser {
  readonly objectId: string
  readonly userName: string
  readonly fullName: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly language: string | null
  readonly department: string | null
  readonly personalNumber: string | null
  readonly aliases: readonly string[]
  readonly cards: readonly string[]
  readonly groups: readonly string[]
}

export interface Expected {
  readonly users: readonly ExpectedUser[]
  readonly groups: readonly { readonly objectId: string; readonly name: string; readonly path: string }[]
  /** `group object id user object id`, sorted. */
  readonly memberships: readonly string[]
}

/** Users by object id, groups by object id; members of groups who are no users of the registry are left out. */
export function expectedFrom(tenant: Tenant): Expected {
  const people = [...tenant.live('user')].filter((user) => user.properties['accountEnabled'] !== false)
  const wanted = new Map(people.map((user) => [user, wantedBy(user)]))
  const names = winners(
    wanted,
    (w) => [w.userName],
    (w) => w.aliases,
  )
  const cards = winners(wanted, (w) => w.cards)
  const numbers = winners(wanted, (w) => (w.personalNumber === null ? [] : [w.personalNumber]))
  const live = new Set(people.map((user) => user.no))
  const paths = new Map<number, string>()
  const memberships: string[] = []
  const groups = [...tenant.live('group')].map((group) => {
    const name = given(group, 'displayName') ?? ''
    const path = `Entra ID|${name.replaceAll('|', '\\|')}`
    paths.set(group.no, path)
    for (const no of group.members) if (live.has(no)) memberships.push(`${group.id} ${tenant.at(no).id}`)
    return { objectId: group.id, name, path }
  })
  const users = people.map((user): ExpectedUser => {
    const w = wanted.get(user)!
    return {
      ...w,
      aliases: w.aliases
        .filter((alias) => names.get(fold(alias)) === user && fold(alias) !== fold(w.userName))
        .sort(byCodePoint),
      cards: w.cards.filter((card) => cards.get(fold(card)) === user),
      personalNumber:
        w.personalNumber !== null && numbers.get(fold(w.personalNumber)) === user ? w.personalNumber : null,
      groups: [...new Set(user.memberOf.flatMap((no) => paths.get(no) ?? []))].sort(byCodePoint),
    }
  })
  return {
    users: users.sort((a, b) => byCodePoint(a.objectId, b.objectId)),
    groups: groups.sort((a, b) => byCodePoint(a.objectId, b.objectId)),
    memberships: memberships.sort(byCodePoint),
  }
}

function wantedBy(user: DirectoryObject): ExpectedUser {
  const upn = given(user, 'userPrincipalName') ?? ''
  const prefix = upn.slice(0, upn.lastIndexOf('@'))
  const sam = given(user, 'onPremisesSamAccountName')
  const extensions = user.properties['onPremisesExtensionAttributes']
  const card =
    typeof extensions === 'object' && extensions !== null ? text(Reflect.get(extensions, 'extensionAttribute5')) : null
  const aliases = [prefix, ...(sam === null ? [] : [sam])]
  return {
    objectId: user.id,
    userName: upn,
    fullName: given(user, 'displayName'),
    email: given(user, 'mail'),
    phone: given(user, 'mobilePhone'),
    language: given(user, 'preferredLanguage'),
    department: given(user, 'department'),
    personalNumber: given(user, 'employeeId'),
    aliases: aliases.filter((alias, index) => aliases.findIndex((other) => fold(other) === fold(alias)) === index),
    cards: card === null ? [] : [card],
    groups: [],
  }
}

/** Who gets each value: stronger claims first, then the earlier createdDateTime, null last, then the lower object id. */
function winners(
  wanted: ReadonlyMap<DirectoryObject, ExpectedUser>,
  ...strengths: readonly ((user: ExpectedUser) => readonly string[])[]
): ReadonlyMap<string, DirectoryObject> {
  const order = [...wanted.keys()].sort((a, b) => byCodePoint(seniority(a), seniority(b)))
  const owner = new Map<string, DirectoryObject>()
  for (const valuesOf of strengths) {
    for (const user of order) {
      for (const value of valuesOf(wanted.get(user)!)) if (!owner.has(fold(value))) owner.set(fold(value), user)
    }
  }
  return owner
}

function seniority(user: DirectoryObject): string {
  return `${given(user, 'createdDateTime') ?? '~'} ${user.id}`
}

function given(object: DirectoryObject, name: string): string | null {
  return text(object.properties[name])
}

function text(value: unknown): string | null {
  const trimmed = typeof value === 'string' ? value.trim() : ''
  return trimmed === '' ? null : trimmed
}

function fold(value: string): string {
  return value.normalize('NFKC').toLowerCase().normalize('NFKC')
}

function byCodePoint(a: string, b: string): number {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return Buffer.compare(x, y)
}
