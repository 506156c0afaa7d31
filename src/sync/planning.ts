// Makes a plan from the mirror: streams what has to be planned through the deciding modules, settles conflicts on the final
// state, sets memberships against each other, counts, judges and hashes. Runs inside one transaction and never asks Graph.
import type { Issue } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Transaction } from '../database/transaction.ts'
import type { Attributes } from '../directory/change.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryUser } from '../directory/user.ts'
import { addAttributeMembers, type AttributeMembers, fillUnkeyedGroups } from '../registry/attribute-groups.ts'
import { groupsByObjectIds } from '../registry/groups.ts'
import { closeOldIssues, deleteIssuesOf, insertIssues } from '../registry/issues.ts'
import { planMemberships } from '../registry/membership-plan.ts'
import * as tables from '../registry/planning.ts'
import { type Absence, absencesOf, fillDueKeys, noteAbsences } from '../registry/absences.ts'
import { claimsOfGroups, type GroupClaim, planGroupClaims } from '../registry/group-claims.ts'
import { deletePlanItemsOf, insertPlanItems } from '../registry/plans.ts'
import { pairableUsers, pairableUsersByNumber, usersByIds, usersByObjectIds } from '../registry/users.ts'
import { resolveConflicts, type Claimant } from './conflicts.ts'
import { claimsHeldBy, describe, holdsOf } from './holdings.ts'
import { digestOf } from './item-digest.ts'
import type { ItemDraft } from './item.ts'
import { DRAWN } from './plan-credentials.ts'
import { drawPins } from './draw-pins.ts'
import { Heirs } from './heirs.ts'
import { judge } from './judge.ts'
import { type GroupTemplates, mapAttributeGroups, prepareGroupTemplates } from './map/attribute-groups.ts'
import { mapGroup } from './map/groups.ts'
import { type Needs, needsOf } from './map/needs.ts'
import { pairingKey, type PairingValues } from './match.ts'
import { type Mapping, mapUser, prepareMapping } from './map/users.ts'
import { writeMembershipItems } from './membership-items.ts'
import { mirrorAttributes } from './mirror-attributes.ts'
import type { SourceRank } from './owner.ts'
import type { MadePlan, PlanInput } from './plan-input.ts'
import { summarize } from './plan-summary.ts'
import { attributeGroupIssues, eachCreateItem, resolveAttributeGroups } from './plan-attribute-groups.ts'
import { planGroup } from './plan-group.ts'
import type { PlanUserContext } from './plan-person.ts'
import { planUnreadGroups } from './plan-unread-groups.ts'
import { planUser } from './plan-user.ts'
import type { PlannedUser } from './planned-user.ts'

/** Raised whenever the same mirror and settings would give another plan than before: the first run after it is held. */
export const PLANNER_VERSION = 1

const BATCH = 2_000

/** Makes and stores the plan of a run. */
export async function makePlan(tx: Transaction, input: PlanInput): Promise<MadePlan> {
  const planner = new Planner(tx, input)
  await tables.beginPlanning(tx)
  await planner.planScope()
  await planner.planGroups()
  await planner.planUsers()
  await planner.settleConflicts()
  await planner.planGroupsNotRead()
  if (planner.drawsPins) await drawPins(tx, input)
  await planMemberships(tx, {
    runId: input.runId,
    sourceId: input.source.id,
    transitive: input.source.settings.groups.membership === 'transitive',
    everybody: input.everybody,
  })
  await planner.createAttributeGroups()
  await planner.writeMemberships()
  await insertIssues(tx, input.issues, { sourceId: input.source.id, runId: input.runId })
  await closeOldIssues(tx, {
    sourceId: input.source.id,
    runId: input.runId,
    which: input.only !== undefined ? 'only' : input.everybody ? 'all' : 'marked',
  })
  return summarize(tx, input)
}

type Settled = { readonly denied: ReadonlySet<string>; readonly winners: ReadonlyMap<string, string> }
const UNSETTLED: Settled = { denied: new Set(), winners: new Map() }

/** One planning under way: the running numbers and what batches share. */
class Planner {
  readonly #tx: Transaction
  readonly #input: PlanInput
  readonly #mapping: Mapping
  readonly #templates: GroupTemplates
  #seq = 1
  #ids: number[] = []
  #scopeDoubt: 'scope-group-missing' | 'membership-unknown' | undefined
  #scopeUnreadable: ReadonlySet<string> = new Set()
  #hasLinked = true
  #hasPairable = true
  #contested: ReadonlyMap<string, Settled> = new Map()
  readonly #needs: Needs
  #drawsPins = false
  readonly #heirs: Heirs

  constructor(tx: Transaction, input: PlanInput) {
    this.#tx = tx
    this.#input = input
    this.#mapping = prepareMapping(input.source.settings)
    this.#needs = needsOf(input.source.settings)
    this.#heirs = new Heirs(tx, input.rivals)
    this.#templates = prepareGroupTemplates(input.source.settings.groups)
  }

  /** Some items add a PIN that is not drawn yet. */
  get drawsPins(): boolean {
    return this.#drawsPins
  }

  get #settings(): SourceSettings {
    return this.#input.source.settings
  }

  get #rank(): SourceRank {
    const { id, name, priority, settings } = this.#input.source
    return { id, name, priority, enabled: settings.enabled }
  }

  /** Since when somebody is missing matters only where he is given time. */
  get #watchesAbsence(): boolean {
    return this.#settings.users.options.graceDays > 0
  }

  async planScope(): Promise<void> {
    if (this.#templates.templates.length > 0) await fillUnkeyedGroups(this.#tx)
    const scope = this.#settings.users.import
    if (scope !== 'all') {
      const { missing, unreadable } = await tables.fillScopeGroups(this.#tx, this.#input.source.id, scope.groups)
      if (missing.length > 0) this.#scopeDoubt = 'scope-group-missing'
      else if (unreadable.length > 0) this.#scopeDoubt = 'membership-unknown'
      this.#scopeUnreadable = new Set(unreadable)
      const issues = missing.map(
        (objectId): Issue => ({
          code: 'scope-group-missing',
          objectId,
          message:
            'A selected group does not exist in Entra any more; people who came only through it stay as they are. Select another group, or restore it.',
        }),
      )
      for (const objectId of unreadable) {
        issues.push({
          code: 'membership-unknown',
          objectId,
          message:
            'Entra does not show the members of a selected group, or of one nested in it; people who are in no other stay as they are. Grant Member.Read.Hidden, or select another group.',
        })
      }
      await this.#addIssues(issues)
    }
    const has = await this.#tx.query<{ linked: boolean; pairable: boolean }>(
      `select exists (select from users where tenant_id = $1) as linked, exists (select from users where object_id is null) as pairable`,
      [this.#input.source.tenantId],
    )
    this.#hasLinked = has.rows[0]?.linked ?? true
    this.#hasPairable = (has.rows[0]?.pairable ?? true) && this.#settings.users.options.pairBy !== 'none'
    // What was noted while people were given time says nothing once they are not, nor later when they are again.
    if (this.#input.everybody && !this.#watchesAbsence)
      await this.#tx.query('delete from absences where source_id = $1', [this.#input.source.id])
    const { only } = this.#input
    const transitive = this.#settings.groups.membership === 'transitive'
    if (only !== undefined) await tables.fillOnlyKeys(this.#tx, only, transitive)
    else if (!this.#input.everybody) {
      await tables.fillPlanKeys(this.#tx, this.#input.source.id, { transitive, scoped: scope !== 'all' })
      await fillDueKeys(this.#tx, this.#input.source.id, this.#settings.users.options, this.#input.now)
    }
  }

  async planGroups(): Promise<void> {
    const { source, everybody, only } = this.#input
    for await (const rows of tables.eachMirrorGroup(this.#tx, {
      sourceId: source.id,
      which: only !== undefined ? 'only' : everybody ? 'all' : 'marked',
      batch: BATCH,
    })) {
      this.#input.signal.throwIfAborted()
      const existing = await groupsByObjectIds(
        this.#tx,
        source.tenantId,
        rows.map((r) => r.object_id),
      )
      const byObjectId = new Map(existing.map((group) => [group.objectId, group]))
      const claims = await claimsOfGroups(
        this.#tx,
        this.#input.rivals.length === 0 ? [] : existing.map((group) => group.id),
      )
      const shared: GroupClaim[] = []
      await this.#fillIds(rows.length)
      const items: ItemDraft[] = []
      const issues: Issue[] = []
      const planned: tables.PlannedGroupRow[] = []
      const moved: number[] = []
      for (const row of rows) {
        const group = planGroup(
          {
            objectId: row.object_id,
            state: row.state,
            mapped: mapGroup(row.object_id, row.attributes ?? NO_ATTRIBUTES, this.#settings),
            membersUnknown: row.members_unknown,
            existing: byObjectId.get(row.object_id),
            removalsAllowed: this.#input.removalsAllowed,
            heirs: () =>
              this.#heirs.ofGroup(claims.get(byObjectId.get(row.object_id)?.id ?? 0) ?? [], {
                objectId: row.object_id,
                attributes: row.attributes ?? NO_ATTRIBUTES,
              }),
            newId: () => this.#takeId(),
          },
          { sourceId: source.id, rivals: this.#input.rivals.flatMap((rival) => (rival.enabled ? [rival.id] : [])) },
        )
        if (group.groupId !== undefined && group.isShared !== undefined)
          shared.push({ groupId: group.groupId, claims: group.isShared })
        if (group.item !== undefined) items.push(group.item)
        const isSharedAnew = group.isShared === true && !claims.get(group.groupId ?? 0)?.includes(source.id)
        if (group.item?.action === 'create' || isSharedAnew) moved.push(row.key)
        const isToldAlready = group.issue?.code === 'membership-unknown' && this.#scopeUnreadable.has(row.object_id)
        if (group.issue !== undefined && !isToldAlready) issues.push(group.issue)
        const isThere = group.kind === 'wanted' || (group.kind === 'frozen' && group.groupId !== undefined)
        planned.push({
          key: row.key,
          groupId: group.groupId ?? null,
          objectId: row.object_id,
          wanted: isThere,
          frozen: group.kind === 'frozen' || row.members_unknown,
        })
      }
      await this.#writeItems(items)
      await this.#addIssues(issues)
      await tables.addPlannedGroups(this.#tx, planned)
      await planGroupClaims(this.#tx, this.#input.runId, shared)
      const transitive = this.#settings.groups.membership === 'transitive'
      if (only !== undefined) await tables.markBelow(this.#tx, source.id, { groupKeys: moved, transitive })
      else if (!everybody) await tables.addPlanKeysBelow(this.#tx, moved, transitive)
    }
  }

  async planGroupsNotRead(): Promise<void> {
    if (this.#settings.groups.import || !this.#input.everybody) return
    const options = { sourceId: this.#input.source.id, heirs: this.#heirs }
    for await (const items of planUnreadGroups(this.#tx, options)) await this.#writeItems(items)
  }

  async createAttributeGroups(): Promise<void> {
    for await (const items of eachCreateItem(this.#tx)) await this.#writeItems(items)
  }

  async planUsers(): Promise<void> {
    let done = 0
    for await (const rows of tables.eachMirrorUser(this.#tx, {
      ...this.#mirrorOptions(),
      everybody: this.#input.everybody,
      batch: BATCH,
    })) {
      this.#input.signal.throwIfAborted()
      await this.#planBatch(rows, 'note')
      done += rows.length
      this.#input.onProgress(done)
    }
  }

  /** Plans anew, on the final state, whoever wants what somebody else wants or has. */
  async settleConflicts(): Promise<void> {
    await tables.analyzePlanned(this.#tx)
    let holders = await tables.holdersOutside(this.#tx, this.#input.source.id)
    for (let keys = ownKeys(holders); keys.length > 0; keys = ownKeys(holders)) {
      // Holders whom this source owns are judged with the others, though nothing marked them.
      for (const chunk of chunks(keys)) {
        await this.#planBatch(await tables.mirrorUsersByKeys(this.#tx, chunk, this.#mirrorOptions()), 'note')
      }
      holders = await tables.holdersOutside(this.#tx, this.#input.source.id)
    }
    const contested = await tables.contestedKeys(this.#tx, holders)
    if (contested.length === 0) return
    const claimants: Claimant[] = await this.#outsiders(holders)
    for (const chunk of chunks(contested)) {
      const rows = await tables.mirrorUsersByKeys(this.#tx, chunk, this.#mirrorOptions())
      claimants.push(...(await this.#planBatch(rows, 'claim')))
    }
    const resolution = resolveConflicts(claimants)
    const names = new Map(claimants.map((c) => [c.id, c]))
    const winners = new Map<string, string>()
    for (const [claim, id] of resolution.winners) winners.set(claim, describe(names.get(id)))
    this.#contested = new Map([...resolution.denied].map(([id, denied]) => [id, { denied, winners }]))
    const losers = new Set(resolution.denied.keys())
    for (const chunk of chunks(contested)) {
      const rows = (await tables.mirrorUsersByKeys(this.#tx, chunk, this.#mirrorOptions())).filter((row) =>
        losers.has(String(row.key)),
      )
      const objectIds = rows.map((row) => row.object_id)
      await deletePlanItemsOf(this.#tx, this.#input.runId, objectIds)
      await deleteIssuesOf(this.#tx, this.#input.runId, objectIds)
      await tables.removePlanned(
        this.#tx,
        rows.map((row) => row.key),
      )
      await this.#planBatch(rows, 'note')
    }
  }

  async writeMemberships(): Promise<void> {
    this.#seq = await writeMembershipItems(this.#tx, {
      runId: this.#input.runId,
      firstSeq: this.#seq,
      digest: digestOf,
    })
  }

  #mirrorOptions(): Omit<tables.MirrorUserOptions, 'everybody' | 'batch'> {
    return {
      sourceId: this.#input.source.id,
      scoped: this.#settings.users.import !== 'all',
      withManager: this.#needs.userAttributes.includes('manager'),
    }
  }

  /** Plans these users. `note` writes what comes out; `claim` only tells what each claims, for settling conflicts. */
  async #planBatch(rows: readonly tables.MirrorUserRow[], purpose: 'note' | 'claim'): Promise<Claimant[]> {
    if (rows.length === 0) return []
    const linked = await this.#linkedUsers(rows)
    await this.#fillIds(rows.length)
    const inputs = rows.map((row) => this.#judgeAndMap(row))
    const dropped = inputs.flatMap(({ row, judgement, attributes }) => {
      const user = linked.get(row.object_id)
      const isDropped = judgement.kind === 'out-of-scope' || judgement.kind === 'disabled'
      return user?.sourceId === this.#input.source.id && isDropped
        ? [{ user, objectId: row.object_id, attributes }]
        : []
    })
    const successors = await this.#heirs.ofUsers(dropped)
    const isDeleting = this.#settings.users.options.deleteAfterDays !== 'never'
    const wantedElsewhere = await this.#heirs.wantedElsewhere(isDeleting ? dropped.filter((d) => !d.user.active) : [])
    const missing = await absencesOf(this.#tx, this.#input.source.id, this.#watchesAbsence ? [...linked.values()] : [])
    const absences: Absence[] = []
    const sourceId = this.#input.source.id
    const claiming: number[] = []
    const candidates = await this.#candidates(inputs, linked)
    const groups =
      purpose === 'note'
        ? await resolveAttributeGroups(
            this.#tx,
            inputs.map((input) => input.groups),
            this.#templates,
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
      const settled = purpose === 'note' ? (this.#contested.get(String(input.row.key)) ?? UNSETTLED) : UNSETTLED
      const key = pairingKey(input.wanted, this.#settings.users.options.pairBy)
      const result = planUser(
        {
          objectId: input.row.object_id,
          judgement: input.judgement,
          wanted: input.wanted,
          linked: user,
          candidates: key === undefined ? [] : (candidates.get(key) ?? []),
          denied: settled.denied,
          successor: successors.get(input.row.object_id),
          isWantedElsewhere: wantedElsewhere.has(input.row.object_id),
          missingSince: user === undefined ? undefined : missing.get(user.id),
          attributeGroups: groups[index],
          newId: () => this.#takeId(),
        },
        this.#context(settled),
      )
      if (purpose === 'claim') {
        const candidate = key === undefined ? undefined : candidates.get(key)
        const subject = candidate?.find((c) => c.id === result.user?.id) ?? user
        claimants.push(this.#claimant(input, result, subject))
        continue
      }
      for (const item of result.items) items.push(item)
      for (const issue of result.issues) issues.push(issue)
      if (user !== undefined) absences.push({ userId: user.id, isMissing: result.isMissing })
      if (input.judgement.kind === 'wanted' && user?.claims.includes(sourceId) === false) claiming.push(user.id)
      if (input.judgement.kind === 'wanted' && input.groups !== undefined)
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
      if (user !== undefined && user.id === result.user?.id && result.claims.length > 0) {
        // He falls back on the name he has when the new one is refused.
        claims.push({ space: 'name', name: canonical(user.userName), key: input.row.key, rank: 'kept' })
      }
    }
    if (purpose === 'claim') return claimants
    await this.#writeItems(items)
    await this.#addIssues(issues)
    await tables.addPlannedUsers(this.#tx, planned)
    await addAttributeMembers(this.#tx, members)
    await tables.addPlannedClaims(this.#tx, claims)
    await tables.planClaims(this.#tx, this.#input.runId, claiming)
    if (this.#watchesAbsence) await noteAbsences(this.#tx, { sourceId, now: this.#input.now, absences })
    return []
  }

  #judgeAndMap(row: tables.MirrorUserRow) {
    const attributes = mirrorAttributes(row, { needs: this.#needs, open: this.#input.openMirror })
    const judgement = judge(
      {
        state: row.state,
        attributes,
        inScopeGroup: row.in_scope,
        scopeDoubt: this.#scopeDoubt,
        removalsAllowed: this.#input.removalsAllowed,
      },
      this.#mapping,
    )
    const wanted = judgement.kind === 'wanted' ? mapUser(attributes, this.#mapping) : undefined
    // As those of Entra, they stay with people who are missing, until they are gone for good.
    const groups = judgement.kind === 'gone' ? undefined : mapAttributeGroups(attributes, this.#templates)
    return { row, attributes, judgement, wanted, groups }
  }

  async #linkedUsers(rows: readonly tables.MirrorUserRow[]): Promise<ReadonlyMap<string, RegistryUser>> {
    if (!this.#hasLinked) return new Map()
    const users = await usersByObjectIds(
      this.#tx,
      this.#input.source.tenantId,
      rows.map((r) => r.object_id),
    )
    return new Map(users.flatMap((user) => (user.objectId === null ? [] : [[user.objectId, user] as const])))
  }

  async #candidates(
    inputs: readonly {
      readonly row: tables.MirrorUserRow
      readonly wanted: PairingValues | undefined
    }[],
    linked: ReadonlyMap<string, RegistryUser>,
  ): Promise<ReadonlyMap<string, readonly RegistryUser[]>> {
    if (!this.#hasPairable) return new Map()
    const { pairByObjectId: linkFirst, pairBy } = this.#settings.users.options
    const keys = inputs.flatMap((input) => {
      const key = linkFirst && linked.has(input.row.object_id) ? undefined : pairingKey(input.wanted, pairBy)
      return key === undefined ? [] : [key]
    })
    if (keys.length === 0) return new Map()
    const byKey = new Map<string, RegistryUser[]>()
    const find = pairBy === 'personalNumber' ? pairableUsersByNumber : pairableUsers
    for (const user of await find(this.#tx, keys)) {
      const key = pairingKey(user, pairBy) ?? ''
      const list = byKey.get(key)
      if (list === undefined) byKey.set(key, [user])
      else list.push(user)
    }
    return byKey
  }

  #context(settled: Settled): PlanUserContext {
    const { lookup, sealCard } = this.#input
    return {
      sourceId: this.#input.source.id,
      rank: this.#rank,
      rivals: this.#input.rivals,
      now: this.#input.now,
      settings: this.#settings,
      lookup: (space, value) => lookup(space, value).toString('hex'),
      sealCard: (value) => sealCard(value).toString('base64'),
      winnerOf: (claim) => settled.winners.get(claim) ?? 'somebody else',
    }
  }

  #claimant(
    input: { readonly row: tables.MirrorUserRow; readonly attributes: Attributes },
    result: PlannedUser,
    user: RegistryUser | undefined,
  ): Claimant {
    const created = input.attributes['createdDateTime']
    return {
      id: String(input.row.key),
      claims: result.claims,
      active: user?.active ?? false,
      holds: user?.active === true ? holdsOf(user) : new Set(),
      oldUserName: user === undefined ? undefined : canonical(user.userName),
      fixed: false,
      priority: this.#input.source.priority,
      createdDateTime: typeof created === 'string' ? created : null,
      objectId: input.row.object_id,
    }
  }

  /** Local users and those of other sources: they keep what they have. */
  async #outsiders(holders: readonly tables.Holder[]): Promise<Claimant[]> {
    const ids = [...new Set(holders.map((holder) => holder.userId))]
    const claimants: Claimant[] = []
    for (const chunk of chunks(ids)) {
      for (const user of await usersByIds(this.#tx, chunk)) {
        claimants.push({
          id: `registry:${user.id}`,
          claims: claimsHeldBy(user),
          active: user.active,
          holds: holdsOf(user),
          oldUserName: undefined,
          fixed: true,
          priority: 0,
          createdDateTime: null,
          objectId: user.objectId ?? '',
        })
      }
    }
    return claimants
  }

  async #writeItems(items: readonly ItemDraft[]): Promise<void> {
    this.#drawsPins ||= items.some((item) => item.reason === DRAWN)
    await insertPlanItems(
      this.#tx,
      items.map((item) => ({ ...item, digest: digestOf(item) })),
      { runId: this.#input.runId, firstSeq: this.#seq },
    )
    this.#seq += items.length
  }

  async #addIssues(issues: readonly Issue[]): Promise<void> {
    await insertIssues(this.#tx, issues, { sourceId: this.#input.source.id, runId: this.#input.runId })
  }

  async #fillIds(atLeast: number): Promise<void> {
    if (this.#ids.length < atLeast)
      this.#ids.push(...(await tables.takeIds(this.#tx, Math.max(atLeast - this.#ids.length, 1))).reverse())
  }

  #takeId(): number {
    const id = this.#ids.pop()
    if (id === undefined) throw new RangeError('more ids were taken than a batch has objects')
    return id
  }
}

const NO_ATTRIBUTES: Attributes = {}
const NO_GROUPS = { groupIds: [], isComplete: true } as const

function ownKeys(holders: readonly tables.Holder[]): number[] {
  return [...new Set(holders.flatMap((holder) => (holder.key === null ? [] : [holder.key])))]
}

function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < list.length; start += BATCH) yield list.slice(start, start + BATCH)
}
