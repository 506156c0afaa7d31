// The registry as the reference model sees it, and as text of which nothing may change where nothing was applied.
import type { Database } from '../../src/database/connect.ts'
import { ask } from './ask.ts'
import { FIELD_COLUMNS } from '../../src/registry/users.ts'
import { canonical } from '../support/model-entra.ts'
import { effective } from '../support/model-groups.ts'
import { DRAWN_PIN } from '../support/model-values.ts'
import type { Holding, ModelGroup, Origin, Person, Registry } from '../support/model.ts'
import { testSealing } from '../support/world.ts'
import { OWN_ENDING, PINS } from './steps.ts'

export interface Observed {
  readonly people: readonly Person[]
  readonly groups: Readonly<Record<string, ObservedGroup>>
  readonly effective: ReadonlySet<string>
  /** `groupObjectId objectId source`, as the model keeps them. */
  readonly memberships: ReadonlySet<string>
  /** In groups that attributes make, `path\tobjectId\tsource`. */
  readonly byAttributes: ReadonlySet<string>
  /** Paths of default groups by object id. */
  readonly defaults: ReadonlyMap<string, string>
}

type ObservedGroup = Pick<ModelGroup, 'tenantId' | 'name' | 'under'> & {
  readonly isHidden: boolean
  /** Empty text when it has none. */
  readonly owner: string
}

interface Row {
  readonly id: number
  readonly tenant_id: string | null
  readonly object_id: string | null
  readonly owner: string | null
  readonly claims: readonly string[]
  readonly active: boolean
  readonly deactivated_by: 'source' | 'administrator' | null
  readonly restored_by_administrator: boolean
  readonly untouchable: boolean
  readonly user_name: string
  readonly personal_number: string | null
  readonly holds_number: boolean
  readonly fields: Readonly<Record<string, unknown>>
  readonly emails: readonly string[]
  readonly given_emails: readonly string[]
  readonly names:
    | readonly { readonly kind: string; readonly value: string; readonly origin: string; readonly held: boolean }[]
    | null
  readonly credentials:
    | readonly {
        readonly kind: string
        readonly sealed: string | null
        readonly lookup: string
        readonly origin: string
        readonly held: boolean
      }[]
    | null
}

const ORIGINS: Readonly<Record<string, Origin>> = { s: 'given', k: 'kept', o: 'own' }

/** PINs by their look-up value: they are not stored in any other way. */
const PIN_OF = new Map(
  PINS.filter((pin) => pin !== null).map((pin) => [testSealing.lookup('pin', canonical(pin)).toString('hex'), pin]),
)

const PATH = `case g.under when '' then '' else g.under || '|' end || replace(g.name, '|', '\\|')`

export async function observe(db: Database): Promise<Observed> {
  const fields = Object.entries(FIELD_COLUMNS).map(([field, column]) => `'${field}', u.${column}`)
  const users = await ask<Row>(
    db,
    'people',
    `select u.id, u.tenant_id, u.object_id, s.name as owner, u.active, u.deactivated_by, u.restored_by_administrator,
       u.protected or u.administrator as untouchable, u.user_name, u.personal_number, u.personal_number_key is not null as holds_number,
       u.alternate_emails as emails, u.given_emails,
       array(select c.name from claims k join sources c on c.id = k.source_id where k.user_id = u.id) as claims,
       jsonb_strip_nulls(jsonb_build_object(${fields.join(', ')}, 'own', u.own)) as fields,
       (select jsonb_agg(jsonb_build_object('kind', n.kind, 'value', n.value, 'origin', n.origin, 'held', n.held) order by n.value)
          from user_names n where n.user_id = u.id) as names,
       (select jsonb_agg(jsonb_build_object('kind', c.kind, 'sealed', encode(c.sealed, 'base64'), 'lookup', encode(c.lookup, 'hex'),
          'origin', c.origin, 'held', c.held) order by c.lookup) from credentials c where c.user_id = u.id) as credentials
     from users u left join sources s on s.id = u.source_id order by u.id`,
  )
  const groups = await ask<{
    object_id: string
    tenant_id: string
    name: string
    under: string
    hidden: boolean
    owner: string
  }>(
    db,
    'groups',
    `select g.object_id, g.tenant_id, g.name, g.under, g.hidden, coalesce(s.name, '') as owner
       from groups g left join sources s on s.id = g.source_id where g.object_id is not null`,
  )
  const pairs = await ask<{ pair: string; source: string; is_effective: boolean }>(
    db,
    'memberships',
    `select g.object_id || ' ' || u.object_id as pair, coalesce(s.name, '') as source, u.active and not g.hidden as is_effective
       from memberships m join groups g on g.id = m.group_id join users u on u.id = m.user_id left join sources s on s.id = m.source_id
      where u.object_id is not null and g.object_id is not null`,
  )
  const local = await ask<{ row: string }>(
    db,
    'attribute memberships',
    `select ${PATH} || E'\\t' || u.object_id || E'\\t' || coalesce(s.name, '') as row
       from memberships m join groups g on g.id = m.group_id join users u on u.id = m.user_id left join sources s on s.id = m.source_id
      where u.object_id is not null and g.object_id is null`,
  )
  const defaults = await ask<{ object_id: string; path: string }>(
    db,
    'default groups',
    `select u.object_id, ${PATH} as path from users u join groups g on g.id = u.default_group_id where u.object_id is not null`,
  )
  return {
    byAttributes: new Set(local.rows.map((row) => row.row)),
    defaults: new Map(defaults.rows.map((row) => [row.object_id, row.path])),
    people: users.rows.map(personOf),
    groups: Object.fromEntries(
      groups.rows.map((g) => [
        g.object_id,
        { tenantId: g.tenant_id, name: g.name, under: g.under, isHidden: g.hidden, owner: g.owner },
      ]),
    ),
    effective: new Set(pairs.rows.filter((row) => row.is_effective).map((row) => row.pair)),
    memberships: new Set(pairs.rows.map((row) => `${row.pair} ${row.source}`)),
  }
}

function personOf(row: Row): Person {
  const aliases: Holding[] = (row.names ?? [])
    .filter((n) => n.kind === 'a')
    .map((n) => ({ value: n.value, origin: ORIGINS[n.origin] ?? 'own', isHeld: n.held }))
  const credentials = (row.credentials ?? []).map((c) => ({
    kind: c.kind,
    value: c.kind === 'pin' ? (PIN_OF.get(c.lookup) ?? c.lookup) : opened(c.sealed),
    origin: ORIGINS[c.origin] ?? 'own',
    isHeld: c.held,
  }))
  const [pin] = credentials.filter((c) => c.kind === 'pin')
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(row.fields)) {
    if (typeof value === 'string') fields[name] = value
    else if (name === 'own' && typeof value === 'object' && value !== null)
      for (const [own, text] of Object.entries(value)) fields[`own.${own}`] = String(text)
  }
  return {
    ref: row.id,
    tenantId: row.tenant_id,
    objectId: row.object_id,
    owner: row.owner,
    claims: row.claims,
    isActive: row.active,
    deactivatedBy: row.deactivated_by,
    wasRestored: row.restored_by_administrator,
    isUntouchable: row.untouchable,
    userName: row.user_name,
    aliases,
    cards: credentials.filter((c) => c.kind === 'card').map(({ value, origin, isHeld }) => ({ value, origin, isHeld })),
    emails: row.emails.map((value) => ({
      value,
      origin: row.given_emails.includes(value) ? 'given' : 'own',
      isHeld: true,
    })),
    pin: pin === undefined ? null : { value: pin.value, origin: pin.origin, isHeld: pin.isHeld },
    personalNumber: row.personal_number,
    holdsNumber: row.holds_number,
    fields,
    missingSince: null,
    deactivatedAt: null,
    open: [],
  }
}

function opened(sealed: string | null): string {
  return sealed === null ? '' : testSealing.open(Buffer.from(sealed, 'base64'), 'card')
}

/** Where the registry is not what the model says; empty when all is well. */
export function differences(expected: Registry, observed: Observed): string[] {
  const told: string[] = []
  const say = (who: string, facet: string, pair: readonly [unknown, unknown]) => {
    const [want, have] = pair.map((value) => JSON.stringify(value))
    if (want !== have) told.push(`${who} ${facet}: expected ${want}, is ${have}`)
  }
  const unmatched = new Map(observed.people.map((p) => [p.ref, p]))
  for (const person of expected.people) {
    const is = counterpart(person, observed)
    const who = `${person.objectId ?? `local ${person.ref}`} (${person.userName})`
    if (is === undefined) {
      if (!person.open.includes('all')) told.push(`${who}: has no record`)
      continue
    }
    unmatched.delete(is.ref)
    if (person.ref !== 0) say(who, 'record', [person.ref, is.ref])
    if (person.open.includes('all')) continue
    const before = told.length
    const isOpen = new Set<string>(person.open)
    const check = (facet: string, of: (p: Person) => unknown) => {
      if (!isOpen.has(facet)) say(who, facet, [of(person), of(is)])
    }
    check('owner', (p) => p.owner)
    check('active', (p) => p.isActive)
    check('userName', (p) => p.userName)
    check('personalNumber', (p) => (p.isActive && !p.holdsNumber ? null : p.personalNumber))
    // What somebody else has now waits for him; no run forgets it.
    if (person.isActive && !person.holdsNumber && person.personalNumber !== null)
      check('parked personalNumber', (p) => p.personalNumber)
    check('fields', (p) => Object.entries(p.fields).sort(([a], [b]) => (a < b ? -1 : 1)))
    const optional = new Set(
      [...person.aliases, ...person.cards, ...person.emails]
        .filter((h) => h.isOptional === true)
        .map((h) => canonical(h.value)),
    )
    check('cards', (p) => heldValues(p.cards.filter((c) => !optional.has(canonical(c.value)))))
    check('emails', (p) => heldValues(p.emails.filter((e) => !optional.has(canonical(e.value)))))
    const pinOf = (p: Person) => (p.pin?.isHeld === true ? p.pin.value : null)
    if (pinOf(person) !== DRAWN_PIN) check('pin', pinOf)
    else if (pinOf(is) === null) told.push(`${who} pin: expected a drawn one, is null`)
    check('names', (p) => heldValues(p.aliases.filter((a) => !optional.has(canonical(a.value)))))
    // More may have become the registry's own: what was appended, or given by a property that is not mapped any more.
    const own = ownValues(person)
    if (!isOpen.has('cards') && !isOpen.has('names'))
      say(who, 'own', [own, ownValues(is).filter((key) => own.includes(key))])
    if (process.env['VERBOSE'] !== undefined && told.length > before)
      told.push(`  ${JSON.stringify(person)}\n    ${JSON.stringify(is)}`)
  }
  for (const is of unmatched.values()) {
    if (is.objectId === null || !expected.openPeople.has(is.objectId))
      told.push(`${is.objectId ?? is.ref} (${is.userName}): should not be there`)
  }
  for (const [id, group] of Object.entries(expected.groups)) {
    const is = observed.groups[id]
    if (group.isOpen === true) continue
    say(`group ${id}`, 'visible', [group.givers.length > 0, is?.isHidden === false])
    const isElse = group.orElse?.some((place) => place.name === is?.name && place.under === is.under) === true
    if (group.givers.length > 0 && !isElse)
      say(`group ${id}`, 'name', [
        [group.name, group.under],
        [is?.name, is?.under],
      ])
  }
  for (const id of Object.keys(observed.groups))
    if (!(id in expected.groups)) told.push(`group ${id}: should not be there`)
  const pairs = effective(expected)
  const isOpen = openness(expected)
  for (const pair of pairs)
    if (!observed.effective.has(pair) && !isOpen(pair)) told.push(`membership ${pair}: is missing`)
  for (const pair of observed.effective)
    if (!pairs.has(pair) && !isOpen(pair)) told.push(`membership ${pair}: should not be there`)
  return told
}

/** Whether nothing is said of a pair `groupObjectId objectId`. */
function openness(expected: Registry): (pair: string) => boolean {
  const open = new Set(
    expected.people
      .filter((p) => p.open.some((o) => o === 'all' || o === 'groups' || o === 'active'))
      .map((p) => p.objectId),
  )
  return (pair) => {
    const [group = '', person = ''] = pair.split(' ')
    return (
      expected.openPairs.has(pair) ||
      expected.groups[group]?.isOpen === true ||
      expected.openPeople.has(person) ||
      open.has(person)
    )
  }
}

/** Values that he holds, by canonical form: how a value is spelt where several spellings are given is not said. */
function heldValues(holdings: readonly Holding[]): readonly string[] {
  return [...new Set(holdings.filter((h) => h.isHeld).map((h) => canonical(h.value)))].sort()
}

/** What was added by hand, held or parked: no run ever takes it away. Aliases by hand are told by their ending. */
function ownValues(person: Person): readonly string[] {
  const byHand = [...person.aliases.filter((a) => a.value.endsWith(OWN_ENDING)), ...person.cards]
  const own = byHand.filter((h) => h.origin === 'own' && h.isOptional !== true)
  return [...new Set(own.map((h) => canonical(h.value)))].sort()
}

function counterpart(person: Person, observed: Observed): Person | undefined {
  if (person.objectId === null) return observed.people.find((p) => p.ref === person.ref)
  return observed.people.find((p) => p.tenantId === person.tenantId && p.objectId === person.objectId)
}

/** The model's registry with what it left open taken from what is there. */
export function settle(expected: Registry, observed: Observed): Registry {
  const people: Person[] = []
  for (const person of expected.people) {
    const is = counterpart(person, observed)
    if (is === undefined) continue
    const all = person.open.includes('all')
    people.push({
      ...person,
      ref: is.ref,
      ...(all && { ...is, missingSince: person.missingSince, deactivatedAt: person.deactivatedAt }),
      ...(person.open.includes('active') && { isActive: is.isActive, deactivatedBy: is.deactivatedBy }),
      ...(person.open.includes('userName') && { userName: is.userName }),
      ...((person.open.includes('names') || person.aliases.some((a) => a.isOptional === true)) && {
        aliases: is.aliases,
      }),
      ...((person.open.includes('cards') || person.cards.some((c) => c.isOptional === true)) && { cards: is.cards }),
      ...((person.open.includes('emails') || person.emails.some((e) => e.isOptional === true)) && {
        emails: is.emails,
      }),
      ...((person.open.includes('pin') || person.pin?.value === DRAWN_PIN) && { pin: is.pin }),
      // Whether a given one that he had to do without is kept for him is not said.
      ...((person.open.includes('personalNumber') || person.personalNumber === null) && {
        personalNumber: is.personalNumber,
        holdsNumber: is.holdsNumber,
      }),
      ...(person.open.includes('fields') && { fields: is.fields }),
    })
  }
  const known = new Set(people.map((p) => p.ref))
  const fresh = observed.people.filter(
    (p) => !known.has(p.ref) && p.objectId !== null && expected.openPeople.has(p.objectId),
  )
  const groups = Object.entries(expected.groups).map(([id, { orElse, ...g }]): [string, ModelGroup] => {
    const is = observed.groups[id]
    return [
      id,
      {
        ...g,
        ...(is !== undefined && orElse !== undefined && { name: is.name, under: is.under }),
        ...(g.isOpen === true && { givers: is?.isHidden === false ? [...new Set([...g.givers, is.owner])] : [] }),
      },
    ]
  })
  const isOpen = openness(expected)
  const isSaid = (row: string) => !isOpen(row.split(' ', 2).join(' '))
  const memberships = new Set([
    ...[...expected.memberships].filter(isSaid),
    ...[...observed.memberships].filter((row) => !isSaid(row)),
  ])
  return { ...expected, memberships, groups: Object.fromEntries(groups), people: [...people, ...fresh] }
}

/** What is there, taken for granted: after something that the model does not follow. */
export function takenFrom(expected: Registry, observed: Observed): Registry {
  const before = new Map(expected.people.map((p) => [p.ref, p]))
  const groups = Object.entries(observed.groups).map(([id, g]): [string, ModelGroup] => {
    const givers = expected.groups[id]?.givers ?? []
    return [
      id,
      {
        tenantId: g.tenantId,
        name: g.name,
        under: g.under,
        givers: g.isHidden ? [] : givers.length > 0 ? givers : [g.owner],
      },
    ]
  })
  return {
    ...expected,
    memberships: observed.memberships,
    groups: Object.fromEntries(groups),
    people: observed.people.map((p) => ({
      ...p,
      missingSince: before.get(p.ref)?.missingSince ?? null,
      deactivatedAt: before.get(p.ref)?.deactivatedAt ?? null,
    })),
  }
}

/** Who claims whom: noted by every plan, applied or not, because it is no change of the registry. */
export function claimsFrom(expected: Registry, observed: Observed): Registry {
  const claims = new Map(observed.people.map((p) => [p.ref, p.claims]))
  return { ...expected, people: expected.people.map((p) => ({ ...p, claims: claims.get(p.ref) ?? p.claims })) }
}

/** Everything that the registry holds, row by row. */
export async function dumpRegistry(db: Database): Promise<string> {
  const tables = ['users', 'user_names', 'credentials', 'groups', 'memberships']
  const rows = await ask<{ t: string }>(
    db,
    'dump',
    tables.map((t) => `select '${t} ' || (to_jsonb(x))::text as t from ${t} x`).join(' union all ') + ' order by 1',
  )
  return rows.rows.map((row) => row.t).join('\n')
}
