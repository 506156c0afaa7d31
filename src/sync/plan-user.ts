// What has to change so that the registry has one person right. Pure: no clock, no database, nothing that can wait.
import type { Issue, IssueCode } from '../contract/runs.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { ItemDraft } from './item.ts'
import { match } from './match.ts'
import { credentialsOf } from './plan-credentials.ts'
import { defaultGroupOfNew } from './plan-default-group.ts'
import { emailsOf, fieldChanges, numberKeyAfter, personalNumber } from './plan-fields.ts'
import { namesOf, sameNames, targetName } from './plan-names.ts'
import type { RejectedValue } from './map/users.ts'
import { issue, type PersonOptions, type PlanUserContext, type Successor, type UserInput } from './plan-person.ts'
import { onTerms, type TakenUser } from './plan-terms.ts'

export interface PlannedUser {
  readonly kind: 'created' | 'adopted' | 'existing' | 'skipped'
  /** The registry user that the object is, or will be, linked to. */
  readonly user: { readonly id: number; readonly active: boolean } | undefined
  readonly items: readonly ItemDraft[]
  readonly issues: readonly Issue[]
  readonly claims: readonly Claim[]
  /** No membership of this user may change. */
  readonly frozen: boolean
  /** False: whatever memberships the source gave him, it gives them no more. */
  readonly gives: boolean
  /** The source misses him, and he is active still. */
  readonly isMissing: boolean
}

const NOTHING = { items: [], issues: [], claims: [], gives: true, isMissing: false } as const

/** Plans one person of a source. Deterministic; the same input gives the same items. */
export function planUser(input: UserInput, context: PlanUserContext): PlannedUser {
  const { judgement } = input
  switch (judgement.kind) {
    case 'wanted':
      return planWanted(input, context)
    case 'frozen':
      return {
        ...NOTHING,
        kind: 'skipped',
        user: input.linked,
        frozen: true,
        items: [skip(input, judgement.why, 'sync')],
      }
    case 'disabled':
      return planLeaver(input, context, { reason: 'disabled', rule: 'users.disabledAccounts', always: true })
    case 'soft-deleted':
    case 'gone':
      return planLeaver(input, context, {
        reason: judgement.kind,
        rule: 'users.options.deactivateMissingUsers',
        always: false,
      })
    case 'out-of-scope':
      return planLeaver(input, context, { reason: 'out-of-scope', rule: judgement.rule, always: false })
  }
}

interface Leaving {
  readonly reason: string
  readonly rule: string
  /** Disabled, not missing: deactivated at once, whatever is said about missing users. */
  readonly always: boolean
}

function planLeaver(input: UserInput, context: PlanUserContext, leaving: Leaving): PlannedUser {
  const { linked, successor } = input
  const { options } = context.settings.users
  const skipped = (reason: string, more: { readonly frozen: boolean } & Partial<PlannedUser>): PlannedUser => ({
    ...NOTHING,
    kind: 'skipped',
    user: linked,
    items: [skip(input, reason, leaving.rule)],
    ...more,
  })
  if (linked === undefined) return skipped(leaving.reason, { frozen: true })
  // Memberships that this source gave him beside his owner end.
  if (linked.sourceId !== context.sourceId)
    return skipped('not-owned', { frozen: linked.sourceId === null, gives: linked.sourceId === null })
  if (linked.untouchable) return skipped('protected', { frozen: true })
  if (successor !== undefined) return planSuccession(input, { context, user: linked, successor })
  if (!linked.active) return planDeletion(input, { context, user: linked, leaving })
  if (linked.restoredByAdministrator) return skipped('restored-by-administrator', { frozen: true })
  if (!leaving.always) {
    if (!options.deactivateMissingUsers) return skipped('missing-kept', { frozen: true, isMissing: true })
    const since = input.missingSince ?? context.now
    if (context.now.getTime() < since.getTime() + options.graceDays * DAY_MS)
      return skipped('grace-period', { frozen: true, isMissing: true })
  }
  const item: ItemDraft = {
    ...userItem(input, linked),
    action: 'deactivate',
    old: { active: true },
    new: { active: false },
    rule: leaving.rule,
    reason: leaving.reason,
  }
  return {
    ...NOTHING,
    kind: 'existing',
    user: { id: linked.id, active: false },
    items: [item],
    frozen: false,
    // Until the plan is applied: one that is only shown, or held, gives him no new days.
    isMissing: !leaving.always,
  }
}

const DAY_MS = 86_400_000

interface LeaverOptions {
  readonly context: PlanUserContext
  readonly user: RegistryUser
}

/** The next source that claims him owns him from now on, without a day of being deactivated. */
function planSuccession(input: UserInput, o: LeaverOptions & { readonly successor: Successor }): PlannedUser {
  const { rank, settings } = o.successor
  const wanted = onTerms(o.successor.wanted, o.user, settings)
  const issues = rejections(input, wanted)
  const context = { ...o.context, sourceId: rank.id, rank, settings }
  // His default group too is the next source's to say, and it has not been asked for his groups.
  const dropped = { ...input, attributeGroups: undefined }
  const planned = planExisting(dropped, { context, wanted, issues, user: o.user, link: 'succeed' })
  // The memberships that the next source gives it has given all the time.
  return { ...planned, gives: false }
}

/** Deactivated, and stays so: deleted once the time for that has come. */
function planDeletion(input: UserInput, o: LeaverOptions & { readonly leaving: Leaving }): PlannedUser {
  const { context, user } = o
  const { deleteAfterDays } = context.settings.users.options
  const stays: PlannedUser = { ...NOTHING, kind: 'existing', user, frozen: false }
  if (deleteAfterDays === 'never' || user.deactivatedBy !== 'source' || user.deactivatedAt === null) return stays
  if (context.now.getTime() < user.deactivatedAt.getTime() + deleteAfterDays * DAY_MS) return stays
  const item: ItemDraft = {
    ...userItem(input, user),
    action: 'delete',
    old: {
      userName: user.userName,
      fullName: user.fields.fullName,
      deactivatedAt: user.deactivatedAt.toISOString(),
    },
    new: null,
    rule: 'users.options.deleteAfterDays',
    reason: o.leaving.reason,
  }
  return { ...stays, items: [item], frozen: true }
}

function planWanted(input: UserInput, context: PlanUserContext): PlannedUser {
  if (input.wanted === undefined) throw new TypeError('a wanted user needs a mapping')
  const { sourceId, rank, rivals } = context
  const matched = match(input, { sourceId, rank, rivals, options: context.settings.users.options })
  const user = 'user' in matched ? matched.user : undefined
  const wanted = onTerms(input.wanted, user, context.settings)
  const issues = rejections(input, wanted)
  switch (matched.kind) {
    case 'skip':
      return {
        ...NOTHING,
        kind: 'skipped',
        user: input.linked,
        items: [skip(input, matched.reason, matched.rule)],
        issues: matched.issue === undefined ? issues : [...issues, issue(input, matched.issue, matched.message)],
        // A membership exists while any source gives it.
        frozen: matched.reason !== 'owned-by-source',
      }
    case 'create':
      return planNew(input, { context, wanted, issues })
    case 'linked':
    case 'adopt':
    case 'take-over':
      return planExisting(input, { context, wanted, issues, user: matched.user, link: matched.kind })
  }
}

function rejections(input: UserInput, wanted: TakenUser): Issue[] {
  return wanted.rejected.map((r) => issue(input, r.code, rejectionText(r, 'the field stays as it is')))
}

function rejectionText(rejected: RejectedValue, consequence: string): string {
  return rejected.code === 'expression-failed'
    ? `The expression for ${rejected.target} could not be worked out (${rejected.problem}); ${consequence}. Change the expression, or the attributes in Entra.`
    : `A value for ${rejected.target} ${rejected.problem}; ${consequence}. Correct it in Entra or map another attribute.`
}

function planNew(input: UserInput, { context, wanted, issues }: PersonOptions): PlannedUser {
  const notImported = (reason: string, code: IssueCode, message: string, claims: readonly Claim[]): PlannedUser => ({
    ...NOTHING,
    kind: 'skipped',
    user: undefined,
    items: [skip(input, reason, 'users.properties.userName')],
    issues: [issue(input, code, message)],
    claims,
    frozen: true,
  })
  if (wanted.userName === null) {
    const refused = wanted.rejected.find((r) => r.target === 'userName')
    if (refused !== undefined) {
      return notImported(refused.code, refused.code, rejectionText(refused, 'the user is not imported'), [])
    }
    return notImported(
      'user-name-empty',
      'user-name-empty',
      'The attribute mapped to the user name is empty; the user is not imported. Fill it in Entra or map another attribute.',
      [],
    )
  }
  const key = canonical(wanted.userName)
  const names = namesOf(input, { context, wanted, userName: wanted.userName, user: undefined, issues })
  if (input.denied.has(`name:${key}`)) {
    return notImported(
      'user-name-conflict',
      'user-name-conflict',
      `The user name ${JSON.stringify(wanted.userName)} belongs to ${context.winnerOf(`name:${key}`)}; the user is not imported. Change one of the two names in Entra.`,
      names.claims,
    )
  }
  const id = input.newId()
  const after: Record<string, unknown> = { userName: wanted.userName }
  for (const [field, value] of wanted.fields) if (value !== null) after[field] = value
  const number = personalNumber(input, { context, wanted, issues })
  if (number.value !== undefined && number.value !== null) after['personalNumber'] = number.value
  const aliases = names.list.filter((n) => n.kind === 'a').map((n) => n.value)
  if (aliases.length > 0) after['aliases'] = aliases
  const emails = emailsOf(wanted.alternateEmails, undefined)
  if (emails.list.length > 0) after['alternateEmails'] = emails.list
  const own = Object.fromEntries([...wanted.own].filter(([, value]) => value !== null))
  if (Object.keys(own).length > 0) after['own'] = own
  const defaultGroup = defaultGroupOfNew(input)
  if (defaultGroup !== undefined) after['defaultGroup'] = defaultGroup.path
  const item: ItemDraft = {
    object: 'user',
    action: 'create',
    userId: id,
    groupId: defaultGroup?.id ?? null,
    objectId: input.objectId,
    name: wanted.userName,
    old: null,
    new: after,
    names: names.list,
    rule: 'users.options.addNewUsers',
    reason: 'new-in-entra',
    sawVersion: null,
    ...(emails.given.length > 0 ? { givenEmails: emails.given } : {}),
  }
  const credentials = credentialsOf(input, {
    context,
    wanted,
    issues,
    user: undefined,
    userId: id,
    name: wanted.userName,
  })
  return {
    ...NOTHING,
    kind: 'created',
    user: { id, active: true },
    items: [item, ...credentials.items],
    issues,
    claims: [...names.claims, ...number.claims, ...credentials.claims],
    frozen: false,
  }
}

interface ExistingOptions extends PersonOptions {
  readonly user: RegistryUser
  /** `succeed`: the source that runs drops him, and the next one takes him over. */
  readonly link: 'linked' | 'adopt' | 'take-over' | 'succeed'
}

function planExisting(input: UserInput, { context, wanted, issues, user, link }: ExistingOptions): PlannedUser {
  const adopt = link === 'adopt'
  const takeOver = link === 'take-over' || link === 'succeed'
  if (!user.active && user.deactivatedBy === 'administrator' && !adopt) {
    return {
      ...NOTHING,
      kind: 'skipped',
      user,
      frozen: false,
      items: [skip(input, 'deactivated-by-administrator', 'administrator')],
    }
  }
  const reactivate = !user.active && user.deactivatedBy !== 'administrator'
  const target = targetName(input, { context, wanted, user, issues })
  const names = namesOf(input, { context, wanted, userName: target.userName, user, issues })
  const isOthers = adopt && foundByNumber(input, user, context) && input.denied.has(numberClaim(user))
  if (target.impossible || isOthers) {
    // Two who are paired with one record: it belongs to the other one.
    const isLinked = input.linked?.id === user.id
    if (!target.impossible) issues.push(pairedWithOther(input, user, context))
    return {
      ...NOTHING,
      kind: 'skipped',
      user: isLinked ? user : undefined,
      items: [
        target.impossible
          ? skip(input, 'user-name-conflict', 'users.properties.userName')
          : skip(input, 'personal-number-conflict', 'users.options.pairBy'),
      ],
      issues,
      claims: names.claims,
      frozen: !isLinked,
    }
  }
  const items: ItemDraft[] = []
  const base = userItem(input, user)
  const changes = fieldChanges(input, { context, wanted, user, issues })
  const given = changes.givenEmails === undefined ? {} : { givenEmails: changes.givenEmails }
  const namesChanged = !sameNames(names.list, user.names) || reactivate
  const rename = target.userName !== user.userName
  const aliasesBefore = user.names.filter((n) => n.kind === 'a' && (n.held || !user.active)).map((n) => n.value)
  const aliasesAfter = names.list.filter((n) => n.kind === 'a' && n.held).map((n) => n.value)
  // The registry keeps names in no order, so that order is no change.
  const aliasesChanged = aliasesBefore.toSorted().join('\0') !== aliasesAfter.toSorted().join('\0')
  const all = {
    old: {
      ...changes.old,
      ...(rename ? { userName: user.userName } : {}),
      ...(aliasesChanged ? { aliases: aliasesBefore } : {}),
    },
    new: {
      ...changes.new,
      ...(rename ? { userName: target.userName } : {}),
      ...(aliasesChanged ? { aliases: aliasesAfter } : {}),
    },
  }
  if (adopt) {
    items.push({
      ...base,
      groupId: changes.defaultGroupId,
      action: 'adopt',
      old: { ...all.old, objectId: user.objectId },
      new: { ...all.new, objectId: input.objectId },
      names: names.list,
      ...given,
      rule: user.objectId === null ? 'users.options.pairBy' : 'users.options.pairByObjectId',
      reason: user.objectId === null ? PAIRED[context.settings.users.options.pairBy] : 'linked-again',
    })
  }
  if (takeOver) {
    items.push({
      ...base,
      groupId: changes.defaultGroupId,
      action: 'take over',
      old: { ...all.old, source: sourceName(context, user.sourceId) },
      new: { ...all.new, source: context.rank.name },
      names: namesChanged ? names.list : null,
      ...given,
      rule: 'priority',
      reason: link === 'succeed' ? 'dropped-by-owner' : 'comes-before-owner',
    })
  }
  if (reactivate) {
    items.push({
      ...base,
      action: 'reactivate',
      old: { active: false },
      new: { active: true },
      names: names.list,
      rule: 'users.import',
      reason: 'wanted-again',
      numberKey: numberKeyAfter(input, user, changes.new),
    })
  }
  if (!adopt && !takeOver) {
    if (rename) {
      items.push({
        ...base,
        action: 'rename',
        old: { userName: user.userName, ...(aliasesChanged ? { aliases: aliasesBefore } : {}) },
        new: { userName: target.userName, ...(aliasesChanged ? { aliases: aliasesAfter } : {}) },
        names: names.list,
        rule: 'users.properties.userName',
        reason: 'changed-in-entra',
      })
    }
    const aliasUpdate = aliasesChanged && !rename
    const isChanged = Object.keys(changes.new).length > 0 || changes.givenEmails !== undefined
    if (isChanged || aliasUpdate || (namesChanged && !rename && !reactivate)) {
      items.push({
        ...base,
        groupId: changes.defaultGroupId,
        action: 'update',
        old: { ...changes.old, ...(aliasUpdate ? { aliases: aliasesBefore } : {}) },
        new: { ...changes.new, ...(aliasUpdate ? { aliases: aliasesAfter } : {}) },
        names: namesChanged ? names.list : null,
        ...given,
        rule: 'users.properties',
        reason: 'changed-in-entra',
      })
    }
  }
  const credentials = credentialsOf(input, { context, wanted, issues, user, userId: user.id, name: target.userName })
  const moved =
    adopt && input.linked !== undefined && input.linked.id !== user.id
      ? [objectIdMoved(input, input.linked, context)]
      : []
  return {
    ...NOTHING,
    kind: adopt ? 'adopted' : 'existing',
    user: { id: user.id, active: user.active || reactivate },
    items: [...moved.flat(), ...items, ...credentials.items],
    issues,
    claims: [...names.claims, ...changes.claims, ...credentials.claims],
    frozen: false,
  }
}

/** The name of the source that had him; null when it was removed, or serves another tenant now. */
function sourceName(context: PlanUserContext, sourceId: number | null): string | null {
  return [context.rank, ...context.rivals].find((source) => source.id === sourceId)?.name ?? null
}

/** The reason of an adoption, by the key that found the record. */
const PAIRED = {
  userName: 'paired-by-user-name',
  personalNumber: 'paired-by-personal-number',
  // A record without object id is found by a key only.
  none: 'paired',
} as const

function foundByNumber(input: UserInput, user: RegistryUser, context: PlanUserContext): boolean {
  return (
    context.settings.users.options.pairBy === 'personalNumber' && user.objectId === null && input.linked?.id !== user.id
  )
}

function numberClaim(user: RegistryUser): string {
  return `number:${canonical(user.personalNumber ?? '')}`
}

function pairedWithOther(input: UserInput, user: RegistryUser, context: PlanUserContext): Issue {
  const [number, winner] = [JSON.stringify(user.personalNumber), context.winnerOf(numberClaim(user))]
  return issue(
    input,
    'personal-number-conflict',
    `The personal number ${number}, by which users are paired, belongs to ${winner}; the user is not imported. Correct one of the two in Entra.`,
  )
}

/** Pair by Object ID is off and another record was found: the record that had the object id becomes missing. */
function objectIdMoved(input: UserInput, old: RegistryUser, context: PlanUserContext): readonly ItemDraft[] {
  const deactivate = old.active && !old.untouchable && context.settings.users.options.deactivateMissingUsers
  return [
    {
      ...userItem(input, old),
      action: deactivate ? 'deactivate' : 'update',
      objectId: input.objectId,
      old: { objectId: old.objectId, ...(deactivate ? { active: true } : {}) },
      new: { objectId: null, ...(deactivate ? { active: false } : {}) },
      rule: 'users.options.pairByObjectId',
      reason: 'object-id-moved',
    },
  ]
}

function userItem(
  input: UserInput,
  user: RegistryUser,
): Pick<ItemDraft, 'object' | 'userId' | 'groupId' | 'objectId' | 'name' | 'names' | 'sawVersion'> {
  return {
    object: 'user',
    userId: user.id,
    groupId: null,
    objectId: input.objectId,
    name: user.userName,
    names: null,
    sawVersion: user.version,
  }
}

function skip(input: UserInput, reason: string, rule: string): ItemDraft {
  return {
    object: 'user',
    action: 'skip',
    userId: input.linked?.id ?? null,
    groupId: null,
    objectId: input.objectId,
    name: input.linked?.userName ?? input.wanted?.userName ?? null,
    old: null,
    new: null,
    names: null,
    rule,
    reason,
    sawVersion: null,
  }
}
