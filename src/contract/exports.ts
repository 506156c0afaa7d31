// What `export` gives out and in which forms: the keys of its rows, in their order.

export const EXPORT_KINDS = ['users', 'groups', 'memberships'] as const
export type ExportKind = (typeof EXPORT_KINDS)[number]

export const EXPORT_FORMATS = ['ndjson', 'json', 'csv'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export const CSV_DIALECTS = ['muster', 'myq'] as const
/** `muster`: a header and the keys below; `myq`: the user import layout of that print server. */
export type CsvDialect = (typeof CSV_DIALECTS)[number]

export const EXPORT_KEYS = {
  users: [
    'id',
    'userName',
    'fullName',
    'email',
    'phone',
    'language',
    'department',
    'personalNumber',
    'aliases',
    'cards',
    'groups',
    'active',
    'source',
    'tenantId',
    'objectId',
  ],
  groups: ['id', 'name', 'path', 'source', 'objectId'],
  memberships: ['groupId', 'groupObjectId', 'userId', 'userObjectId'],
} as const satisfies Readonly<Record<ExportKind, readonly string[]>>
