// The column layout of MyQ's user import. MyQ separates several aliases, cards and groups by commas and the levels of a
// group by |; neither can be part of a name there.
// Source: https://docs.myq-solution.com/en/print-server/10.1/csv-file-syntax (seen 2026-11).
import { splitPath } from '../directory/group.ts'
import type { ExportedPrintUser } from './export.ts'

export const MYQ_COLUMNS = [
  'FULLNAME',
  'USERNAME_ALIASES',
  'EMAIL',
  'CARDS',
  'GROUPS',
  'CODE',
  'SCANSTORAGE',
  'PIN',
  'AUTHSERVER',
] as const

/** One line for MyQ. For active users only: the layout cannot say that somebody is not. PIN stays empty. */
export function myqCells(user: ExportedPrintUser): readonly string[] {
  return [
    user.fullName ?? '',
    [user.userName.replaceAll(',', ' '), ...user.aliases.filter(hasNoComma)].join(','),
    user.email ?? '',
    user.cards.filter(hasNoComma).join(','),
    user.groups.map(groupTree).join(','),
    user.personalNumber ?? '',
    user.storage ?? '',
    '',
    user.authenticationServer ?? '',
  ]
}

/** A comma would begin another value; half a card number would open the door for somebody else, so it is left out. */
function hasNoComma(value: string): boolean {
  return !value.includes(',')
}

/** From the root down, as MyQ writes it: a comma would begin another group and a bar inside a name another level. */
function groupTree(path: string): string {
  const names = splitPath(path).map((name) => name.replaceAll('|', '/'))
  return names.join('|').replaceAll(',', ' ')
}
