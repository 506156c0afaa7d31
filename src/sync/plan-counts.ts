// Counts of a stored plan as the safeguard looks at them, of what runs do and of what is taken back alike.
import { SAFEGUARD_FLOORS, type SafeguardLimits } from '../contract/sources.ts'
import type { Queries } from '../database/connect.ts'
import { TEXT_FIELDS } from '../directory/user.ts'
import * as figures from '../registry/plan-figures.ts'
import { FIELD_COLUMNS } from '../registry/users.ts'
import { limitOf, type PlanFigures, REWRITTEN, type Spent } from './safeguard.ts'

/** Groups of so many members may not lose all of them unapproved. */
const LARGE_GROUP = 50

/** What the document of a run counts already. */
interface Removals {
  readonly users: { readonly deactivated: number; readonly deleted: number }
  readonly groups: { readonly deleted: number }
  readonly memberships: { readonly removed: number }
  readonly credentials: { readonly removed: number }
}

/** What a stored plan does, in the safeguard's numbers, and what there was before. */
export async function figuresOf(
  db: Queries,
  plan: {
    readonly runId: number
    readonly sourceId: number
    readonly limits: SafeguardLimits | null
    readonly summary: Removals
    readonly adoptions: number
    readonly spent: Spent
    /** Selected groups (object ids) that lose everybody. */
    readonly emptied: readonly string[]
  },
): Promise<{ readonly figures: PlanFigures; readonly own: Spent }> {
  const { runId, sourceId, limits, summary, spent } = plan
  const usersRemoved = summary.users.deactivated + summary.users.deleted
  const fields = await figures.countFieldChanges(db, runId)
  const credentialRewrites = await figures.countCredentialRewrites(db, runId)
  const rewritten = (field: string) => fields.get(field)?.rewritten ?? 0
  const rewrites = {
    userName: rewritten('userName'),
    card: credentialRewrites.card,
    pin: credentialRewrites.pin,
    personalNumber: rewritten('personalNumber'),
    email: rewritten('email'),
  }
  // What there was before is counted only where the least limit is passed.
  const enoughFor = (least: number, limit: Limit | undefined, counts: readonly number[]) =>
    limit === undefined || counts.every((n) => n <= limitOf(least, limit, 0)) ? 0 : enoughOf(limit)
  const before = await figures.countBefore(db, sourceId, {
    users: Math.max(
      enoughFor(SAFEGUARD_FLOORS.removals, limits?.removals, [usersRemoved + spent.usersRemoved]),
      enoughFor(
        SAFEGUARD_FLOORS.rewrites,
        limits?.rewrites,
        REWRITTEN.map((kind) => rewrites[kind] + spent.rewrites[kind]),
      ),
    ),
    groups: enoughFor(SAFEGUARD_FLOORS.removals, limits?.removals, [summary.groups.deleted + spent.groupsDeleted]),
    memberships: enoughFor(SAFEGUARD_FLOORS.memberships, limits?.memberships, [
      summary.memberships.removed + spent.membershipsRemoved,
    ]),
    credentials: enoughFor(SAFEGUARD_FLOORS.credentials, limits?.credentials, [
      summary.credentials.removed + spent.credentialsRemoved,
    ]),
  })
  const losing = [...fields].filter(([, c]) => c.cleared > 0)
  const cleared = losing.filter(([field, c]) => c.cleared + (spent.cleared[field] ?? 0) > 10)
  const use = await figures.countFieldUse(db, sourceId, new Map(cleared.flatMap(([field]) => usedExpression(field))))
  const own: Spent = {
    usersRemoved,
    groupsDeleted: summary.groups.deleted,
    membershipsRemoved: summary.memberships.removed,
    credentialsRemoved: summary.credentials.removed,
    rewrites,
    cleared: Object.fromEntries(losing.map(([field, c]) => [field, c.cleared])),
  }
  const planFigures: PlanFigures = {
    usersRemoved,
    usersBefore: before.users,
    groupsDeleted: summary.groups.deleted,
    groupsBefore: before.groups,
    membershipsRemoved: summary.memberships.removed,
    membershipsBefore: before.memberships,
    credentialsRemoved: summary.credentials.removed,
    credentialsBefore: before.credentials,
    rewrites,
    cleared: new Map(cleared.map(([field, c]) => [field, { count: c.cleared, before: use.get(field) ?? 0 }])),
    groupsEmptied: plan.emptied.length + (await countEmptied(db, plan)),
    adoptions: plan.adoptions,
  }
  return { figures: planFigures, own }
}

/** Large groups that lose everybody; selected ones are counted already. */
async function countEmptied(
  db: Queries,
  plan: {
    readonly runId: number
    readonly sourceId: number
    readonly summary: Removals
    readonly emptied: readonly string[]
  },
): Promise<number> {
  if (plan.summary.memberships.removed === 0) return 0
  const { runId, sourceId, emptied } = plan
  return figures.countEmptiedGroups(db, { runId, sourceId, size: LARGE_GROUP, except: emptied })
}

type Limit = Parameters<typeof limitOf>[1]

/** So many objects give the limit its highest value; more of them change nothing. */
function enoughOf(limit: Limit): number {
  return limit.percent === 0 ? 0 : Math.ceil((limit.count * 100) / limit.percent)
}

/** SQL that tells whether a user has the field; only for names that Muster knows. */
function usedExpression(field: string): [string, string][] {
  for (const known of TEXT_FIELDS) if (known === field) return [[field, `${FIELD_COLUMNS[known]} is not null`]]
  if (field === 'defaultGroup') return [[field, 'default_group_id is not null']]
  if (field === 'personalNumber') return [[field, 'personal_number is not null']]
  if (field === 'alternateEmails') return [[field, `alternate_emails <> '{}'`]]
  if (field === 'aliases')
    return [[field, `exists (select from user_names n where n.user_id = users.id and n.kind = 'a')`]]
  const own = /^own\.([A-Za-z]\w{0,62})$/.exec(field)?.[1]
  return own === undefined ? [] : [[field, `own ? '${own}'`]]
}
