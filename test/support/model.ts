// What the registry must be after a history: a reference model, written from the specification alone and sharing no code with the
// engine. It is told each applied run as (tenant as it was, settings, time) and each edit by hand, and it answers with people, groups
// and memberships. Where the specification leaves something open the person or value is marked `open`: the comparison passes over it
// and the model goes on from what is there. Not modelled: manager; of transformations, expressions and drawn PINs only what the histories have.
import type { SourceSettings } from '../../src/contract/sources.ts'
import { attributesOf, isHere, judge, textOf, valueOf, type Verdict } from './model-entra.ts'
import { settleGroups, settleMemberships } from './model-groups.ts'
import { openContested } from './model-open.ts'
import { pair } from './model-pairing.ts'
import { release, settleCredentials, settleEmails, settleNames } from './model-values.ts'

/** A tenant at one moment: live objects and those in the recycle bin; what is gone is absent. Deleted groups are absent at once. */
export interface TenantState {
  readonly tenantId: string
  readonly users: ReadonlyMap<string, EntraUser>
  readonly groups: ReadonlyMap<string, EntraGroup>
}
export interface EntraUser {
  readonly id: string
  readonly isDeleted: boolean
  readonly attributes: Readonly<Record<string, unknown>>
}
export interface EntraGroup {
  readonly id: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** Object ids of direct members, users and groups; soft-deleted users included. */
  readonly members: readonly string[]
}

/** `given` by a source, `kept` after a rename, or the registry's `own`. */
export type Origin = 'given' | 'kept' | 'own'
export interface Holding {
  readonly value: string
  readonly origin: Origin
  /** Parked otherwise. */
  readonly isHeld: boolean
  /** It may be there or not: nothing says. */
  readonly isOptional?: boolean
}

export interface Person {
  /** The registry's id: from the driver for those made by hand, 0 until seen for those made by a run. */
  readonly ref: number
  readonly tenantId: string | null
  readonly objectId: string | null
  readonly owner: string | null
  readonly claims: readonly string[]
  readonly isActive: boolean
  readonly deactivatedBy: 'source' | 'administrator' | null
  /** An administrator brought him back; counts until he was wanted once more. */
  readonly wasRestored: boolean
  readonly isUntouchable: boolean
  readonly userName: string
  readonly aliases: readonly Holding[]
  readonly cards: readonly Holding[]
  /** Alternate ones, of which several people may have the same. */
  readonly emails: readonly Holding[]
  readonly pin: Holding | null
  readonly personalNumber: string | null
  /** It is parked otherwise: somebody else has it, or he is not active. */
  readonly holdsNumber: boolean
  readonly fields: Readonly<Record<string, string>>
  /** When a run of a source that gives days of grace first found him missing; null while he is not, or none are given. */
  readonly missingSince: number | null
  readonly deactivatedAt: number | null
  /** Facets that the specification does not fix this time; `all` for everything. */
  readonly open: readonly Facet[]
}
export type Facet =
  | 'all'
  | 'active'
  | 'userName'
  | 'names'
  | 'cards'
  | 'emails'
  | 'pin'
  | 'personalNumber'
  | 'fields'
  | 'groups'

export interface ModelGroup {
  readonly tenantId: string
  readonly name: string
  /** Empty at the top. */
  readonly under: string
  /** Other names and places that it may have just as well, while several sources give it. */
  readonly orElse?: readonly { readonly name: string; readonly under: string }[]
  /** Sources that give it, empty text for removed ones; hidden when there is none. */
  readonly givers: readonly string[]
  /** Whether it is visible is not said. */
  readonly isOpen?: boolean
}

export interface Registry {
  readonly people: readonly Person[]
  /** By object id. */
  readonly groups: Readonly<Record<string, ModelGroup>>
  /** `groupObjectId objectId source`, stored ones: effective are those of active people in visible groups. */
  readonly memberships: ReadonlySet<string>
  /** Pairs `groupObjectId objectId` of which nothing is said. */
  readonly openPairs: ReadonlySet<string>
  /** What each source saw when it last read its tenant, and with which settings it planned. */
  readonly views: Readonly<Record<string, View>>
  /** Object ids that may have a record or not. */
  readonly openPeople: ReadonlySet<string>
}
export interface View {
  readonly tenant: TenantState
  readonly settings: SourceSettings
}

export const EMPTY: Registry = {
  people: [],
  groups: {},
  memberships: new Set(),
  openPairs: new Set(),
  views: {},
  openPeople: new Set(),
}

/** One applied run of `source`: `settings` of every enabled source by name, its own view read just now. */
export interface AppliedRun {
  readonly source: string
  readonly tenant: TenantState
  readonly settings: Readonly<Record<string, SourceSettings>>
  /** Of the tenant that each source reads by now. */
  readonly tenantIds: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly at: number
}

/** A source has looked at its tenant, whatever came of it: what it saw counts when another source's people pass to it. */
export function afterLook(before: Registry, run: Pick<AppliedRun, 'source' | 'tenant' | 'settings'>): Registry {
  const settings = run.settings[run.source]!
  const givesDays = settings.users.options.graceDays > 0
  return {
    ...before,
    // Days that were counted are over with the first look that gives none.
    people: before.people.map((p) =>
      givesDays || p.owner !== run.source || p.tenantId !== run.tenant.tenantId ? p : { ...p, missingSince: null },
    ),
    views: { ...before.views, [run.source]: { tenant: run.tenant, settings } },
  }
}

const FIELDS = [
  'fullName',
  'email',
  'phone',
  'language',
  'department',
  'costCenter',
  'office',
  'jobTitle',
  'company',
  'storage',
  'notes',
] as const
const DAY_MS = 86_400_000

/** A person while a run is carried out. */
export type Draft = { -readonly [K in keyof Person]: Person[K] } & {
  isNew: boolean
  wasActive: boolean
  verdict: Verdict | undefined
  /** He is planned with this view: who maps him, and what Entra says of him there. */
  mapped: { view: View; user: EntraUser } | undefined
  /** What the source that takes him over last read of him, where that is not what is known now. */
  readElsewhere: EntraUser | undefined
  before: Person | undefined
}

/** The registry after the run. */
export function afterRun(before: Registry, run: AppliedRun): Registry {
  const settings = run.settings[run.source]!
  const view: View = { tenant: run.tenant, settings }
  const views = { ...before.views, [run.source]: view }
  const openPeople = new Set<string>()
  const people: Draft[] = before.people.map((p) => ({
    ...p,
    open: [],
    isNew: false,
    wasActive: p.isActive,
    verdict: undefined,
    mapped: undefined,
    readElsewhere: undefined,
    before: p,
  }))
  for (const person of people) {
    if (person.tenantId === run.tenant.tenantId && person.objectId !== null)
      person.verdict = judge(view, person.objectId)
  }
  pair(people, { run, view, openPeople })
  const decided = people.filter((person) => decide(person, { run, views, openPeople }))
  for (const person of decided) {
    mapFields(person)
    settleEmails(person)
  }
  const imported = settleNames(decided, run)
  settleCredentials(imported, run)
  openContested(decided, { view, openPeople })
  for (const person of imported) {
    // Whether the values of somebody who is not active follow Entra is not said.
    if (!person.isActive)
      person.open = [...person.open, 'userName', 'names', 'cards', 'pin', 'personalNumber', 'fields', 'emails']
  }
  for (const person of imported)
    if (person.owner === run.source && person.verdict !== undefined) release(person, settings)
  const memberships = settleMemberships(before, { run, view, people: imported })
  return {
    people: imported.map(
      ({ isNew: _n, wasActive: _w, verdict: _v, mapped: _m, readElsewhere: _r, before: _b, ...person }) => person,
    ),
    groups: settleGroups(before, { run, view, views }),
    ...memberships,
    views,
    openPeople,
  }
}

interface Deciding {
  readonly run: AppliedRun
  readonly views: Registry['views']
  readonly openPeople: Set<string>
}

/** Who claims and owns him, and whether he is active. False when his record ends here. */
function decide(person: Draft, { run, views, openPeople }: Deciding): boolean {
  const { verdict } = person
  const user = person.objectId === null ? undefined : run.tenant.users.get(person.objectId)
  if (verdict === undefined) return true
  const isOurs = person.owner === run.source || person.owner === null
  if (verdict === 'frozen') return true
  const claims = person.claims.filter((name) => name !== run.source)
  person.claims = verdict === 'wanted' ? [...claims, run.source] : claims
  // A claim stands until a run of its source drops it; but whoever takes over from this one must want him now.
  const isDropped = person.owner === run.source && verdict !== 'wanted'
  const wishes = isDropped
    ? claims
        .filter((name) => isHere(name, run))
        .map((name) => ({ name, verdict: ofHeir(person, { name, run, views }) }))
    : []
  const heirs = isDropped ? wishes.filter((wish) => wish.verdict === 'wanted').map((wish) => wish.name) : person.claims
  // Whether a claim still counts of a source that was told to leave him out and has not run since is not said.
  const isUnsaid = wishes.some((wish) => wish.verdict === 'outOfScope' || wish.verdict === 'frozen')
  if (isUnsaid) person.open = ['all']
  const owner = ownerOf(heirs, run)
  if (owner !== undefined && owner !== person.owner && (owner === run.source || person.owner === run.source)) {
    if (verdict === 'wanted' && owner !== run.source) person.open = ['all']
    Object.assign(person, { owner, missingSince: null })
  }
  if (person.owner !== run.source) {
    const known = person.owner === null ? undefined : views[person.owner]
    const there = known?.tenant.users.get(person.objectId ?? '')
    // As it is set by now, though it has not run with that yet.
    const view = known && { ...known, settings: run.settings[person.owner ?? ''] ?? known.settings }
    // Taken over in this plan; otherwise he is the business of another source, or of nobody: a detached record that is not wanted.
    if (isOurs && view !== undefined && user !== undefined) {
      person.mapped = { view, user }
      // Whether what the former owner gave, and the heir does not map, is the registry's own at once is not said.
      person.open = [...person.open, 'cards', 'names', 'pin', 'emails']
      // With what the heir last read of him, or with what is known now, is not said.
      if (there?.attributes !== user.attributes) Object.assign(person, { open: ['all'], readElsewhere: there })
      // Nor with what where it has not read yet what its settings need by now.
      const read = attributesOf(known?.settings ?? view.settings)
      if (![...attributesOf(view.settings)].every((name) => read.has(name))) person.open = ['all']
      if (!person.isActive && person.deactivatedBy === 'source') setActive(person, true)
    }
    return true
  }
  if (verdict === 'wanted') {
    person.missingSince = null
    person.wasRestored = false
    if (!person.isActive && person.deactivatedBy === 'source') setActive(person, true)
    if (user !== undefined) person.mapped = { view: views[run.source]!, user }
    return true
  }
  const { options } = views[run.source]!.settings.users
  if (verdict === 'disabled') {
    person.missingSince = null
    if (person.isActive && !person.wasRestored) deactivate(person, run.at)
  } else {
    const since = person.missingSince ?? run.at
    person.missingSince = options.graceDays > 0 ? since : null
    const dueAt = since + options.graceDays * DAY_MS
    // From when the days are counted, the run that missed him, also before any were given, or Entra's own date, is not said.
    if (options.graceDays > 0 && person.isActive && run.at < dueAt) person.open = ['active']
    if (options.deactivateMissingUsers && person.isActive && !person.wasRestored && run.at >= dueAt)
      deactivate(person, run.at)
  }
  if (person.isActive || person.deactivatedBy !== 'source' || options.deleteAfterDays === 'never') return true
  if (run.at < (person.deactivatedAt ?? run.at) + options.deleteAfterDays * DAY_MS) return true
  const wants = verdict === 'gone' || verdict === 'softDeleted' ? 'no' : wantsElsewhere(person, { run, views })
  // What the others last read of him and what this run has read say different things.
  if (wants === 'unsaid') openPeople.add(person.objectId ?? '')
  return wants === 'yes'
}

/** Whether another source claims him by now, for each claims whom it wants, applied or not; known is what it last read. */
function wantsElsewhere(person: Draft, { run, views }: Omit<Deciding, 'openPeople'>): 'yes' | 'no' | 'unsaid' {
  const others = Object.entries(views).filter(
    ([name, view]) =>
      name !== run.source &&
      isHere(name, run) &&
      run.settings[name]?.enabled === true &&
      view.tenant.tenantId === run.tenant.tenantId,
  )
  const verdicts = others.map(([name, view]) => [
    judge({ tenant: view.tenant, settings: run.settings[name] ?? view.settings }, person.objectId ?? ''),
    ofHeir(person, { name, run, views }),
  ])
  if (verdicts.some((both) => both.every((verdict) => verdict === 'wanted'))) return 'yes'
  return verdicts.some((both) => both.some((verdict) => verdict === 'wanted' || verdict === 'frozen')) ? 'unsaid' : 'no'
}

/** What he is to another source with what this run has read of him, in the groups that the other one knows. */
function ofHeir(
  person: Draft,
  { name, run, views }: { name: string; run: AppliedRun; views: Registry['views'] },
): Verdict {
  const view = views[name]
  if (view === undefined) return 'wanted'
  // It has come back to this tenant and read the other one last: whether what it claimed before counts is not said.
  if (view.tenant.tenantId !== run.tenant.tenantId) return 'frozen'
  const tenant = { ...run.tenant, groups: view.tenant.groups }
  return judge({ tenant, settings: run.settings[name] ?? view.settings }, person.objectId ?? '')
}

function ownerOf(claims: readonly string[], run: AppliedRun): string | undefined {
  const order = (name: string) => run.settings[name]!.priority
  return claims
    .filter((name) => run.settings[name]?.enabled === true && isHere(name, run))
    .sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1))[0]
}

function deactivate(person: Draft, at: number): void {
  setActive(person, false)
  person.deactivatedBy = 'source'
  person.deactivatedAt = at
}

function setActive(person: Draft, isActive: boolean): void {
  person.isActive = isActive
  if (isActive) Object.assign(person, { deactivatedBy: null, deactivatedAt: null })
}

/** One-valued properties but those that must be unique. */
function mapFields(person: Draft): void {
  if (person.mapped === undefined) return
  const { user, view } = person.mapped
  const fields = { ...person.fields }
  const set = (name: string, spec: { readonly apply: string } | null, value: string | undefined) => {
    if (spec === null) return
    if (spec.apply === 'whenCreated' && !person.isNew) return
    if (spec.apply === 'whenEmpty' && fields[name] !== undefined) return
    if (value === undefined) delete fields[name]
    else fields[name] = value
  }
  const { properties } = view.settings.users
  for (const name of FIELDS) {
    const spec = properties[name]
    const value = spec === null ? undefined : valueOf(user, spec)
    set(name, spec, name === 'fullName' ? (value ?? textOf(user.attributes['displayName'])) : value)
  }
  for (const [name, spec] of Object.entries(properties.own)) set(`own.${name}`, spec, valueOf(user, spec))
  person.fields = fields
}
