// What changes in the one-valued fields, alternate emails, own fields and the personal number of a person.
import { canonical } from '../directory/canonical.ts'
import { TEXT_FIELDS, type RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import { defaultGroupChange } from './plan-default-group.ts'
import { issue, type PersonOptions, type UserInput } from './plan-person.ts'
import type { TakenValues } from './plan-terms.ts'

/** The number with which he comes back: the new one, else the parked one where it is still free. */
export function numberKeyAfter(
  input: UserInput,
  user: RegistryUser,
  changed: Readonly<Record<string, unknown>>,
): string | null {
  const number = 'personalNumber' in changed ? changed['personalNumber'] : user.personalNumber
  if (typeof number !== 'string') return null
  const key = canonical(number)
  return input.denied.has(`number:${key}`) ? null : key
}

interface ChangesOptions extends PersonOptions {
  readonly user: RegistryUser
}

export interface FieldChanges {
  readonly old: Record<string, unknown>
  readonly new: Record<string, unknown>
  /** Present when they change, though the list that people see may stay the same. */
  readonly givenEmails?: readonly string[]
  readonly claims: readonly Claim[]
  readonly defaultGroupId: number | null
}

export function fieldChanges(input: UserInput, o: ChangesOptions): FieldChanges {
  const { user, wanted } = o
  const before: Record<string, unknown> = {}
  const after: Record<string, unknown> = {}
  for (const field of TEXT_FIELDS) {
    const value = wanted.fields.get(field)
    if (value === undefined || value === user.fields[field]) continue
    before[field] = user.fields[field]
    after[field] = value
  }
  const number = personalNumber(input, o)
  if (number.value !== undefined && number.value !== user.personalNumber) {
    before['personalNumber'] = user.personalNumber
    after['personalNumber'] = number.value
  } else if (number.isFreeAgain) {
    before['personalNumber'] = null
    after['personalNumber'] = user.personalNumber
  }
  const emails = emailsOf(wanted.alternateEmails, user)
  if (emails.list.join('\0') !== user.alternateEmails.join('\0')) {
    before['alternateEmails'] = user.alternateEmails
    after['alternateEmails'] = emails.list
  }
  const ownBefore: Record<string, string | null> = {}
  const ownAfter: Record<string, string | null> = {}
  for (const [name, value] of wanted.own) {
    // A field may be called constructor.
    const current = Object.hasOwn(user.own, name) ? (user.own[name] ?? null) : null
    if (current === value) continue
    ownBefore[name] = current
    ownAfter[name] = value
  }
  if (Object.keys(ownAfter).length > 0) {
    before['own'] = ownBefore
    after['own'] = ownAfter
  }
  // Wanted once more: from now on the source may deactivate him again.
  if (user.restoredByAdministrator) {
    before['restoredByAdministrator'] = true
    after['restoredByAdministrator'] = false
  }
  const defaultGroup = defaultGroupChange(input, o.context, user)
  if (defaultGroup !== undefined) {
    before['defaultGroup'] = user.defaultGroup?.path ?? null
    after['defaultGroup'] = defaultGroup?.path ?? null
  }
  const isGivenAnew = emails.given.toSorted().join('\0') !== user.givenEmails.toSorted().join('\0')
  return {
    old: before,
    new: after,
    ...(isGivenAnew ? { givenEmails: emails.given } : {}),
    claims: number.claims,
    defaultGroupId: defaultGroup?.id ?? null,
  }
}

/** The alternate emails that a person ends with: what stays in its order, what is new after it. */
export function emailsOf(
  taken: TakenValues | undefined,
  user: Pick<RegistryUser, 'alternateEmails' | 'givenEmails'> | undefined,
): { readonly list: readonly string[]; readonly given: readonly string[] } {
  const had = user?.alternateEmails ?? []
  const gave = new Set(user?.givenEmails)
  const wanted = new Map((taken?.values ?? []).map((value) => [canonical(value.value), value]))
  const list: string[] = []
  const given: string[] = []
  for (const email of had) {
    const key = canonical(email)
    const now = wanted.get(key)
    wanted.delete(key)
    const isGiven = gave.has(email)
    if (!isGiven || taken?.withdraws !== true) {
      list.push(email)
      if (isGiven) given.push(email)
    } else if (now !== undefined) {
      list.push(now.value)
      if (!now.own) given.push(now.value)
    }
  }
  for (const { value, own } of wanted.values()) {
    list.push(value)
    if (!own) given.push(value)
  }
  return { list, given }
}

interface PlannedNumber {
  /** `undefined`: stays as it is. */
  readonly value: string | null | undefined
  /** His own number, which somebody else had when he came back. */
  readonly isFreeAgain: boolean
  readonly claims: Claim[]
}

export function personalNumber(input: UserInput, o: PersonOptions & { readonly user?: RegistryUser }): PlannedNumber {
  const { user } = o
  const isKept = o.wanted.personalNumber === undefined
  const number = isKept ? user?.personalNumber : o.wanted.personalNumber
  if (number === undefined || number === null) return { value: number, isFreeAgain: false, claims: [] }
  const key = canonical(number)
  const holds = user?.active === true && user.holdsNumber
  const claims: Claim[] = [{ space: 'number', key, rank: isKept ? (holds ? 'own' : 'parked') : 'value' }]
  if (!input.denied.has(`number:${key}`)) {
    const isFreeAgain = user?.active === true && !user.holdsNumber && number === user.personalNumber
    return { value: isKept ? undefined : number, isFreeAgain, claims }
  }
  o.issues.push(
    issue(
      input,
      'personal-number-conflict',
      `The personal number ${JSON.stringify(number)} belongs to ${o.context.winnerOf(`number:${key}`)}; this user does without it.`,
    ),
  )
  return { value: isKept ? undefined : null, isFreeAgain: false, claims }
}
