// Somebody who is in the registry: linked again, adopted, taken over, back, renamed or changed.
import { canonical } from '../directory/canonical.ts'
import type { RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { ItemDraft } from './item.ts'
import { causeOf, CAUSES, HASHED_RENAME, HASHED_UPDATE, reasonOfUpdate, ruleOf, targetsOf } from './plan-cause.ts'
import { credentialsOf } from './plan-credentials.ts'
import { fieldChanges, numberKeyAfter } from './plan-fields.ts'
import { namesOf, sameNames, targetName } from './plan-names.ts'
import type { PersonOptions, PlanUserContext, UserInput } from './plan-person.ts'
import { NOTHING, type PlannedUser, skip, userItem } from './planned-user.ts'

interface ExistingOptions extends PersonOptions {
  readonly user: RegistryUser
  /** `succeed`: the source that runs drops him, and the next one takes him over. */
  readonly link: 'linked' | 'adopt' | 'take-over' | 'succeed'
}

/** Plans what has to change so that this registry user is what is wanted. */
export function planExisting(input: UserInput, { context, wanted, issues, user, link }: ExistingOptions): PlannedUser {
  const adopt = link === 'adopt'
  const takeOver = link === 'take-over' || link === 'succeed'
  if (!user.active && user.deactivatedBy === 'administrator') {
    // Who owns him still follows the claims; all else stays as it is until an administrator restores him.
    if (adopt) return adoptAsHeIs(input, { context, user })
    return takeOver
      ? { ...NOTHING, kind: 'existing', user, items: [ownerItem(input, { context, user, link })], frozen: false }
      : {
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
  const paired = adopt ? pairingClaims(input, user) : []
  if (target.impossible) {
    const isLinked = input.linked?.id === user.id
    return {
      ...NOTHING,
      kind: 'skipped',
      user: isLinked ? user : undefined,
      items: [skip(input, 'user-name-conflict', 'users.properties.userName')],
      issues,
      claims: [...paired, ...names.claims],
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
    const adoption = adoptItem(input, { context, user })
    items.push({
      ...adoption,
      groupId: changes.defaultGroupId,
      old: { ...all.old, ...adoption.old },
      new: { ...all.new, ...adoption.new },
      names: names.list,
      ...given,
    })
  }
  if (takeOver) {
    const owner = ownerItem(input, { context, user, link })
    items.push({
      ...owner,
      groupId: changes.defaultGroupId,
      old: { ...all.old, ...owner.old },
      new: { ...all.new, ...owner.new },
      names: namesChanged ? names.list : null,
      ...given,
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
        rule: HASHED_RENAME.rule,
        reason: causeOf(['userName'], context.remapped),
        hashedAs: HASHED_RENAME,
      })
    }
    const aliasUpdate = aliasesChanged && !rename
    const isChanged = Object.keys(changes.new).length > 0 || changes.givenEmails !== undefined
    if (isChanged || aliasUpdate || (namesChanged && !rename && !reactivate)) {
      const values = {
        old: { ...changes.old, ...(aliasUpdate ? { aliases: aliasesBefore } : {}) },
        new: { ...changes.new, ...(aliasUpdate ? { aliases: aliasesAfter } : {}) },
      }
      items.push({
        ...base,
        groupId: changes.defaultGroupId,
        action: 'update',
        ...values,
        names: namesChanged ? names.list : null,
        ...given,
        ...whyUpdated(input, { context, user, ...values, givesEmails: changes.givenEmails !== undefined }),
        hashedAs: HASHED_UPDATE,
      })
    }
  }
  const cause = takeOver ? ownerReason(link) : undefined
  const credentials = credentialsOf(input, {
    context,
    wanted,
    issues,
    user,
    cause,
    userId: user.id,
    name: target.userName,
  })
  return {
    ...NOTHING,
    kind: adopt ? 'adopted' : 'existing',
    user: { id: user.id, active: user.active || reactivate },
    items: [...(adopt ? objectIdMoved(input, { user, context }) : []), ...items, ...credentials.items],
    issues,
    claims: [...paired, ...names.claims, ...changes.claims, ...credentials.claims],
    frozen: false,
  }
}

type OfRecord = Pick<ExistingOptions, 'context' | 'user'>

/** He is linked, and nothing else changes: he holds nothing that somebody else could have to do without. */
function adoptAsHeIs(input: UserInput, o: OfRecord): PlannedUser {
  const { user } = o
  return {
    ...NOTHING,
    kind: 'adopted',
    user: { id: user.id, active: false },
    items: [...objectIdMoved(input, o), adoptItem(input, o)],
    claims: pairingClaims(input, user),
    frozen: false,
  }
}

/** Nobody else may be paired with the record that was found for him. */
function pairingClaims(input: UserInput, user: RegistryUser): readonly Claim[] {
  return input.linked?.id === user.id ? [] : [{ space: 'record', key: String(user.id), rank: 'value' }]
}

function adoptItem(input: UserInput, { context, user }: OfRecord): ItemDraft {
  const isPaired = user.objectId === null
  return {
    ...userItem(input, user),
    action: 'adopt',
    old: { objectId: user.objectId },
    new: { objectId: input.objectId },
    rule: isPaired ? 'users.options.pairBy' : 'users.options.pairByObjectId',
    reason: isPaired ? PAIRED[context.settings.users.options.pairBy] : 'linked-again',
  }
}

/** Another source owns him from now on, and nothing else changes. */
function ownerItem(input: UserInput, o: Pick<ExistingOptions, 'context' | 'user' | 'link'>): ItemDraft {
  return {
    ...userItem(input, o.user),
    action: 'take over',
    old: { source: sourceName(o.context, o.user.sourceId) },
    new: { source: o.context.rank.name },
    rule: 'priority',
    reason: ownerReason(o.link),
  }
}

function ownerReason(link: ExistingOptions['link']): string {
  return link === 'succeed' ? 'dropped-by-owner' : 'comes-before-owner'
}

interface Updated extends OfRecord {
  readonly old: Readonly<Record<string, unknown>>
  readonly new: Readonly<Record<string, unknown>>
  readonly givesEmails: boolean
}

/** By which setting, and why. */
function whyUpdated(input: UserInput, o: Updated): Pick<ItemDraft, 'rule' | 'reason'> {
  const { user } = o
  const changed = targetsOf(o.new)
  // Who gave them may change where what people see does not.
  const targets = changed.length > 0 ? changed : [o.givesEmails ? 'alternateEmails' : 'aliases']
  const name = (value: unknown) => user.names.find(({ kind, value: known }) => kind === 'a' && known === value)
  const reason = reasonOfUpdate({
    old: o.old,
    new: o.new,
    targets,
    remapped: o.context.remapped,
    isDenied: (target, value) =>
      input.denied.has(`${target === 'aliases' ? 'name' : 'number'}:${canonical(String(value))}`),
    isKept: (value) => name(value)?.origin === 'k',
    isParked: (target, value) =>
      target === 'aliases' ? name(value)?.held === false : value === user.personalNumber && !user.holdsNumber,
  })
  return { rule: reason === CAUSES.yielded ? 'users.options.keepOldUserName' : ruleOf(targets), reason }
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

/** Pair by Object ID is off and another record was found: the record that had the object id becomes missing. */
function objectIdMoved(input: UserInput, { user, context }: OfRecord): readonly ItemDraft[] {
  const old = input.linked
  if (old === undefined || old.id === user.id) return []
  const deactivate = old.active && context.settings.users.options.deactivateMissingUsers
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
