// Makes a plan from the mirror: streams what has to be planned through the deciding modules, settles conflicts on the final
// state, sets memberships against each other, counts, judges and hashes. Runs inside one transaction and never asks Graph.
import type { Transaction } from '../database/transaction.ts'
import { closeOldIssues } from '../registry/issues.ts'
import { planMemberships } from '../registry/membership-plan.ts'
import { beginPlanning, isAnythingPlanned } from '../registry/planning.ts'
import { drawPins } from './draw-pins.ts'
import { Heirs } from './heirs.ts'
import { prepareGroupTemplates } from './map/attribute-groups.ts'
import { eachCreateItem } from './plan-attribute-groups.ts'
import type { MadePlan, PlanInput } from './plan-input.ts'
import { summarize } from './plan-summary.ts'
import { settleConflicts } from './planning-conflicts.ts'
import { planGroups, planGroupsNotRead } from './planning-groups.ts'
import type { Planning } from './planning-parts.ts'
import { PeoplePlanner } from './planning-people.ts'
import { planScope } from './planning-scope.ts'
import { PlanningWriter } from './planning-writer.ts'

/** Raised whenever the same mirror and settings would give another plan than before: the first run after it is held. */
export const PLANNER_VERSION = 3

/** Makes and stores the plan of a run. */
export async function makePlan(tx: Transaction, input: PlanInput): Promise<MadePlan> {
  const { runId, source } = input
  const writer = new PlanningWriter(tx, input)
  const templates = prepareGroupTemplates(source.settings.groups)
  const planning: Planning = { tx, input, writer, heirs: new Heirs(tx, input.rivals), templates }
  await beginPlanning(tx)
  const scope = await planScope(planning)
  await planGroups(planning, scope)
  const people = new PeoplePlanner(planning, scope)
  await people.planAll()
  if (input.everybody || (await isAnythingPlanned(tx))) {
    await settleConflicts(planning, people)
    await planGroupsNotRead(planning)
    if (writer.drawsPins) await drawPins(tx, input)
    const transitive = source.settings.groups.membership === 'transitive'
    const { everybody, removalsAllowed } = input
    await planMemberships(tx, { runId, sourceId: source.id, transitive, everybody, removalsAllowed })
    for await (const items of eachCreateItem(tx)) await writer.writeItems(items)
    await writer.writeMemberships()
  }
  await writer.addIssues(input.issues)
  const which = input.only !== undefined ? 'only' : input.everybody ? 'all' : 'marked'
  await closeOldIssues(tx, { sourceId: source.id, runId, which })
  return summarize(tx, input)
}
