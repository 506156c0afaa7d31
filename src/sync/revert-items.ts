// The items that show what a revert does, from how a record stands and how it stood. Pure.
import { pathOf } from '../directory/group.ts'
import type { RegistryName } from '../directory/user.ts'
import type { RecordImage, RevertedRecord } from '../registry/revert-records.ts'
import { FIELD_COLUMNS } from '../registry/users.ts'
import type { ItemDraft } from './item.ts'

/** What every item of a revert names as its cause. */
export interface RevertCause {
  readonly rule: 'revert'
  /** `run-17` */
  readonly reason: string
  /** Names of the sources that there are. */
  readonly sources: ReadonlyMap<number, string>
}

type Values = Readonly<Record<string, unknown>>

/** What happens to one user and to his cards and PIN; what is left as it is, is one item that says why. */
export function userItems(record: RevertedRecord, cause: RevertCause): readonly ItemDraft[] {
  const { current, target, why } = record
  const shown = current ?? target
  if (shown === null || why !== null) return [leftItem('user', record)]
  const base = {
    object: 'user',
    userId: record.id,
    groupId: null,
    objectId: text(shown.row['object_id']) ?? text(target?.row['object_id']),
    name: text(shown.row['user_name']),
    sawVersion: current === null ? null : Number(current.row['version']),
    numberKey: null,
    rule: cause.rule,
    reason: cause.reason,
  } as const
  if (target === null) {
    // His cards and his PIN go with him, and count like those that anybody else loses.
    return [
      { ...base, action: 'delete', old: present(fieldsOf(shown, cause)), new: null, names: null },
      ...[...keysOf(current).values()].map(
        (value) => ({ ...base, object: 'credential', action: 'remove', old: value, new: null, names: null }) as const,
      ),
    ]
  }
  const [before, after] = [current === null ? {} : fieldsOf(current, cause), fieldsOf(target, cause)]
  const changed = changedKeys(before, after)
  const names = namesOf(target)
  const haveNamesChanged = current === null || JSON.stringify(namesOf(current)) !== JSON.stringify(names)
  const items: ItemDraft[] = []
  if (current === null) items.push({ ...base, action: 'create', old: null, new: present(after), names })
  else if (changed.length > 0 || haveNamesChanged) {
    items.push({
      ...base,
      action: actionOf(before, after),
      old: pick(before, changed),
      new: pick(after, changed),
      names: haveNamesChanged ? names : null,
    })
  }
  const held = keysOf(current)
  const wanted = keysOf(target)
  for (const [key, value] of held)
    if (!wanted.has(key))
      items.push({ ...base, object: 'credential', action: 'remove', old: value, new: null, names: null })
  for (const [key, value] of wanted)
    if (!held.has(key)) items.push({ ...base, object: 'credential', action: 'add', old: null, new: value, names: null })
  // Only who answers for a value, or what is parked, comes back: no field that people read.
  return items.length > 0 ? items : [{ ...base, action: 'update', old: {}, new: {}, names: null }]
}

/** What happens to one group. */
export function groupItems(record: RevertedRecord, cause: RevertCause): readonly ItemDraft[] {
  const { current, target, why } = record
  const shown = current ?? target
  if (shown === null || why !== null) return [leftItem('group', record)]
  const base = {
    object: 'group',
    userId: null,
    groupId: record.id,
    objectId: text(shown.row['object_id']) ?? text(target?.row['object_id']),
    name: text(shown.row['name']),
    names: null,
    sawVersion: current === null ? null : Number(current.row['version']),
    rule: cause.rule,
    reason: cause.reason,
  } as const
  if (target === null) return [{ ...base, action: 'delete', old: present(groupFields(shown, cause)), new: null }]
  const before = current === null ? {} : groupFields(current, cause)
  const after = groupFields(target, cause)
  if (current === null) return [{ ...base, action: 'create', old: null, new: present(after) }]
  const changed = changedKeys(before, after)
  if (before['hidden'] === true && after['hidden'] !== true)
    return [{ ...base, action: 'create', old: pick(before, ['hidden', ...changed]), new: present(after) }]
  if (after['hidden'] === true && before['hidden'] !== true)
    return [{ ...base, action: 'delete', old: present(before), new: pick(after, changed) }]
  const action = changed.includes('name') ? 'rename' : 'move'
  return [{ ...base, action, old: pick(before, changed), new: pick(after, changed) }]
}

/** Something that the revert leaves as it is. */
function leftItem(object: 'user' | 'group', { id, current, target, why }: RevertedRecord): ItemDraft {
  const row = (current ?? target)?.row ?? {}
  return {
    object,
    action: 'skip',
    userId: object === 'user' ? id : null,
    groupId: object === 'group' ? id : null,
    objectId: text(row['object_id']),
    name: text(row[object === 'user' ? 'user_name' : 'name']),
    old: null,
    new: null,
    names: null,
    rule: 'revert',
    reason: why ?? 'gone',
    sawVersion: null,
  }
}

function actionOf(before: Values, after: Values): 'take over' | 'reactivate' | 'deactivate' | 'rename' | 'update' {
  if (before['active'] !== after['active']) return after['active'] === true ? 'reactivate' : 'deactivate'
  if (before['source'] !== after['source'] && before['source'] !== null && after['source'] !== null) return 'take over'
  return before['userName'] === after['userName'] ? 'update' : 'rename'
}

/** Columns that tell when and how, or what another column tells already. */
const NOT_SHOWN: ReadonlySet<string> = new Set([
  'id',
  'version',
  'created_at',
  'updated_at',
  'tenant_id',
  'personal_number_key',
  'canonical_number',
  'deactivated_by',
  'deactivated_reason',
  'deactivated_at',
  'source_id',
  'default_group_id',
  'given_default_group_id',
])

const FIELD_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(FIELD_COLUMNS).map(([field, column]) => [column, field]),
)

function fieldsOf(image: RecordImage, { sources }: RevertCause): Values {
  const fields: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(image.row))
    if (!NOT_SHOWN.has(column)) fields[FIELD_NAMES.get(column) ?? camelCase(column)] = value
  const aliases = (image.names ?? []).filter((name) => name.kind === 'a').map((name) => name.value)
  const { defaultGroup } = image
  return {
    ...fields,
    source: sourceOf(image, sources),
    defaultGroup: defaultGroup === null || defaultGroup === undefined ? null : pathOf(...defaultGroup),
    aliases: aliases.toSorted(),
  }
}

function groupFields(image: RecordImage, { sources }: RevertCause): Values {
  const { name, under, hidden, ...others } = image.row
  const path = typeof name === 'string' && typeof under === 'string' ? { path: pathOf(under, name) } : {}
  const more = Object.entries(others).filter(([column]) => !NOT_SHOWN.has(column))
  return {
    name,
    under,
    ...path,
    hidden,
    source: sourceOf(image, sources),
    ...Object.fromEntries(more.map(([c, value]) => [camelCase(c), value])),
  }
}

function sourceOf(image: RecordImage, sources: ReadonlyMap<number, string>): string | null {
  const id = image.row['source_id']
  return typeof id === 'number' ? (sources.get(id) ?? null) : null
}

function camelCase(column: string): string {
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function changedKeys(before: Values, after: Values): readonly string[] {
  return Object.keys(after).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
}

function pick(values: Values, keys: readonly string[]): Values {
  return Object.fromEntries(keys.map((key) => [key, values[key] ?? null]))
}

/** Only what there is: nobody reads thirty empty fields. */
function present(values: Values): Values {
  const isEmpty = (value: unknown) => value === null || value === undefined || value === false
  return Object.fromEntries(
    Object.entries(values).filter(([, v]) => !isEmpty(v) && JSON.stringify(v) !== '[]' && JSON.stringify(v) !== '{}'),
  )
}

/** What is parked with its user is not told name by name. */
function namesOf(image: RecordImage): readonly RegistryName[] {
  const isParked = image.row['active'] !== true
  return (image.names ?? []).map(({ kind, value, key, origin, held }) => ({
    kind,
    value,
    key,
    origin,
    held: held || isParked,
  }))
}

function keysOf(image: RecordImage | null): ReadonlyMap<string, Values> {
  return new Map(
    (image?.credentials ?? []).map(({ kind, lookup }) => {
      const hex = lookup.replace(/^\\x/, '')
      return [`${kind} ${hex}`, { kind, lookup: hex, shown: '••••' }]
    }),
  )
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
