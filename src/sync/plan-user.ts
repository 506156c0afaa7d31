// What has to change so that the registry has one person right. Pure: no clock, no database, nothing that can wait.
import type { RegistryUser } from '../directory/user.ts'
import type { Judgement } from './judge.ts'
import { match } from './match.ts'
import { planExisting } from './plan-existing.ts'
import { planLeaver } from './plan-leaver.ts'
import { planNew } from './plan-new.ts'
import { issue, type PlanUserContext, type UserInput } from './plan-person.ts'
import { rejections } from './plan-rejected.ts'
import { onTerms } from './plan-terms.ts'
import { NOTHING, type PlannedUser, skip } from './planned-user.ts'

/** Plans one person of a source. Deterministic; the same input gives the same items. */
export function planUser(input: UserInput, context: PlanUserContext): PlannedUser {
  const { judgement } = input
  switch (judgement.kind) {
    case 'wanted':
      return planWanted(input, context)
    case 'frozen':
      return frozenAs(input, judgement.why)
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

function frozenAs(input: UserInput, why: (Judgement & { kind: 'frozen' })['why']): PlannedUser {
  return { ...NOTHING, kind: 'skipped', user: input.linked, frozen: true, items: [skip(input, why, 'sync')] }
}

function isMove({ linked }: UserInput, found: RegistryUser): boolean {
  return linked !== undefined && linked.id !== found.id
}

function planWanted(input: UserInput, context: PlanUserContext): PlannedUser {
  if (input.wanted === undefined) throw new TypeError('a wanted user needs a mapping')
  const { sourceId, rank, rivals } = context
  const matched = match(input, { sourceId, rank, rivals, options: context.settings.users.options })
  const user = 'user' in matched ? matched.user : undefined
  // The object id would go on to another record, and the one that he has be missing.
  if (matched.kind === 'adopt' && isMove(input, matched.user) && !context.removalsAllowed)
    return frozenAs(input, 'listing-incomplete')
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
