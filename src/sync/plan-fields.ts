// What changes in the one-valued fields, alternate emails, own fields and the personal number of a person.
import { canonical } from '../directory/canonical.ts'
import { TEXT_FIELDS, type RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import { defaultGroupChange } from './plan-default-group.ts'
import { issue, type PersonOptions, type UserInput } from './plan-person.ts'

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

export function fieldChanges(
  input: UserInput,
  o: ChangesOptions,
): { old: Record<string, unknown>; new: Record<string, unknown>; claims: Claim[]; defaultGroupId: number | null } {
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
  if (wanted.alternateEmails !== undefined && wanted.alternateEmails.join('\0') !== user.alternateEmails.join('\0')) {
    before['alternateEmails'] = user.alternateEmails
    after['alternateEmails'] = wanted.alternateEmails
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
  return { old: before, new: after, claims: number.claims, defaultGroupId: defaultGroup?.id ?? null }
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
