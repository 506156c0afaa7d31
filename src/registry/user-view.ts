// One user as he is shown: fields with who decides about each, names, cards, PIN, groups.
import { NotFoundError } from '../base/errors.ts'
import type { UserView } from '../contract/api/users.ts'
import type { Apply } from '../contract/sources.ts'
import type { Queries } from '../database/connect.ts'
import { pathOf } from '../directory/group.ts'
import { mask } from '../directory/mask.ts'
import { TEXT_FIELDS, type TextField } from '../directory/user.ts'
import type { Vault } from '../vault/keys.ts'
import { listSources, type Source } from './sources.ts'
import { FIELD_COLUMNS } from './users.ts'
import { membershipsOf } from './why.ts'

/**
 * Everything about one user but what nobody should see: cards are masked, and of a PIN only that there is one is told.
 *
 * @throws NotFoundError
 */
export async function requireUserView(
  db: Queries,
  userId: number,
  options: { readonly vault: Pick<Vault, 'open'> },
): Promise<UserView> {
  const found = await db.query<UserRow>('select * from users where id = $1', [userId])
  const [row] = found.rows
  if (row === undefined) throw new NotFoundError('user', String(userId))
  const owner = (await listSources(db)).find((source) => source.id === row.source_id)
  const { cards, pins } = await credentialsOf(db, userId)
  const names = await db.query<{ value: string; origin: Origin; held: boolean }>(
    `select value, origin, held from user_names where user_id = $1 and kind = 'a' order by key, value`,
    [userId],
  )
  const [pin] = pins
  return {
    id: String(row.id),
    userName: row.user_name,
    fullName: row.full_name,
    email: row.email,
    department: row.department,
    personalNumber: row.personal_number,
    active: row.active,
    source: owner?.name ?? null,
    objectId: row.object_id,
    tenantId: row.tenant_id,
    connection: signInOf(owner),
    protected: row.protected,
    fields: fieldsOf(row, owner),
    aliases: names.rows.map(({ value, origin, held }) => ({ value, origin: ORIGINS[origin], isHeld: held })),
    cards: cards.map((card) => ({
      id: String(card.id),
      value: card.sealed === null ? mask('') : mask(options.vault.open(card.sealed, 'card')),
      origin: ORIGINS[card.origin],
      isHeld: card.held,
      createdAt: card.created_at.toISOString(),
    })),
    pin:
      pin === undefined
        ? null
        : {
            isSet: true,
            isHeld: pin.held,
            origin: pin.origin === 's' ? 'source' : 'registry',
            since: pin.created_at.toISOString(),
          },
    groups: groupsOf(await membershipsOf(db, userId), row.default_group_id),
    deactivated:
      row.deactivated_by === null || row.deactivated_at === null
        ? null
        : { by: row.deactivated_by, reason: row.deactivated_reason, at: row.deactivated_at.toISOString() },
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  }
}

type UserRow = Readonly<Record<(typeof FIELD_COLUMNS)[TextField], string | null>> & {
  readonly id: number
  readonly tenant_id: string | null
  readonly object_id: string | null
  readonly source_id: number | null
  readonly active: boolean
  readonly deactivated_by: 'source' | 'administrator' | null
  readonly deactivated_reason: string | null
  readonly deactivated_at: Date | null
  readonly protected: boolean
  readonly user_name: string
  readonly full_name: string | null
  readonly email: string | null
  readonly department: string | null
  readonly personal_number: string | null
  readonly alternate_emails: readonly string[]
  readonly own: Readonly<Record<string, string>>
  readonly default_group_id: number | null
  readonly created_at: Date
  readonly updated_at: Date
  readonly version: number
}

type Origin = 's' | 'k' | 'o'
const ORIGINS = { s: 'source', k: 'kept', o: 'registry' } as const

/** Whether a source decides about a field in every run; what it gave once is the registry's own. */
export function isOwned(property: { readonly apply: Apply } | null | undefined): boolean {
  return property?.apply === 'always'
}

function signInOf(owner: Source | undefined): string | null {
  if (owner?.settings.users.options.useAsAuthenticationServer !== true) return null
  return owner.connection.signInWithMicrosoft ? owner.connection.name : null
}

function fieldsOf(row: UserRow, owner: Source | undefined): UserView['fields'] {
  const properties = owner?.settings.users.properties
  const by = (property: { readonly apply: Apply } | null | undefined) =>
    owner !== undefined && isOwned(property) ? owner.name : null
  const own = [...new Set([...Object.keys(properties?.own ?? {}), ...Object.keys(row.own)])].sort()
  return [
    { field: 'userName', value: row.user_name, owner: by(properties?.userName) },
    ...TEXT_FIELDS.map((field) => ({
      field,
      value: row[FIELD_COLUMNS[field]] ?? null,
      owner: by(properties?.[field]),
    })),
    { field: 'personalNumber', value: row.personal_number, owner: by(properties?.personalNumber) },
    {
      field: 'alternateEmails',
      value: [...row.alternate_emails],
      owner: owner !== undefined && properties?.alternateEmails.some(isOwned) === true ? owner.name : null,
    },
    ...own.map((name) => ({
      field: `own.${name}`,
      // A field may be called constructor.
      value: Object.hasOwn(row.own, name) ? (row.own[name] ?? null) : null,
      owner: by(properties !== undefined && Object.hasOwn(properties.own, name) ? properties.own[name] : undefined),
    })),
  ]
}

interface CredentialRow {
  readonly id: number
  readonly kind: 'card' | 'pin'
  readonly sealed: Buffer | null
  readonly origin: Origin
  readonly held: boolean
  readonly created_at: Date
}

async function credentialsOf(
  db: Queries,
  userId: number,
): Promise<{ readonly cards: readonly CredentialRow[]; readonly pins: readonly CredentialRow[] }> {
  const { rows } = await db.query<CredentialRow>(
    'select id, kind, sealed, origin, held, created_at from credentials where user_id = $1 order by held desc, id',
    [userId],
  )
  return { cards: rows.filter((row) => row.kind === 'card'), pins: rows.filter((row) => row.kind === 'pin') }
}

function groupsOf(
  memberships: Awaited<ReturnType<typeof membershipsOf>>,
  defaultGroupId: number | null,
): UserView['groups'] {
  const groups = new Map<number, UserView['groups'][number]>()
  for (const { groupId, name, under, sourceId, sourceName } of memberships) {
    const group = groups.get(groupId) ?? {
      id: String(groupId),
      name,
      path: pathOf(under, name),
      isDefault: groupId === defaultGroupId,
      sources: [],
      byHand: false,
    }
    if (sourceName !== null) group.sources.push(sourceName)
    groups.set(groupId, { ...group, byHand: group.byHand || sourceId === 0 })
  }
  return [...groups.values()]
}
