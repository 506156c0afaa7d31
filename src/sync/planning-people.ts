// The people of a plan: batches of the mirror through judging, mapping, pairing and planning, and what is noted of each.
import type { Issue } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Attributes } from '../directory/change.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryUser } from '../directory/user.ts'
import { type Absence, absencesOf, noteAbsences } from '../registry/absences.ts'
import { addAttributeMembers, type AttributeMembers } from '../registry/attribute-groups.ts'
import * as tables from '../registry/planning.ts'
import { planClaims, type UserClaim } from '../registry/user-claims.ts'
import {
  linkedByName,
  linkedByNumber,
  namesInUse,
  numbersInUse,
  pairableUsers,
  pairableUsersByNumber,
  usersByObjectIds,
} from '../registry/users.ts'
import type { Claimant } from './conflicts.ts'
import { describeLinked, holdsOf } from './holdings.ts'
import type { ItemDraft } from './item.ts'
import { judge } from './judge.ts'
import { mapAttributeGroups } from './map/attribute-groups.ts'
import { type Needs, needsOf } from './map/needs.ts'
import { type Mapping, mapUser, prepareMapping } from './map/users.ts'
import { pairingKey, type PairingValues } from './match.ts'
import { mirrorAttributes } from './mirror-attributes.ts'
import type { SourceRank } from './owner.ts'
import { attributeGroupIssues, resolveAttributeGroups } from './plan-attribute-groups.ts'
import { type Remapped, remappedTargets } from './plan-cause.ts'
import type { PlanUserContext, Successor } from './plan-person.ts'
import { planUser } from './plan-user.ts'
import type { PlannedUser } from './planned-user.ts'
import { BATCH, type Planning, watchesAbsence } from './planning-parts.ts'
import type { PlannedScope } from './planning-scope.ts'

/** What somebody does without, and who has it. */
export interface Settled {
  readonly denied: ReadonlySet<string>
  readonly winners: ReadonlyMap<string, string>
}
const UNSETTLED: Settled = { denied: new Set(), winners: new Map() }
const NO_GROUPS = { groupIds: [], isComplete: true } as const

/** `note` writes what comes out; `claim` only tells what each claims. */
type Purpose = { readonly kind: 'note'; readonly settled?: ReadonlyMap<string, Settled> } | { readonly kind: 'claim' }

/** Somebody as pairing sees him. */
interface Paired {
  readonly row: tables.MirrorUserRow
  readonly wanted: PairingValues | undefined
}

/** Plans people of one source. */
export class PeoplePlanner {
  readonly #planning: Planning
  readonly #scope: PlannedScope
  readonly #mapping: Mapping
  readonly #needs: Needs
  readonly #remapped: Remapped
  /** By key of the mirror: records with which somebody else is paired, as `record:id`, and how an issue names him. */
  readonly #pairedWithOthers = new Map<number, ReadonlyMap<string, string>>()

  constructor(planning: Planning, scope: PlannedScope) {
    this.#planning = planning
    this.#scope = scope
    this.#mapping = prepareMapping(planning.input.source.settings)
    this.#needs = needsOf(planning.input.source.settings)
    this.#remapped = remappedTargets(planning.input.source.plannedSettings, planning.input.source.settings)
  }

  /** Everybody, or those who are marked. */
  async planAll(): Promise<void> {
    const { tx, input } = this.#planning
    const who = { ...this.#mirrorOptions(), everybody: input.everybody }
    const total = await tables.countMirrorUsers(tx, who)
    let done = 0
    input.onProgress(done, total)
    for await (const rows of tables.eachMirrorUser(tx, { ...who, batch: BATCH })) {
      input.signal.throwIfAborted()
      await this.#planBatch(rows, { kind: 'note' })
      done += rows.length
      input.onProgress(done, total)
    }
  }

  /** These people (keys of the mirror). `settled`: by key as text, for those who do without something. */
  async planThese(keys: readonly number[], settled?: ReadonlyMap<string, Settled>): Promise<void> {
    const rows = await tables.mirrorUsersByKeys(this.#planning.tx, keys, this.#mirrorOptions())
    await this.#planBatch(rows, settled === undefined ? { kind: 'note' } : { kind: 'note', settled })
  }

  /** What these people claim, for settling who gets it; nothing is noted. */
  async claimantsOf(keys: readonly number[]): Promise<Claimant[]> {
    const rows = await tables.mirrorUsersByKeys(this.#planning.tx, keys, this.#mirrorOptions())
    return this.#planBatch(rows, { kind: 'claim' })
  }

  /** From now on he is planned as if these records (`record:id`) had not been found for him; who has each, an issue may tell. */
  notePaired(key: number, withOthers: ReadonlyMap<string, string>): void {
    this.#pairedWithOthers.set(key, new Map([...(this.#pairedWithOthers.get(key) ?? []), ...withOthers]))
  }

  get #settings(): SourceSettings {
    return this.#planning.input.source.settings
  }

  get #rank(): SourceRank {
    const { id, name, priority, settings } = this.#planning.input.source
    return { id, name, priority, enabled: settings.enabled }
  }

  #mirrorOptions(): Omit<tables.MirrorUserOptions, 'everybody' | 'batch'> {
    return {
      sourceId: this.#planning.input.source.id,
      scoped: this.#settings.users.import !== 'all',
      withManager: this.#needs.userAttributes.includes('manager'),
    }
  }

  async #planBatch(rows: readonly tables.MirrorUserRow[], purpose: Purpose): Promise<Claimant[]> {
    if (rows.length === 0) return []
    const linked = await this.#linkedUsers(rows)
    await this.#planning.writer.fillIds(rows.length)
    const inputs = rows.map((row) => this.#judgeAndMap(row))
    const dropped = inputs.flatMap(({ row, judgement, attributes }) => {
      const user = linked.get(row.object_id)
      const isDropped = judgement.kind === 'out-of-scope' || judgement.kind === 'disabled'
      return user?.sourceId === this.#planning.input.source.id && isDropped
        ? [{ user, objectId: row.object_id, attributes }]
        : []
    })
    const successors = await this.#planning.heirs.ofUsers(dropped)
    const isDeleting = this.#settings.users.options.deleteAfterDays !== 'never'
    const wantedElsewhere = await this.#planning.heirs.wantedElsewhere(
      isDeleting ? dropped.filter((d) => !d.user.active) : [],
    )
    const missing = await absencesOf(
      this.#planning.tx,
      this.#planning.input.source.id,
      watchesAbsence(this.#settings) ? [...linked.values()] : [],
    )
    const absences: Absence[] = []
    const sourceId = this.#planning.input.source.id
    const owned: UserClaim[] = []
    const { candidates, inUse } = await this.#candidates(inputs, linked)
    const holders = await this.#keyHolders(inputs, linked)
    const groups =
      purpose.kind === 'note'
        ? await resolveAttributeGroups(
            this.#planning.tx,
            inputs.map((input) => input.groups),
            this.#planning.templates,
          )
        : []
    const items: ItemDraft[] = []
    const issues: Issue[] = []
    const planned: tables.PlannedUserRow[] = []
    const members: AttributeMembers[] = []
    const claims: tables.PlannedClaimRow[] = []
    const claimants: Claimant[] = []
    for (const [index, input] of inputs.entries()) {
      const user = linked.get(input.row.object_id)
      const settled = (purpose.kind === 'note' ? purpose.settled?.get(String(input.row.key)) : undefined) ?? UNSETTLED
      const key = pairingKey(input.wanted, this.#settings.users.options.pairBy)
      const others = this.#pairedWithOthers.get(input.row.key)
      const found = key === undefined ? [] : (candidates.get(key) ?? [])
      const winner = found.map((c) => others?.get(`record:${c.id}`)).find((name) => name !== undefined)
      const result = planUser(
        {
          objectId: input.row.object_id,
          judgement: input.judgement,
          wanted: input.wanted,
          linked: user,
          candidates: others === undefined ? found : found.filter((c) => !others.has(`record:${c.id}`)),
          isKeyTaken: key !== undefined && inUse.has(key),
          keyHolder: key === undefined ? undefined : (winner ?? holders.get(key)),
          denied: settled.denied,
          successor: successors.get(input.row.object_id),
          isWantedElsewhere: wantedElsewhere.has(input.row.object_id),
          missingSince: user === undefined ? undefined : missing.get(user.id),
          attributeGroups: groups[index],
          newId: () => this.#planning.writer.takeId(),
        },
        this.#context(settled),
      )
      const paired = found.find((c) => c.id === result.user?.id)
      if (purpose.kind === 'claim') {
        claimants.push(
          this.#claimant(input, { result, user: paired ?? user, heir: successors.get(input.row.object_id) }),
        )
        continue
      }
      for (const item of result.items) items.push(item)
      for (const issue of result.issues) issues.push(issue)
      if (user !== undefined) absences.push({ userId: user.id, isMissing: result.isMissing })
      const isWanted = input.judgement.kind === 'wanted'
      if (user !== undefined && input.judgement.kind !== 'frozen' && user.claims.includes(sourceId) !== isWanted)
        owned.push({ userId: user.id, claims: isWanted })
      if (isWanted && input.groups !== undefined)
        issues.push(...attributeGroupIssues(input.row.object_id, input.groups))
      const { groupIds, isComplete } = groups[index] ?? NO_GROUPS
      members.push({ key: input.row.key, groupIds, keepsOthers: !isComplete })
      planned.push({
        key: input.row.key,
        userId: result.user?.id ?? null,
        objectId: input.row.object_id,
        existing: result.kind === 'existing' || result.kind === 'adopted',
        follows: !result.frozen,
        gives: result.gives,
        keeps: result.kind === 'skipped' && result.user?.active === true,
      })
      if (user !== undefined && result.kind === 'adopted' && result.user?.id !== user.id) {
        // His object id moves to another record; what becomes of this one is in the plan too.
        const leaves = result.items.some((item) => item.userId === user.id && item.action === 'deactivate')
        planned.push({
          key: input.row.key,
          userId: user.id,
          objectId: input.row.object_id,
          existing: true,
          follows: false,
          gives: true,
          keeps: user.active && !leaves,
        })
      }
      for (const claim of result.claims)
        claims.push({ space: claim.space, name: claim.key, key: input.row.key, rank: claim.rank })
      const record = user !== undefined && user.id === result.user?.id ? user : paired
      if (record !== undefined && result.claims.length > 0) {
        // He falls back on the name that the record has when the new one is refused.
        claims.push({ space: 'name', name: canonical(record.userName), key: input.row.key, rank: 'kept' })
      }
    }
    if (purpose.kind === 'claim') return claimants
    await this.#planning.writer.writeItems(items)
    await this.#planning.writer.addIssues(issues)
    await tables.addPlannedUsers(this.#planning.tx, planned)
    await addAttributeMembers(this.#planning.tx, members)
    await tables.addPlannedClaims(this.#planning.tx, claims)
    await planClaims(this.#planning.tx, this.#planning.input.runId, owned)
    if (watchesAbsence(this.#settings) && !this.#planning.input.isPreview)
      await noteAbsences(this.#planning.tx, { sourceId, now: this.#planning.input.now, absences })
    return []
  }

  #judgeAndMap(row: tables.MirrorUserRow) {
    const attributes = mirrorAttributes(row, { needs: this.#needs, open: this.#planning.input.openMirror })
    const judgement = judge(
      {
        state: row.state,
        attributes,
        inScopeGroup: row.in_scope,
        scopeDoubt: this.#scope.doubt,
        removalsAllowed: this.#planning.input.removalsAllowed,
      },
      this.#mapping,
    )
    const wanted = judgement.kind === 'wanted' ? mapUser(attributes, this.#mapping) : undefined
    // As those of Entra, they stay with people who are missing, until they are gone for good.
    const groups = judgement.kind === 'gone' ? undefined : mapAttributeGroups(attributes, this.#planning.templates)
    return { row, attributes, judgement, wanted, groups }
  }

  async #linkedUsers(rows: readonly tables.MirrorUserRow[]): Promise<ReadonlyMap<string, RegistryUser>> {
    if (!this.#scope.hasLinked) return new Map()
    const users = await usersByObjectIds(
      this.#planning.tx,
      this.#planning.input.source.tenantId,
      rows.map((r) => r.object_id),
    )
    return new Map(users.flatMap((user) => (user.objectId === null ? [] : [[user.objectId, user] as const])))
  }

  /** Whom the pairing keys find, by key; and which keys an active user has, of those that could move somebody who is linked. */
  async #candidates(inputs: readonly Paired[], linked: ReadonlyMap<string, RegistryUser>) {
    const candidates = new Map<string, RegistryUser[]>()
    const found = { candidates, inUse: new Set<string>() }
    if (!this.#scope.hasPairable) return found
    const { pairByObjectId: linkFirst, pairBy } = this.#settings.users.options
    const wished = inputs.flatMap((input) => {
      const isLinked = linked.has(input.row.object_id)
      const key = linkFirst && isLinked ? undefined : pairingKey(input.wanted, pairBy)
      return key === undefined ? [] : [{ key, isLinked }]
    })
    if (wished.length === 0) return found
    const { tx } = this.#planning
    const [find, inUse] =
      pairBy === 'personalNumber' ? [pairableUsersByNumber, numbersInUse] : [pairableUsers, namesInUse]
    const keys = wished.map(({ key }) => key)
    for (const user of await find(tx, keys)) {
      const key = pairingKey(user, pairBy) ?? ''
      const list = candidates.get(key)
      if (list === undefined) candidates.set(key, [user])
      else list.push(user)
    }
    const moving = wished.flatMap(({ key, isLinked }) => (isLinked && candidates.has(key) ? [key] : []))
    return moving.length === 0 ? found : { candidates, inUse: await inUse(tx, moving) }
  }

  /** By pairing key, how an issue names the active user who has it: of those who are not linked, where nobody is added. */
  async #keyHolders(inputs: readonly Paired[], linked: ReadonlyMap<string, RegistryUser>) {
    const { addNewUsers, pairBy } = this.#settings.users.options
    if (addNewUsers || pairBy === 'none') return new Map<string, string>()
    const keys = inputs.flatMap(({ row, wanted }) => {
      const key = linked.has(row.object_id) ? undefined : pairingKey(wanted, pairBy)
      return key === undefined ? [] : [key]
    })
    if (keys.length === 0) return new Map<string, string>()
    const find = pairBy === 'personalNumber' ? linkedByNumber : linkedByName
    const found = await find(this.#planning.tx, keys)
    return new Map([...found].map(([key, objectId]) => [key, describeLinked(objectId)]))
  }

  #context(settled: Settled): PlanUserContext {
    const { lookup, sealCard } = this.#planning.input
    return {
      sourceId: this.#planning.input.source.id,
      rank: this.#rank,
      rivals: this.#planning.input.rivals,
      now: this.#planning.input.now,
      removalsAllowed: this.#planning.input.removalsAllowed,
      settings: this.#settings,
      remapped: this.#remapped,
      lookup: (space, value) => lookup(space, value).toString('hex'),
      sealCard: (value) => sealCard(value).toString('base64'),
      winnerOf: (claim) => settled.winners.get(claim) ?? 'somebody else',
    }
  }

  #claimant(
    input: { readonly row: tables.MirrorUserRow; readonly attributes: Attributes },
    o: {
      readonly result: PlannedUser
      readonly user: RegistryUser | undefined
      /** Who takes him over when this source drops him. */
      readonly heir: Successor | undefined
    },
  ): Claimant {
    const { result, user } = o
    const created = input.attributes['createdDateTime']
    return {
      id: String(input.row.key),
      claims: result.claims,
      active: user?.active ?? false,
      holds: user?.active === true ? holdsOf(user) : new Set(),
      oldUserName: user === undefined ? undefined : canonical(user.userName),
      fixed: false,
      // Whoever is dropped wants what his next source gives him, and is judged as one of its people.
      priority: o.heir?.rank.priority ?? this.#planning.input.source.priority,
      createdDateTime: typeof created === 'string' ? created : null,
      objectId: input.row.object_id,
    }
  }
}
