// In which order fields are told: as the settings and a person's page have them, whatever order they are stored in.
/** What a mapping fills, as the settings name it. */
export const TARGET_NAMES = [
  'userName',
  'fullName',
  'aliases',
  'cards',
  'pin',
  'personalNumber',
  'email',
  'alternateEmails',
  'phone',
  'language',
  'department',
  'costCenter',
  'office',
  'jobTitle',
  'company',
  'manager',
  'storage',
  'notes',
] as const

const ORDER: ReadonlyMap<string, number> = new Map(
  ['name', 'path', ...TARGET_NAMES, 'own', 'active', 'source', 'objectId', 'defaultGroup'].map((field, place) => [
    field,
    place,
  ]),
)

/** What has no place comes after what has one, by name. */
export function compareFields(a: string, b: string): number {
  return placeOf(a) - placeOf(b) || (a < b ? -1 : a > b ? 1 : 0)
}

function placeOf(field: string): number {
  return ORDER.get(field.startsWith('own.') ? 'own' : field) ?? ORDER.size
}
