// Which unique values everybody gets, in the reference model (see model.ts): names, cards, PINs, personal numbers, and who loses them.
import type { SourceSettings } from '../../src/contract/sources.ts'
import { contest, type Wisher } from './model-contest.ts'
import { canonical, textOf, valueOf, valuesOf } from './model-entra.ts'
import type { AppliedRun, Draft, EntraUser, Holding, View } from './model.ts'

/** User names first, then aliases; both in one name space. New people without a name are left out. */
export function settleNames(people: readonly Draft[], run: AppliedRun): Draft[] {
  const named = contest(
    people
      .filter((p) => p.isActive)
      .map((p): Wisher<Draft> => {
        const wanted = p.mapped === undefined ? undefined : wantedUserName(p.mapped.view, p.mapped.user)
        const spec = p.mapped?.view.settings.users.properties.userName
        const isFixed = p.mapped === undefined || (spec !== undefined && spec.apply !== 'always' && !p.isNew)
        const old = p.isNew ? [] : [p.userName]
        const isOwn = (key: string) =>
          p.aliases.some((a) => a.origin === 'own' && a.isHeld && canonical(a.value) === key)
        return {
          who: p,
          wishes: isFixed ? old : [...(wanted === undefined ? [] : [wanted]), ...old],
          rank: rankOf(p, run),
          holds: (key) =>
            p.wasActive &&
            (canonical(p.userName) === key || p.aliases.some((a) => a.isHeld && canonical(a.value) === key)),
          isFixed: (key) => (isFixed && p.wasActive) || isOwn(key),
        }
      }),
    // What was added by hand to anybody is not taken away by a user name.
    people.flatMap((p) =>
      p.isActive
        ? p.aliases
            .filter(
              (a) => a.isHeld && p.wasActive && (a.origin === 'own' || (p.mapped === undefined && !yields(p, a, run))),
            )
            .map((a) => ({ who: p, value: a.value }))
        : [],
    ),
  )
  const imported = people.filter((p) => !p.isNew || named.get(p) !== undefined)
  const taken = new Set<string>()
  for (const person of imported) {
    if (!person.isActive) {
      park(person)
      continue
    }
    const name = named.get(person)
    if (name === undefined) {
      // Neither the wanted nor the old name is free for somebody who comes back: not said.
      person.open = ['all']
      continue
    }
    const options = person.mapped?.view.settings.users.options
    const old = person.userName
    person.userName = name
    taken.add(canonical(name))
    if (person.isNew || canonical(old) === canonical(name) || options?.keepOldUserName !== true) continue
    person.aliases = [...person.aliases, { value: old, origin: 'kept', isHeld: true }]
  }
  settleAliases(imported, { run, taken })
  return imported
}

/** An old user name that was kept yields to anything, also where another source has the person and plans him some other time. */
function yields(person: Draft, { origin }: Holding, run: AppliedRun): boolean {
  return origin === 'kept' && person.owner !== null && person.owner !== run.source && !person.isUntouchable
}

function settleAliases(
  people: readonly Draft[],
  { run, taken }: { run: AppliedRun; taken: ReadonlySet<string> },
): void {
  const active = people.filter((p) => p.isActive && !p.open.includes('all'))
  const wishes = new Map(active.map((p) => [p, wantedAliases(p)]))
  // An old name of somebody whom nobody plans and nothing makes yield, such as one of a removed source, is his like any other.
  const isWeak = (p: Draft, a: Holding) =>
    a.origin === 'kept' && (p.mapped !== undefined || !p.wasActive || !a.isHeld || yields(p, a, run))
  const given = settleHoldings(active, {
    run,
    taken,
    wishes: (p) => (wishes.get(p) ?? []).filter((a) => !isWeak(p, a)),
    had: (p) => p.before?.aliases.concat({ value: p.before.userName, origin: 'given', isHeld: true }) ?? [],
  })
  const both = new Set(taken)
  for (const held of given.values()) for (const a of held) if (a.isHeld) both.add(canonical(a.value))
  const kept = settleHoldings(active, {
    run,
    taken: both,
    wishes: (p) => (wishes.get(p) ?? []).filter((a) => isWeak(p, a)),
    had: (p) => p.before?.aliases.concat({ value: p.before.userName, origin: 'given', isHeld: true }) ?? [],
  })
  for (const person of active) {
    const seen = new Set<string>()
    person.aliases = [...(given.get(person) ?? []), ...(kept.get(person) ?? [])].filter((a) => {
      const key = canonical(a.value)
      if (seen.has(key) || key === canonical(person.userName)) return false
      seen.add(key)
      return true
    })
  }
}

/** Aliases that he would have if nobody else wanted them. */
function wantedAliases(person: Draft): readonly Holding[] {
  const own = person.aliases.filter((a) => a.origin === 'own')
  const kept = person.aliases.filter((a) => a.origin === 'kept')
  const had = person.aliases.filter((a) => a.origin === 'given')
  if (person.mapped === undefined) return person.aliases
  const { aliases } = person.mapped.view.settings.users.properties
  return [...own, ...wantedValues(person, aliases, { had, isEmpty: person.aliases.length === 0 }), ...kept]
}

/** What a several-valued property gives: replaced, appended, or the registry's own from now on. */
function wantedValues(
  person: Draft,
  specs: SourceSettings['users']['properties']['cards'],
  { had, isEmpty }: { readonly had: readonly Holding[]; readonly isEmpty: boolean },
): readonly Holding[] {
  if (person.mapped === undefined) return had
  if (specs.length === 0) return had.map((h) => ({ ...h, origin: 'own' }))
  const { user } = person.mapped
  const wanted: Holding[] = []
  for (const spec of specs) {
    if (spec.apply === 'whenCreated' && !person.isNew) continue
    if (spec.apply === 'whenEmpty' && !person.isNew && !isEmpty) continue
    // Never withdrawn is the same as the registry's own.
    const origin = isWithdrawn(spec) ? 'given' : 'own'
    for (const value of valuesOf(user, spec)) wanted.push({ value, origin, isHeld: true })
  }
  // Nothing withdraws any more: what was given before stays.
  if (!specs.some(isWithdrawn)) return [...wanted, ...had]
  // What was given before one of several was told to give once or to append may stay or go: not said.
  const mayStay = !specs.every(isWithdrawn)
  return [...wanted, ...(mayStay ? had.map((h) => ({ ...h, isOptional: true })) : [])]
}

/** Only what is always given and replaced is withdrawn again. */
function isWithdrawn(spec: SourceSettings['users']['properties']['cards'][number]): boolean {
  return spec.apply === 'always' && spec.mode === 'replace'
}

/** What a source does not withdraw any more is the registry's own, also of those whom its run leaves as they are. */
export function release(person: Draft, settings: SourceSettings): void {
  const { aliases, alternateEmails, cards, pin } = settings.users.properties
  const own = (holding: Holding): Holding => (holding.origin === 'given' ? { ...holding, origin: 'own' } : holding)
  if (!aliases.some(isWithdrawn)) person.aliases = person.aliases.map(own)
  if (!alternateEmails.some(isWithdrawn)) person.emails = person.emails.map(own)
  if (!cards.some(isWithdrawn)) person.cards = person.cards.map(own)
  if (pin === null || (pin !== 'generate' && pin.apply !== 'always')) person.pin = person.pin && own(person.pin)
}

interface HoldingsContest {
  readonly run: AppliedRun
  readonly taken: ReadonlySet<string>
  readonly wishes: (person: Draft) => readonly Holding[]
  readonly had: (person: Draft) => readonly Holding[]
}

/** Who gets which of several values, each contested for itself. Losers keep only what is their own, parked. */
function settleHoldings(people: readonly Draft[], { run, taken, wishes, had }: HoldingsContest): Map<Draft, Holding[]> {
  const single: Wisher<{ person: Draft; wish: Holding }>[] = []
  const stays = (person: Draft, { origin, value }: Holding) =>
    origin !== 'given' &&
    person.before !== undefined &&
    had(person).some((h) => canonical(h.value) === canonical(value))
  for (const person of people) {
    const keys = new Set<string>()
    for (const wish of wishes(person)) {
      const key = canonical(wish.value)
      if (taken.has(key) || keys.has(key)) continue
      keys.add(key)
      const holds = () => person.wasActive && had(person).some((h) => h.isHeld && canonical(h.value) === key)
      const isFixed = () =>
        holds() && (wish.origin === 'own' || (person.mapped === undefined && !yields(person, wish, run)))
      // What was parked comes back only where it is still free.
      const rank = [wish.isHeld ? 0 : 1, ...rankOf(person, run)]
      single.push({ who: { person, wish }, wishes: [wish.value], rank, holds, isFixed })
    }
  }
  const won = new Set(contest(single, []).keys())
  const result = new Map<Draft, Holding[]>(people.map((p) => [p, []]))
  for (const { who } of single) {
    const list = result.get(who.person)
    const isBack = who.wish.origin === 'kept' && who.person.wasActive && !who.wish.isHeld
    if (won.has(who)) list?.push({ ...who.wish, isHeld: true, ...(isBack && { isOptional: true }) })
    else if (stays(who.person, who.wish)) list?.push({ ...who.wish, isHeld: false })
  }
  for (const person of people) {
    for (const wish of wishes(person)) {
      if (stays(person, wish) && taken.has(canonical(wish.value))) result.get(person)?.push({ ...wish, isHeld: false })
    }
  }
  return result
}

/** Cards, PINs and personal numbers: one space each. */
export function settleCredentials(people: readonly Draft[], run: AppliedRun): void {
  const active = people.filter((p) => p.isActive && !p.open.includes('all'))
  const none = new Set<string>()
  const cards = settleHoldings(active, {
    run,
    taken: none,
    wishes: (p) => {
      const own = p.cards.filter((c) => c.origin === 'own')
      const given = p.cards.filter((c) => c.origin === 'given')
      if (p.mapped === undefined) return p.cards
      const isEmpty = (p.before?.cards.length ?? 0) === 0
      return [...own, ...wantedValues(p, p.mapped.view.settings.users.properties.cards, { had: given, isEmpty })]
    },
    had: (p) => p.before?.cards ?? [],
  })
  const pins = settlePins(active, run)
  const numbers = settleHoldings(active, {
    run,
    taken: none,
    wishes: (p) => wantedNumber(p),
    had: (p) =>
      p.before?.personalNumber
        ? [{ value: p.before.personalNumber, origin: 'given', isHeld: p.before.holdsNumber }]
        : [],
  })
  for (const person of active) {
    person.cards = cards.get(person) ?? []
    person.pin = pins.get(person) ?? null
    // Which one is drawn nobody can say; that there is one, the comparison says.
    if (person.mapped?.view.settings.users.properties.pin === 'generate' && person.pin === null)
      person.pin = { value: DRAWN_PIN, origin: 'own', isHeld: true }
    const number = numbers.get(person)?.[0]
    person.personalNumber = number?.value ?? null
    person.holdsNumber = number?.isHeld === true
  }
}

/** Alternate emails: nobody takes one from anybody. */
export function settleEmails(person: Draft): void {
  if (person.mapped === undefined) return
  const own = person.emails.filter((e) => e.origin === 'own')
  const had = person.emails.filter((e) => e.origin === 'given')
  const specs = person.mapped.view.settings.users.properties.alternateEmails
  const wanted = wantedValues(person, specs, { had, isEmpty: person.emails.length === 0 })
  const seen = new Set<string>()
  person.emails = [...own, ...wanted].filter(({ value }) => !seen.has(canonical(value)) && seen.add(canonical(value)))
}

/** Stands for any PIN. */
export const DRAWN_PIN = 'any PIN'

/** Everybody asks for the PIN that he is given, then for his own, which nobody takes from him. Losers keep their own, parked. */
function settlePins(people: readonly Draft[], run: AppliedRun): Map<Draft, Holding> {
  const wishes = new Map(people.map((p) => [p, wantedPins(p)]))
  const had = (p: Draft) => p.before?.pin ?? undefined
  const isHolder = (p: Draft, key: string) => {
    const pin = had(p)
    return p.wasActive && pin !== undefined && pin.isHeld && canonical(pin.value) === key
  }
  const won = contest(
    people.map((p): Wisher<Draft> => {
      const wanted = wishes.get(p) ?? []
      const isOwn = (key: string) => wanted.some((w) => w.origin === 'own' && canonical(w.value) === key)
      return {
        who: p,
        wishes: wanted.map((w) => w.value),
        // What was parked comes back only where it is still free.
        rank: [wanted[0]?.isHeld === false ? 1 : 0, ...rankOf(p, run)],
        holds: (key) => isHolder(p, key),
        isFixed: (key) => isHolder(p, key) && (isOwn(key) || p.mapped === undefined),
      }
    }),
    [],
  )
  const settled = new Map<Draft, Holding>()
  for (const [person, wanted] of wishes) {
    const value = won.get(person)
    const got = wanted.find((w) => w.value === value)
    const own = wanted.find((w) => w.origin !== 'given' && w.value === had(person)?.value)
    if (got !== undefined) settled.set(person, { ...got, isHeld: true })
    else if (own !== undefined) settled.set(person, { ...own, isHeld: false })
  }
  return settled
}

/** What he is given, before what is his own. */
function wantedPins(person: Draft): readonly Holding[] {
  const had = person.pin === null ? [] : [person.pin]
  const spec = person.mapped?.view.settings.users.properties.pin
  if (person.mapped === undefined || spec === undefined) return had
  // Whoever has one when PINs are drawn keeps it, and whose it is: an attribute that is mapped later replaces or clears a given one.
  if (spec === 'generate') return had
  const kept = had.map((h): Holding => ({ ...h, origin: 'own' }))
  if (spec === null) return kept
  if (spec.apply !== 'always' && !person.isNew && (spec.apply === 'whenCreated' || had.length > 0)) return kept
  const value = valueOf(person.mapped.user, spec)
  // The registry's own stays where the source has nothing in its place.
  const own = had.filter((h) => h.origin === 'own' && h.value !== value)
  if (value === undefined) return own
  const isStill = had.some((h) => h.origin === 'own' && h.value === value)
  return [{ value, origin: spec.apply === 'always' && !isStill ? 'given' : 'own', isHeld: true }, ...own]
}

function wantedNumber(person: Draft): readonly Holding[] {
  const had: Holding[] =
    person.personalNumber === null ? [] : [{ value: person.personalNumber, origin: 'own', isHeld: person.holdsNumber }]
  const spec = person.mapped?.view.settings.users.properties.personalNumber
  if (person.mapped === undefined || spec === null || spec === undefined) return had
  if (spec.apply === 'whenCreated' && !person.isNew) return had
  if (spec.apply === 'whenEmpty' && had.length > 0) return had
  const value = valueOf(person.mapped.user, spec)
  return value === undefined ? [] : [{ value, origin: 'given', isHeld: true }]
}

/** A deactivated person keeps what he had, and holds nothing of it. */
function park(person: Draft): void {
  person.aliases = person.aliases.map((a) => ({ ...a, isHeld: false }))
  person.cards = person.cards.map((c) => ({ ...c, isHeld: false }))
  person.pin = person.pin === null ? null : { ...person.pin, isHeld: false }
  person.holdsNumber = false
}

function rankOf(person: Draft, run: AppliedRun): readonly (string | number)[] {
  const priority = person.owner === null ? Infinity : (run.settings[person.owner]?.priority ?? Infinity)
  const created = textOf(person.mapped?.user.attributes['createdDateTime']) ?? '~'
  return [priority, created, person.objectId ?? '~']
}

export function wantedUserName(view: View, user: EntraUser): string | undefined {
  const { properties, options } = view.settings.users
  const name = valueOf(user, properties.userName)
  return options.lowercaseUserNames ? name?.toLowerCase() : name
}
