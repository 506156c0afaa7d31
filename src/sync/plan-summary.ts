// Counts a stored plan, judges it by the safeguard and gives it its hash.
import { createHash } from 'node:crypto'
import type { RunDocument } from '../contract/runs.ts'
import type { Queries } from '../database/connect.ts'
import { TEXT_FIELDS } from '../directory/user.ts'
import * as figures from '../registry/plan-figures.ts'
import { emptiedScopeGroups } from '../registry/scope-groups.ts'
import { countRedone } from '../registry/reverted.ts'
import { FIELD_COLUMNS } from '../registry/users.ts'
import type { MadePlan, PlanInput, PlanSummary } from './plan-input.ts'
import { scopeGroupsOf } from './scope.ts'
import { addSpent, holdReasons, limitOf, NOTHING_SPENT, type PlanFigures, REWRITTEN, type Spent } from './safeguard.ts'

/** Groups of so many members may not lose all of them unapproved. */
const LARGE_GROUP = 50

/** Sums up the plan that the tables of this transaction hold. */
export async function summarize(db: Queries, input: PlanInput): Promise<MadePlan> {
  const items = await figures.countItems(db, input.runId)
  const count = (object: string, action: string) =>
    items.find((i) => i.object === object && i.action === action)?.count ?? 0
  const planned = await figures.countPlannedUsers(db, input.runId)
  const plannedGroups = await countPlannedGroups(db)
  const memberships = await figures.countPlanMemberships(db, input.runId)
  const credentials = { added: count('credential', 'add'), removed: count('credential', 'remove') }
  const users = {
    created: count('user', 'create'),
    adopted: count('user', 'adopt'),
    takenOver: count('user', 'take over'),
    updated: count('user', 'update'),
    renamed: count('user', 'rename'),
    deactivated: count('user', 'deactivate'),
    reactivated: count('user', 'reactivate'),
    deleted: count('user', 'delete'),
    unchanged: planned.existing - planned.changed,
    skipped: count('user', 'skip'),
  }
  const groupChanges = count('group', 'create') + count('group', 'rename') + count('group', 'move')
  const groups = {
    created: count('group', 'create'),
    renamed: count('group', 'rename'),
    deleted: count('group', 'delete'),
    unchanged: plannedGroups.wanted - groupChanges,
    ignored: plannedGroups.ignored,
  }
  const summary: PlanSummary = { users, groups, memberships, credentials }
  const digest = await figures.digestOfPlan(db, input.runId)
  const hash = createHash('sha256')
    .update(`muster-plan:1:${input.source.settingsVersion}:`)
    .update(digest)
    .digest('hex')
  const isEmpty = items.every((item) => item.action === 'skip')
  if (isEmpty && !input.noUsersWhereSome)
    return { ...summary, hash, isEmpty, held: [], spent: NOTHING_SPENT, emptiedScopeGroups: [] }
  const recent = await figures.spentLately(db, input.source.id)
  const spent = recent.reduce(addSpent, NOTHING_SPENT)
  const scopeGroups = scopeGroupsOf(input.source.settings)
  const emptied = await emptiedScopeGroups(db, {
    runId: input.runId,
    sourceId: input.source.id,
    objectIds: scopeGroups,
  })
  const counted = await figuresOf(db, { input, summary, adoptions: users.adopted, spent, emptied })
  const limits = input.source.settings.safeguard
  const held = holdReasons(counted.figures, { limits, always: await always(db, input), spent })
  return { ...summary, hash, isEmpty, held, spent: counted.own, emptiedScopeGroups: emptied }
}

/** The counts of a plan as it was applied, without what was left out. */
export async function countsOf(
  db: Queries,
  runId: number,
  document: RunDocument,
): Promise<Pick<RunDocument, 'users' | 'groups' | 'credentials' | 'memberships'>> {
  const items = await figures.countItems(db, runId)
  const count = (object: string, action: string) =>
    items.find((i) => i.object === object && i.action === action)?.count ?? 0
  return {
    users: {
      ...document.users,
      created: count('user', 'create'),
      adopted: count('user', 'adopt'),
      takenOver: count('user', 'take over'),
      updated: count('user', 'update'),
      renamed: count('user', 'rename'),
      deactivated: count('user', 'deactivate'),
      reactivated: count('user', 'reactivate'),
      deleted: count('user', 'delete'),
    },
    groups: {
      ...document.groups,
      created: count('group', 'create'),
      renamed: count('group', 'rename'),
      deleted: count('group', 'delete'),
    },
    credentials: { added: count('credential', 'add'), removed: count('credential', 'remove') },
    memberships: await figures.countAppliedMemberships(db, runId),
  }
}

async function always(db: Queries, input: PlanInput) {
  const usersKnown = input.noUsersWhereSome ? await figures.countUsersBefore(db, input.source.id) : 0
  return {
    noUsersWhereSome: usersKnown > 0,
    usersKnown,
    connectionChanged: input.connectionChanged,
    upgraded: input.upgraded,
    clearedEverywhere: input.clearedEverywhere,
    adoptions: input.source.settings.adoptions,
    reverted: await countRedone(db, { runId: input.runId, sourceId: input.source.id }),
  }
}

async function figuresOf(
  db: Queries,
  plan: {
    readonly input: PlanInput
    readonly summary: PlanSummary
    readonly adoptions: number
    readonly spent: Spent
    /** Selected groups. */
    readonly emptied: readonly string[]
  },
): Promise<{ readonly figures: PlanFigures; readonly own: Spent }> {
  const { input, summary, spent } = plan
  const sourceId = input.source.id
  const limits = input.source.settings.safeguard
  const usersRemoved = summary.users.deactivated + summary.users.deleted
  const fields = await figures.countFieldChanges(db, input.runId)
  const credentialRewrites = await figures.countCredentialRewrites(db, input.runId)
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
      enoughFor(5, limits?.removals, [usersRemoved + spent.usersRemoved]),
      enoughFor(
        10,
        limits?.rewrites,
        REWRITTEN.map((kind) => rewrites[kind] + spent.rewrites[kind]),
      ),
    ),
    groups: enoughFor(5, limits?.removals, [summary.groups.deleted + spent.groupsDeleted]),
    memberships: enoughFor(100, limits?.memberships, [summary.memberships.removed + spent.membershipsRemoved]),
    credentials: enoughFor(10, limits?.credentials, [summary.credentials.removed + spent.credentialsRemoved]),
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
  plan: { readonly input: PlanInput; readonly summary: PlanSummary; readonly emptied: readonly string[] },
): Promise<number> {
  if (plan.summary.memberships.removed === 0) return 0
  const { runId, source } = plan.input
  return figures.countEmptiedGroups(db, { runId, sourceId: source.id, size: LARGE_GROUP, except: plan.emptied })
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

async function countPlannedGroups(db: Queries): Promise<{ wanted: number; ignored: number }> {
  const found = await db.query<{ wanted: number; ignored: number }>(
    'select count(*) filter (where wanted) as wanted, count(*) filter (where not wanted) as ignored from planned_groups where planned',
  )
  return found.rows[0] ?? { wanted: 0, ignored: 0 }
}
