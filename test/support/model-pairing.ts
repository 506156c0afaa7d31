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
    const found = people.filter((p) => p.objectId === null && !p.isNew && hasKey(p, pairBy, { name, number }))
    // Whether a record that loses its object id in this run is found for somebody else in the same run is not said.
    if (found.some((p) => left.has(p))) {
      openPeople.add(user.id)
      if (present !== undefined) present.open = ['all']
    }
    const candidates = found.filter((p) => !left.has(p))
    const [candidate] = candidates
    // Else the object id would move to and fro between two records that have the key.
    if (present !== undefined && hasKey(present, pairBy, { name, number })) {
      if (candidates.length !== 1 || candidate?.isUntouchable !== false || !holdsKey(candidate, pairBy)) continue
    }
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
    people.push({ ...newPerson(run.tenant.tenantId, user.id), open: openPeople.has(user.id) ? ['all'] : [] })
  }
}

type PairBy = SourceSettings['users']['options']['pairBy']

function hasKey(
  person: Draft,
  pairBy: PairBy,
  key: { readonly name: string | undefined; readonly number: string | undefined },
): boolean {
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
