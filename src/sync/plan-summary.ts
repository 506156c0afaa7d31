// Counts a stored plan, judges it by the safeguard and gives it its hash.
import { createHash } from 'node:crypto'
import type { RunDocument } from '../contract/runs.ts'
import type { Queries } from '../database/connect.ts'
import * as figures from '../registry/plan-figures.ts'
import { emptiedScopeGroups } from '../registry/scope-groups.ts'
import { countRedone } from '../registry/reverted.ts'
import { figuresOf } from './plan-counts.ts'
import type { MadePlan, PlanInput, PlanSummary } from './plan-input.ts'
import { scopeGroupsOf } from './scope.ts'
import { addSpent, holdReasons, NOTHING_SPENT } from './safeguard.ts'

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
  const of = { runId: input.runId, sourceId: input.source.id }
  const { settings } = input.source
  const limits = settings.safeguard
  const emptied = await emptiedScopeGroups(db, { ...of, objectIds: scopeGroupsOf(settings) })
  const counted = await figuresOf(db, { ...of, limits, summary, adoptions: users.adopted, spent, emptied })
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

async function countPlannedGroups(db: Queries): Promise<{ wanted: number; ignored: number }> {
  const found = await db.query<{ wanted: number; ignored: number }>(
    'select count(*) filter (where wanted) as wanted, count(*) filter (where not wanted) as ignored from planned_groups where planned',
  )
  return found.rows[0] ?? { wanted: 0, ignored: 0 }
}
