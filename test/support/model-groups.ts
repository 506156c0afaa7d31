// Groups and memberships in the reference model (see model.ts): who gives which, and what counts.
import type { SourceSettings } from '../../src/contract/sources.ts'
import { groupsOf, isGiven, isHere, textOf } from './model-entra.ts'
import type { AppliedRun, Draft, EntraGroup, ModelGroup, Registry, View } from './model.ts'

interface Setting {
  readonly run: AppliedRun
  readonly view: View
  readonly people: readonly Draft[]
}

/** Whose memberships this source gives now; those of others stay. Hidden ones stay stored and do not count. */
export function settleMemberships(
  before: Registry,
  { run, view, people }: Setting,
): Pick<Registry, 'memberships' | 'openPairs'> {
  const openPairs = new Set<string>()
  const ids = new Set(people.map((p) => p.objectId))
  const memberships = new Set([...before.memberships].filter((row) => ids.has(row.split(' ')[1] ?? '')))
  endWithGroups({ before, run, view }, { memberships, openPairs })
  for (const person of people) {
    const { objectId, verdict } = person
    if (objectId === null || verdict === undefined) continue
    const had = [...memberships].filter((row) => row.split(' ')[1] === objectId)
    const ours = had.filter((row) => row.endsWith(` ${run.source}`))
    // What others give to an object id that has moved to another record goes there with their next runs; whether before is not said.
    if (person.before !== undefined && person.before.objectId !== objectId)
      for (const row of had) if (!ours.includes(row)) openPairs.add(pairOf(row))
    // Who is somebody else's is not missing: a source that wants him no more gives him nothing.
    const isOthers = person.owner !== null && person.owner !== run.source
    const isMissing = verdict === 'softDeleted' || (verdict === 'outOfScope' && !isOthers)
    // Who belongs to nobody since his source was removed stays as he is until a source wants him.
    const isDetached = person.owner === null && verdict !== 'wanted' && verdict !== 'gone'
    const isFrozen = verdict === 'frozen' || (isMissing && person.isActive) || isDetached
    if (isFrozen) {
      if (person.wasRestored || isOthers) for (const row of ours) openPairs.add(pairOf(row))
      if (person.wasRestored) person.open = [...person.open, 'groups']
      continue
    }
    for (const row of ours) memberships.delete(row)
    if (verdict !== 'gone' && (!isOthers || verdict === 'wanted')) {
      for (const group of groupsOf(view, objectId)) memberships.add(`${group} ${objectId} ${run.source}`)
    }
    // What a removed source gave stays; whether it ends when another has the person is not said, also where this run's source
    // ends what it gave itself beside it, or finds him gone. What a source gives still is there all the same.
    const given = new Set([...memberships].filter((row) => !row.endsWith(' ')).map(pairOf))
    if (person.owner === null) continue
    for (const row of had) if (row.endsWith(' ') && !given.has(pairOf(row))) openPairs.add(pairOf(row))
  }
  return { memberships, openPairs }
}

/** What this source gave in groups that it gives no more ends for everybody, also for those who are kept as they are (decision 0048). */
function endWithGroups(
  { before, run, view }: Pick<Setting, 'run' | 'view'> & { readonly before: Registry },
  { memberships, openPairs }: { readonly memberships: Set<string>; readonly openPairs: Set<string> },
): void {
  for (const row of memberships) {
    const [id = ''] = row.split(' ')
    if (before.groups[id]?.tenantId !== run.tenant.tenantId) continue
    const givers = before.groups[id]?.givers ?? []
    const group = run.tenant.groups.get(id)
    if (!givers.includes(run.source) || (group !== undefined && isGiven(view, group))) continue
    if (row.endsWith(` ${run.source}`)) memberships.delete(row)
    // What a removed source gave goes with the group. Where the group passes to another one, whose it was decides, which is not told.
    else if (row.endsWith(' ') && givers.every((giver) => giver === run.source)) memberships.delete(row)
    else if (row.endsWith(' ')) openPairs.add(pairOf(row))
  }
}

function pairOf(row: string): string {
  return row.split(' ', 2).join(' ')
}

export function settleGroups(
  before: Registry,
  { run, view, views }: Omit<Setting, 'people'> & Pick<Registry, 'views'>,
): Registry['groups'] {
  const after = Object.fromEntries(
    Object.entries(before.groups).map(([id, { tenantId, name, under, givers }]) => {
      if (tenantId !== run.tenant.tenantId) return [id, { tenantId, name, under, givers }]
      const others = givers.filter((giver) => giver !== run.source)
      const isDropped = others.length < givers.length && others.length > 0
      // Whether it passes to another place with another giver depends on who owned it, of which nothing is told.
      const orElse = isDropped
        ? { orElse: placesOf(before, { id, others, views: asReadNow(views, { run, view }) }) }
        : {}
      return [id, { tenantId, name, under, givers: others, ...orElse }]
    }),
  )
  for (const group of run.tenant.groups.values()) {
    if (!isGiven(view, group)) continue
    const known = after[group.id]?.givers.filter((name) => name !== '' && isHere(name, run)) ?? []
    after[group.id] = {
      tenantId: run.tenant.tenantId,
      ...placeOf(view, group),
      givers: [...known, run.source],
      // Which of several givers names it is not said: what any of them gives, or it had.
      ...(known.length > 0 && { orElse: placesOf(before, { id: group.id, others: known, views }) }),
    }
  }
  // Whether it ends, or passes to a source that has only looked so far, is not said; nor whether it stays for a source that
  // was removed, has not seen yet that it is gone, or that was told not to give it and has not run since.
  const others = Object.entries(views).filter(
    ([name]) => name !== run.source && run.settings[name] !== undefined && isHere(name, run),
  )
  return Object.fromEntries(
    Object.entries(after).map(([id, group]) => {
      if (group.tenantId !== run.tenant.tenantId) return [id, group]
      const isGivenNow = (name: string, settings: SourceSettings) => {
        const tenant = views[name]?.tenant
        const there = tenant?.tenantId === run.tenant.tenantId ? tenant.groups.get(id) : undefined
        return tenant !== undefined && there !== undefined && isGiven({ tenant, settings }, there)
      }
      const isGone =
        !run.tenant.groups.has(id) &&
        others.some(([, view]) => view.tenant.tenantId === run.tenant.tenantId && view.tenant.groups.has(id))
      const wasOurs = before.groups[id]?.givers.includes(run.source) === true && !group.givers.includes(run.source)
      const isUnsaid =
        group.givers.length === 0
          ? others.some(([name, { settings }]) => isGivenNow(name, settings))
          : isGone || (wasOurs && group.givers.every((name) => name === '' || !isGivenNow(name, run.settings[name]!)))
      return [id, { ...group, isOpen: isUnsaid }]
    }),
  )
}

/** What a source has just read of groups that it drops is what whoever has them next goes by, at the places where that one has them. */
function asReadNow(views: Registry['views'], { run, view }: Pick<Setting, 'run' | 'view'>): Registry['views'] {
  const { groups, users } = view.settings
  if (!groups.import && users.import === 'all') return views
  return Object.fromEntries(
    Object.entries(views).map(([name, other]) => [
      name,
      other.tenant.tenantId === run.tenant.tenantId ? { ...other, tenant: run.tenant } : other,
    ]),
  )
}

type Place = Pick<ModelGroup, 'name' | 'under'>

function placeOf(view: View, group: EntraGroup): Place {
  return { name: textOf(group.attributes['displayName']) ?? '', under: view.settings.groups.under ?? '' }
}

function placesOf(
  before: Registry,
  { id, others, views }: { id: string; others: readonly string[]; views: Registry['views'] },
): readonly Place[] {
  const had = before.groups[id]
  const given = others.flatMap((name) => {
    const view = views[name]
    const group = view?.tenant.groups.get(id)
    return view === undefined || group === undefined ? [] : [placeOf(view, group)]
  })
  return [...given, ...(had === undefined ? [] : [{ name: had.name, under: had.under }])]
}

/** A source is removed: what it gave stays, owned by nobody. */
export function afterRemoval(before: Registry, source: string): Registry {
  const views = Object.fromEntries(Object.entries(before.views).filter(([name]) => name !== source))
  return {
    ...before,
    views,
    people: before.people.map((p) => ({
      ...p,
      owner: p.owner === source ? null : p.owner,
      claims: p.claims.filter((name) => name !== source),
    })),
    groups: Object.fromEntries(
      Object.entries(before.groups).map(([id, g]) => [
        id,
        { ...g, givers: g.givers.map((name) => (name === source ? '' : name)) },
      ]),
    ),
    memberships: new Set([...before.memberships].map((row) => (row.endsWith(` ${source}`) ? `${pairOf(row)} ` : row))),
  }
}

/** `groupObjectId objectId` of active people in visible groups. */
export function effective(registry: Registry): ReadonlySet<string> {
  const active = new Set(registry.people.filter((p) => p.isActive).map((p) => p.objectId))
  const pairs = [...registry.memberships].map(pairOf)
  return new Set(
    pairs.filter((pair) => {
      const [group = '', member = ''] = pair.split(' ')
      return active.has(member) && (registry.groups[group]?.givers.length ?? 0) > 0
    }),
  )
}
