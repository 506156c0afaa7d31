// Who is who in the reference model (see model.ts): the linked record, one that is found by the pairing key, or a new one.
import type { SourceSettings } from '../../src/contract/sources.ts'
import { canonical, judge, textOf, valueOf } from './model-entra.ts'
import type { AppliedRun, Draft, EntraUser, View } from './model.ts'
import { wantedUserName } from './model-values.ts'

interface Pairing {
  readonly run: AppliedRun
  readonly view: View
  readonly openPeople: Set<string>
}

/** Gives every wanted person of the tenant a record: the linked one, an adopted one or a new one. */
export function pair(people: Draft[], { run, view, openPeople }: Pairing): void {
  const { pairBy, pairByObjectId, addNewUsers } = view.settings.users.options
  const linked = new Map(people.filter((p) => p.tenantId === run.tenant.tenantId).map((p) => [p.objectId, p]))
  const wanted = [...run.tenant.users.values()].filter((user) => judge(view, user.id) === 'wanted').sort(byAge)
  const left = new Set<Draft>()
  for (const user of wanted) {
    const present = linked.get(user.id)
    if (present !== undefined && pairByObjectId) continue
    const name = wantedUserName(view, user)
    const { personalNumber } = view.settings.users.properties
    const number = personalNumber === null ? undefined : valueOf(user, personalNumber)
    const key = { name, number }
    // Nobody is found in a record that loses its object id in this very run.
    const candidates = people.filter((p) => p.objectId === null && !p.isNew && !left.has(p) && hasKey(p, pairBy, key))
    const [candidate] = candidates
    if (present !== undefined && !isMoving(present, { candidates, people, pairBy, key })) continue
    if (candidate !== undefined && (candidates.length > 1 || candidate.isUntouchable)) {
      // Refused. Whether a new record is made beside an inactive namesake, or of another name, is not said.
      if (present === undefined) openPeople.add(user.id)
      continue
    }
    if (candidate !== undefined) {
      if (present !== undefined) {
        // The object id moves; the old record is missing from now on. What becomes of it at once is not said.
        left.add(present)
        Object.assign(present, { tenantId: null, objectId: null, owner: null, claims: [], open: ['all'] })
      }
      Object.assign(candidate, { tenantId: run.tenant.tenantId, objectId: user.id, verdict: 'wanted' })
      continue
    }
    if (present !== undefined || !addNewUsers) continue
    people.push(newPerson(run.tenant.tenantId, user.id))
  }
}

type PairBy = SourceSettings['users']['options']['pairBy']
interface Key {
  readonly name: string | undefined
  readonly number: string | undefined
}

/** An object id would go to and fro between its record and one that does without the key as well. */
function isMoving(
  present: Draft,
  o: {
    readonly candidates: readonly Draft[]
    readonly people: readonly Draft[]
    readonly pairBy: PairBy
    readonly key: Key
  },
): boolean {
  const { candidates, people, pairBy, key } = o
  const [candidate] = candidates
  const isFound = hasKey(present, pairBy, key)
  if (candidates.length !== 1 || candidate?.isUntouchable !== false) return !isFound
  if (hasKey(candidate, pairBy, key) && holdsKey(candidate, pairBy)) return true
  const hasAlias = (p: Draft) => p.aliases.some((a) => a.isHeld && canonical(a.value) === canonical(key.name ?? ''))
  const isTaken = people.some(
    (p) => p.isActive && ((hasKey(p, pairBy, key) && holdsKey(p, pairBy)) || (pairBy === 'userName' && hasAlias(p))),
  )
  return !isFound && !isTaken
}

function hasKey(person: Draft, pairBy: PairBy, key: Key): boolean {
  if (pairBy === 'userName') return key.name !== undefined && canonical(person.userName) === canonical(key.name)
  if (pairBy === 'none' || key.number === undefined || person.personalNumber === null) return false
  return canonical(person.personalNumber) === canonical(key.number)
}

/** He has it against everybody else. */
function holdsKey(person: Draft, pairBy: PairBy): boolean {
  return person.isActive && (pairBy !== 'personalNumber' || person.holdsNumber)
}

function newPerson(tenantId: string, objectId: string): Draft {
  return {
    ref: 0,
    tenantId,
    objectId,
    owner: null,
    claims: [],
    isActive: true,
    deactivatedBy: null,
    wasRestored: false,
    isUntouchable: false,
    userName: '',
    aliases: [],
    cards: [],
    emails: [],
    pin: null,
    personalNumber: null,
    holdsNumber: false,
    fields: {},
    missingSince: null,
    deactivatedAt: null,
    open: [],
    isNew: true,
    wasActive: false,
    verdict: 'wanted',
    mapped: undefined,
    readElsewhere: undefined,
    before: undefined,
  }
}

function byAge(a: EntraUser, b: EntraUser): number {
  const age = (user: EntraUser) => `${textOf(user.attributes['createdDateTime']) ?? '~'} ${user.id}`
  return age(a) < age(b) ? -1 : 1
}
