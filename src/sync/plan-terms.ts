// On which terms a person takes what is mapped: always, only when created, only when empty; replaced or appended. What comes
// out is what planning has to reach; a target that this person keeps as it is counts as not mapped.
import type { OneValued, Properties, SeveralValued, SourceSettings } from '../contract/sources.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryUser, TextField } from '../directory/user.ts'
import type { Releases } from '../registry/release.ts'
import type { GivenValue, RejectedValue, WantedUser } from './map/users.ts'

/** A value that a person is to have. */
export interface TakenValue {
  readonly value: string
  /** Once given it is the registry's own: no source withdraws it. */
  readonly own: boolean
}

/** Values of one several-valued target. */
export interface TakenValues {
  readonly values: readonly TakenValue[]
  /** Values that the source gave before and does not give any more are withdrawn. */
  readonly withdraws: boolean
}

/** What a mapping wants of one person, on the terms of its entries. `undefined`: stays as it is. */
export interface TakenUser {
  readonly userName: string | null
  readonly fields: ReadonlyMap<TextField, string | null>
  readonly personalNumber: string | null | undefined
  readonly aliases: TakenValues | undefined
  readonly alternateEmails: TakenValues | undefined
  readonly cards: TakenValues | undefined
  readonly pins: TakenValues | undefined
  /** He is to have a PIN that is drawn for him. */
  readonly drawsPin: boolean
  readonly own: ReadonlyMap<string, string | null>
  /** Values that cannot be kept, of targets that would take one. */
  readonly rejected: readonly RejectedValue[]
}

/**
 * @param user `undefined` for somebody new. Whoever is adopted or comes back is not new: what is given only when created he
 *   does not get.
 */
export function onTerms(wanted: WantedUser, user: RegistryUser | undefined, settings: SourceSettings): TakenUser {
  const { properties } = settings.users
  const isNew = user === undefined
  const rejected = isNew ? wanted.rejected : wanted.rejected.filter((r) => r.apply !== 'whenCreated')
  const several = (
    target: 'aliases' | 'cards' | 'alternateEmails',
    has: { readonly own: number; readonly all: number },
  ) =>
    taken(wanted[target], {
      isNew,
      list: properties[target],
      isRejected: rejected.some((r) => r.target === target),
      hasOwn: has.own > 0,
      has: has.all > 0,
    })
  const fields = new Map<TextField, string | null>()
  for (const [field, value] of wanted.fields)
    if (takes(properties[field], value, { isNew, current: user?.fields[field] })) fields.set(field, value)
  const own = new Map<string, string | null>()
  for (const [name, value] of wanted.own)
    if (takes(properties.own[name], value, { isNew, current: user?.own[name] })) own.set(name, value)
  const number = wanted.personalNumber
  const takesNumber = takes(properties.personalNumber, number, { isNew, current: user?.personalNumber })
  const credentials = user?.credentials ?? []
  const cards = credentials.filter((c) => c.kind === 'card')
  const pins = credentials.filter((c) => c.kind === 'pin')
  // A kept old user name comes from a rename, not from what is mapped.
  const aliases = user?.names.filter((name) => name.kind === 'a' && name.origin !== 'k') ?? []
  const emails = user?.alternateEmails ?? []
  return {
    userName: user !== undefined && properties.userName.apply !== 'always' ? user.userName : wanted.userName,
    fields,
    personalNumber: takesNumber ? number : undefined,
    aliases: several('aliases', { own: aliases.filter(isOwn).length, all: aliases.length }),
    alternateEmails: several('alternateEmails', {
      own: emails.filter((email) => user?.givenEmails.includes(email) !== true).length,
      all: emails.length,
    }),
    cards: several('cards', { own: cards.filter(isOwn).length, all: cards.length }),
    pins: takenPin(wanted.pin, { property: properties.pin, isNew, current: pins[0]?.lookup }),
    drawsPin: properties.pin === 'generate' && pins.length === 0,
    own,
    rejected,
  }
}

function isOwn(value: { readonly origin: 's' | 'k' | 'o' }): boolean {
  return value.origin === 'o'
}

/** Whether a one-valued target takes what is mapped. */
function takes(
  property: OneValued | null | undefined,
  value: string | null | undefined,
  place: { readonly isNew: boolean; readonly current: string | null | undefined },
): boolean {
  if (property === null || property === undefined || value === undefined) return false
  switch (property.apply) {
    case 'always':
      return true
    case 'whenCreated':
      return place.isNew
    case 'whenEmpty':
      return value !== null && (place.current ?? null) === null
  }
}

interface Place {
  readonly isNew: boolean
  readonly list: readonly SeveralValued[]
  /** A value of this target could not be kept: what the source gave before stays meanwhile. */
  readonly isRejected: boolean
  /** He has values of this target that are the registry's own. */
  readonly hasOwn: boolean
  /** He has values of this target. */
  readonly has: boolean
}

function taken(given: readonly GivenValue[] | undefined, place: Place): TakenValues | undefined {
  if (given === undefined) return undefined
  const withdraws = place.list.some(isWithdrawn) && !place.isRejected
  const values = given.filter((g) => g.apply === 'always' || (g.apply === 'whenCreated' && place.isNew))
  // Judged on what he will have, so that a value that goes makes room in the same plan.
  const isEmpty = values.length === 0 && !place.hasOwn && (withdraws || !place.has)
  if (isEmpty) values.push(...given.filter((g) => g.apply === 'whenEmpty'))
  const byKey = new Map<string, TakenValue>()
  for (const { value, apply, mode } of values) {
    const key = canonical(value)
    const before = byKey.get(key)
    const own = !isWithdrawn({ apply, mode })
    if (before === undefined) byKey.set(key, { value, own })
    else if (own && !before.own) byKey.set(key, { value: before.value, own })
  }
  return { values: [...byKey.values()], withdraws }
}

function takenPin(
  pin: string | null | undefined,
  place: { readonly property: Properties['pin']; readonly isNew: boolean; readonly current: string | undefined },
): TakenValues | undefined {
  const { property } = place
  if (pin === undefined || property === null || property === 'generate') return undefined
  const isTaken = pin !== null && takes(property, pin, place)
  const isReplaced = property.apply === 'always'
  return { values: isTaken ? [{ value: pin, own: !isReplaced }] : [], withdraws: isReplaced }
}

/** Only what is always given and replaced is withdrawn again; anything else is the registry's own once it was given. */
function isWithdrawn(entry: Pick<SeveralValued, 'apply' | 'mode'>): boolean {
  return entry.apply === 'always' && entry.mode === 'replace'
}

/** What a source with these properties withdraws from no more. */
export function releasesOf(properties: Properties): Releases {
  const { pin } = properties
  return {
    releaseAliases: !properties.aliases.some(isWithdrawn),
    releaseCards: !properties.cards.some(isWithdrawn),
    releasePins: pin === null || (pin !== 'generate' && pin.apply !== 'always'),
    releaseEmails: !properties.alternateEmails.some(isWithdrawn),
  }
}
