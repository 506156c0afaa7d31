// What is not said of others because nothing is said of one (see model.ts), such as whom a source passes to another one that has
// last read other values of him, or a record whose object id has moved: who gets what he has, or may want, is not said either.
import { canonical, valueOf, valuesOf } from './model-entra.ts'
import type { Draft, EntraUser, Facet, View } from './model.ts'
import { wantedUserName } from './model-values.ts'

type Contested = 'userName' | 'names' | 'cards' | 'pin' | 'personalNumber'

interface Unsaid {
  /** Of the source whose run it is. */
  readonly view: View
  readonly openPeople: Set<string>
}

/** Opens what others want of that, and names those who may have no record for want of a user name. */
export function openContested(people: readonly Draft[], { view, openPeople }: Unsaid): void {
  for (const person of people) {
    if (!person.open.includes('all')) continue
    const unsure = new Set([...mayHave(person, view)].map(withoutRole))
    for (const other of people) if (other !== person) openFor(other, { unsure, openPeople })
  }
}

/** Whatever he had, and all that the sources which may plan him give him, as they have read him or as he is known now. */
function mayHave(person: Draft, view: View): readonly string[] {
  const { before, mapped, objectId, readElsewhere, verdict } = person
  const user = verdict === 'wanted' && objectId !== null ? view.tenant.users.get(objectId) : undefined
  return [
    ...(before === undefined ? [] : holdings(before)),
    ...(user === undefined ? [] : wishes(view, user)),
    ...(mapped === undefined ? [] : wishes(mapped.view, mapped.user)),
    ...(mapped === undefined || readElsewhere === undefined ? [] : wishes(mapped.view, readElsewhere)),
  ]
}

function openFor(
  other: Draft,
  { unsure, openPeople }: { readonly unsure: ReadonlySet<string>; readonly openPeople: Set<string> },
): void {
  const theirs = [
    ...(other.mapped === undefined ? [] : wishes(other.mapped.view, other.mapped.user)),
    ...(other.before === undefined ? [] : holdings(other.before)),
  ].filter((wish) => unsure.has(withoutRole(wish)))
  const facets = new Set<Facet>(theirs.flatMap(facetsOf))
  if (other.isNew && facets.has('userName')) {
    openPeople.add(other.objectId ?? '')
    facets.add('all')
  }
  other.open = [...other.open, ...facets]
}

/** `space role value`: user names and aliases share a space. */
function wishes(view: View, user: EntraUser): ReadonlySet<string> {
  const { properties } = view.settings.users
  const { pin, personalNumber } = properties
  const name = wantedUserName(view, user)
  return tagged({
    userName: name === undefined ? [] : [name],
    names: properties.aliases.flatMap((spec) => valuesOf(user, spec)),
    cards: properties.cards.flatMap((spec) => valuesOf(user, spec)),
    pin: pin === null || pin === 'generate' ? [] : valuesOf(user, pin),
    personalNumber: personalNumber === null ? [] : [valueOf(user, personalNumber) ?? ''],
  })
}

function holdings(person: NonNullable<Draft['before']>): ReadonlySet<string> {
  return tagged({
    userName: [person.userName],
    names: person.aliases.map((alias) => alias.value),
    cards: person.cards.map((card) => card.value),
    pin: person.pin === null ? [] : [person.pin.value],
    personalNumber: [person.personalNumber ?? ''],
  })
}

function tagged(values: Readonly<Record<Contested, readonly string[]>>): ReadonlySet<string> {
  return new Set(
    Object.entries(values).flatMap(([role, list]) =>
      list
        .filter((value) => value !== '')
        .map((value) => `${role === 'userName' ? 'names' : role} ${role} ${canonical(value)}`),
    ),
  )
}

function withoutRole(wish: string): string {
  const [space = '', , ...value] = wish.split(' ')
  return `${space} ${value.join(' ')}`
}

function facetsOf(wish: string): readonly Facet[] {
  return FACETS.get(wish.split(' ')[1] ?? '') ?? []
}

const FACETS: ReadonlyMap<string, readonly Facet[]> = new Map<Contested, readonly Facet[]>([
  // Who loses a user name falls back on an old one, which may stay as an alias.
  ['userName', ['userName', 'names']],
  ['names', ['names']],
  ['cards', ['cards']],
  ['pin', ['pin']],
  ['personalNumber', ['personalNumber']],
])
