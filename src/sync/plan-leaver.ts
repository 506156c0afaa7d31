// Somebody whom his source wants no more: left alone, taken over, deactivated, and deleted in the end.
import type { RegistryUser } from '../directory/user.ts'
import type { ItemDraft } from './item.ts'
import { planExisting } from './plan-existing.ts'
import type { PlanUserContext, Successor, UserInput } from './plan-person.ts'
import { rejections } from './plan-rejected.ts'
import { onTerms } from './plan-terms.ts'
import { NOTHING, type PlannedUser, skip, userItem } from './planned-user.ts'

interface Leaving {
  readonly reason: string
  readonly rule: string
  /** Disabled, not missing: deactivated at once, whatever is said about missing users. */
  readonly always: boolean
}

/** Plans somebody who is missing, out of scope or disabled. */
export function planLeaver(input: UserInput, context: PlanUserContext, leaving: Leaving): PlannedUser {
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
  if (linked.sourceId !== context.sourceId) {
    // Memberships that this source gave him beside his owner end. Of somebody of a removed source it ends its own, once he is gone.
    const isNobodys = linked.sourceId === null
    return skipped('not-owned', {
      frozen: isNobodys,
      gives: isNobodys && (leaving.reason !== 'gone' || linked.untouchable),
    })
  }
  if (linked.untouchable) return skipped('protected', { frozen: true })
  // Whoever is gone for good will not come back as the same object, so his memberships end even where he is kept.
  const frozen = leaving.reason !== 'gone'
  if (successor !== undefined) return planSuccession(input, { context, user: linked, successor })
  if (!linked.active) return planDeletion(input, { context, user: linked, leaving })
  if (linked.restoredByAdministrator) return skipped('restored-by-administrator', { frozen })
  if (!leaving.always) {
    if (!options.deactivateMissingUsers) return skipped('missing-kept', { frozen, isMissing: true })
    const since = input.missingSince ?? context.now
    if (context.now.getTime() < since.getTime() + options.graceDays * DAY_MS)
      return skipped('grace-period', { frozen, isMissing: true })
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

/** Another source's mapping applies: that is said of each change, and none is owed to new settings. */
const NOTHING_REMAPPED: ReadonlySet<string> = new Set()

interface LeaverOptions {
  readonly context: PlanUserContext
  readonly user: RegistryUser
}

/** The next source that claims him owns him from now on, without a day of being deactivated. */
function planSuccession(input: UserInput, o: LeaverOptions & { readonly successor: Successor }): PlannedUser {
  const { rank, settings } = o.successor
  const wanted = onTerms(o.successor.wanted, o.user, settings)
  const issues = rejections(input, wanted)
  const rivals = [o.context.rank, ...o.context.rivals]
  const context = { ...o.context, sourceId: rank.id, rank, rivals, settings, remapped: NOTHING_REMAPPED }
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
  if (input.isWantedElsewhere || !context.removalsAllowed) return stays
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
