// What a run changed, as a sentence.
import type { RunLine } from '../../contract/run-list.ts'
import { formatCount, formatNumber } from '../format.ts'

const USERS = {
  created: 'created',
  adopted: 'adopted',
  takenOver: 'taken over',
  updated: 'updated',
  renamed: 'renamed',
  deactivated: 'deactivated',
  reactivated: 'reactivated',
  deleted: 'deleted',
} as const
const GROUPS = { created: 'created', renamed: 'renamed', deleted: 'deleted' } as const

/** `Users: 3 created, 1 renamed · Groups: 1 created · Memberships: 40 added`. */
export function changesInWords(run: Pick<RunLine, 'users' | 'groups' | 'memberships' | 'credentials'>): string {
  const { users, groups, memberships, credentials } = run
  const parts = [
    part('Users', users, USERS),
    part('Groups', groups, GROUPS),
    part('Memberships', memberships, { added: 'added', removed: 'removed' }),
    part('Cards and PINs', credentials, { added: 'added', removed: 'removed' }),
  ].filter((text) => text !== '')
  return parts.length === 0 ? 'Nothing changed' : parts.join(' · ')
}

/** How many things a run changes. */
export function changeCount(run: Pick<RunLine, 'users' | 'groups' | 'memberships' | 'credentials'>): string {
  const sum = (counts: Readonly<Record<string, number>> | null, names: object) =>
    counts === null ? 0 : Object.keys(names).reduce((total, name) => total + (counts[name] ?? 0), 0)
  const both = { added: '', removed: '' }
  const total =
    sum(run.users, USERS) + sum(run.groups, GROUPS) + sum(run.memberships, both) + sum(run.credentials, both)
  return formatCount(total, 'change', 'changes')
}

function part(
  what: string,
  counts: Readonly<Record<string, number>> | null,
  names: Readonly<Record<string, string>>,
): string {
  if (counts === null) return ''
  const told = Object.entries(names).flatMap(([key, name]) => {
    const count = counts[key] ?? 0
    return count === 0 ? [] : [`${formatNumber(count)} ${name}`]
  })
  return told.length === 0 ? '' : `${what}: ${told.join(', ')}`
}

const FIELDS: Readonly<Record<string, string>> = {
  userName: 'User name',
  fullName: 'Full name',
  personalNumber: 'Personal number',
  alternateEmails: 'Alternate emails',
  costCenter: 'Cost center',
  jobTitle: 'Job title',
  defaultGroup: 'Default group',
  pin: 'PIN',
  shown: 'Number',
  rows: 'Members',
  objectId: 'Object ID',
  storage: 'User’s storage',
}

export const changeTexts = {
  empty: 'empty',
  yes: 'yes',
  no: 'no',
  /** `Department` for `department`, `Given group` for `givenGroup`; own fields by their names. */
  fieldName(field: string): string {
    const known = FIELDS[field]
    if (known !== undefined) return known
    if (field.startsWith('own.')) return field.slice('own.'.length)
    const words = field.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    return words.charAt(0).toUpperCase() + words.slice(1)
  },
} as const
