// The plan that takes a run back: its items, written under a run; what they come to; and which limits they exceed.
import { createHash } from 'node:crypto'
import type { HeldReason, RunDocument } from '../contract/runs.ts'
import type { Transaction } from '../database/transaction.ts'
import { countItems, countPlanMemberships, digestOfPlan } from '../registry/plan-figures.ts'
import { beginPlanning } from '../registry/planning.ts'
import { insertPlanItems } from '../registry/plans.ts'
import { fillRevert } from '../registry/revert-plan.ts'
import { countReverted, eachReverted, leftMemberships, planRevertMemberships } from '../registry/revert-records.ts'
import type { RevertibleRun } from '../registry/revertible.ts'
import type { Source } from '../registry/sources.ts'
import { digestOf } from './item-digest.ts'
import type { ItemDraft } from './item.ts'
import { writeMembershipItems } from './membership-items.ts'
import { groupItems, type RevertCause, userItems } from './revert-items.ts'
import { figuresOf } from './plan-counts.ts'
import { type AlwaysHeld, holdReasons, NOTHING_SPENT } from './safeguard.ts'

export interface RevertPlanning {
  /** The run whose plan it is. */
  readonly runId: number
  readonly source: Source
  readonly target: RevertibleRun
  /** Only this user. */
  readonly userId: number | undefined
  /** To be filled with what the plan comes to. */
  readonly document: RunDocument
  readonly now: Date
  /** How many of the users and groups to be put back are planned. */
  readonly onProgress: (done: number, total: number) => void
}

export interface RevertPlan {
  readonly document: RunDocument
  /** There is nothing to be done. */
  readonly isEmpty: boolean
  /** The limits of the source's safeguard that it exceeds. */
  readonly confirm: readonly HeldReason[]
}

/** Makes the plan and stores its items under the run, in a transaction that holds the registry or sees one moment of it. */
export async function planRevert(tx: Transaction, planning: RevertPlanning): Promise<RevertPlan> {
  const { runId, source, target, userId, now } = planning
  await fillRevert(tx, { planRunId: target.planRunId, userId, sourceId: source.id, now })
  const cause: RevertCause = { rule: 'revert', reason: `run-${target.runId}`, sources: await sourceNames(tx) }
  await writeItems(tx, { runId, cause, onProgress: planning.onProgress })
  const { document, isEmpty } = await summarize(tx, planning)
  return { document, isEmpty, confirm: await overLimits(tx, { runId, source, document }) }
}

/** Writes the plan of the revert. */
async function writeItems(
  tx: Transaction,
  { runId, cause, onProgress }: Pick<RevertPlanning, 'runId' | 'onProgress'> & { readonly cause: RevertCause },
): Promise<void> {
  const total = await countReverted(tx)
  let done = 0
  let seq = 1
  const write = async (items: readonly ItemDraft[]) => {
    await insertPlanItems(
      tx,
      items.map((item) => ({ ...item, digest: digestOf(item) })),
      { runId, firstSeq: seq },
    )
    seq += items.length
  }
  for (const table of ['group', 'user'] as const) {
    const itemsOf = table === 'group' ? groupItems : userItems
    for await (const records of eachReverted(tx, table)) {
      await write(records.flatMap((record) => itemsOf(record, cause)))
      done += records.length
      onProgress(done, total)
    }
  }
  await write((await leftMemberships(tx)).map(leftMembershipItem))
  await beginPlanning(tx)
  await planRevertMemberships(tx, runId)
  const { rule, reason } = cause
  await writeMembershipItems(tx, { runId, firstSeq: seq, transitive: false, digest: digestOf, cause: { rule, reason } })
}

async function sourceNames(tx: Transaction): Promise<ReadonlyMap<number, string>> {
  const found = await tx.query<{ id: number; name: string }>('select id, name from sources')
  return new Map(found.rows.map((row) => [row.id, row.name]))
}

function leftMembershipItem(left: Awaited<ReturnType<typeof leftMemberships>>[number]): ItemDraft {
  return {
    object: 'membership',
    action: 'skip',
    userId: null,
    groupId: left.groupId,
    objectId: left.objectId,
    name: left.name,
    old: null,
    new: { rows: left.rows },
    names: null,
    rule: 'revert',
    reason: left.why,
    sawVersion: null,
  }
}

/** Counts and hashes the stored items into the document; `isEmpty` when there is nothing to do. */
async function summarize(
  tx: Transaction,
  { runId, document }: Pick<RevertPlanning, 'runId' | 'document'>,
): Promise<{ readonly document: RunDocument; readonly isEmpty: boolean }> {
  const items = await countItems(tx, runId)
  const count = (object: string, action: string) =>
    items.find((i) => i.object === object && i.action === action)?.count ?? 0
  const hash = createHash('sha256')
    .update('muster-revert:1:')
    .update(await digestOfPlan(tx, runId))
    .digest('hex')
  // Without figures: what somebody takes back is no part of what runs may remove in a day.
  await tx.query('update runs set plan_hash = $2 where id = $1', [runId, hash])
  const summary = {
    ...document,
    planHash: hash,
    users: {
      ...document.users,
      created: count('user', 'create'),
      takenOver: count('user', 'take over'),
      updated: count('user', 'update'),
      renamed: count('user', 'rename'),
      deactivated: count('user', 'deactivate'),
      reactivated: count('user', 'reactivate'),
      deleted: count('user', 'delete'),
      skipped: count('user', 'skip'),
    },
    groups: {
      ...document.groups,
      created: count('group', 'create'),
      renamed: count('group', 'rename'),
      deleted: count('group', 'delete'),
    },
    memberships: await countPlanMemberships(tx, runId),
    credentials: { added: count('credential', 'add'), removed: count('credential', 'remove') },
  }
  return { document: summary, isEmpty: items.every((item) => item.action === 'skip') }
}

/** Nothing is always held here: whoever takes something back asks for it, and no day is counted. */
const ASKED_FOR: AlwaysHeld = {
  noUsersWhereSome: false,
  usersKnown: 0,
  connectionChanged: false,
  upgraded: false,
  adoptions: 'automatic',
  reverted: 0,
  clearedEverywhere: [],
}

/** The limits of the source that the revert exceeds. */
async function overLimits(
  tx: Transaction,
  { runId, source, document }: Pick<RevertPlanning, 'runId' | 'source' | 'document'>,
): Promise<readonly HeldReason[]> {
  const limits = source.settings.safeguard
  if (limits === null) return []
  const spent = NOTHING_SPENT
  const of = { runId, sourceId: source.id, limits, spent, adoptions: 0, emptied: [] }
  const { figures } = await figuresOf(tx, { ...of, summary: document })
  return holdReasons(figures, { limits, always: ASKED_FOR, spent })
}
