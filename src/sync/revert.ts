// Takes an applied run back, or what it did to one user: a plan from the old values, applied like any other, except that
// whatever changed since is left as it is. Nothing is asked of Microsoft.
import { createHash } from 'node:crypto'
import type { HeldReason, Outcome } from '../contract/runs.ts'
import type { RevertDocument } from '../contract/reverts.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { writeMembershipItems } from './membership-items.ts'
import { holdRegistry } from '../registry/edit.ts'
import { countBefore, countItems, countPlanMemberships, digestOfPlan } from '../registry/plan-figures.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { beginPlanning } from '../registry/planning.ts'
import { insertPlanItems } from '../registry/plans.ts'
import { applyRevert } from '../registry/revert-apply.ts'
import { eachReverted, fillRevert, leftMemberships, planRevertMemberships } from '../registry/revert-plan.ts'
import { noteReverted } from '../registry/reverted.ts'
import { requireRevertible, requireUserOfRun, type RevertibleRun } from '../registry/revertible.ts'
import { holdFence } from '../registry/runs.ts'
import { concludeRun } from './conclude.ts'
import type { Engine, RunProgress } from './engine.ts'
import { digestOf } from './item-digest.ts'
import type { ItemDraft } from './item.ts'
import { takeLease } from './lease.ts'
import { presentRevert } from './revert-document.ts'
import { groupItems, type RevertCause, userItems } from './revert-items.ts'
import { limitOf } from './safeguard.ts'
import { type Session, type SessionEnding, underLease } from './session.ts'

export interface RevertRequest {
  readonly run: number
  /** Object id, user name, alias or user principal name; undefined: the whole run. */
  readonly user?: string | undefined
  readonly reason: string
  readonly actor: Actor
  /** The job that it is done for; a source that is being run is not waited for then. */
  readonly job?: string | undefined
  /** Only show it. */
  readonly dryRun: boolean
  /** Also when it removes more than the source's safeguard would let a run remove. */
  readonly confirmed: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: RunProgress) => void
}

/**
 * Reverts a run. Applied in one fenced transaction; where the removal limits are exceeded and that is not confirmed, and in a
 * dry run, the plan is stored and shown only.
 *
 * The mirror still asks for what was taken back: the objects are marked, and a plan that would do it again is held.
 *
 * @throws NotFoundError; ConflictError `not-applied`, `source-removed`, `history-expired`, `not-recorded`, `ambiguous`; BusyError
 */
export async function revertRun(engine: Engine, request: RevertRequest): Promise<RevertDocument> {
  const target = await requireRevertible(engine.db, request.run)
  const userId = request.user === undefined ? undefined : await requireUserOfRun(engine.db, target, request.user)
  const lease = await takeLease(engine, {
    run: {
      sourceId: target.sourceId,
      kind: 'revert',
      mode: 'delta',
      trigger: request.actor.kind === 'token' ? 'api' : 'manual',
      reverts: { run: target.runId, user: userId },
      job: request.job,
    },
    sourceName: target.source,
    wait: request.job === undefined,
    signal: request.signal,
    onProgress: request.onProgress,
  })
  const document = await underLease(engine, { lease, source: target.source, mode: 'delta' }, (session) =>
    revert(session, { request, target, userId }),
  )
  return presentRevert(engine.db, Number(document.run))
}

interface RevertWork {
  readonly request: RevertRequest
  readonly target: RevertibleRun
  readonly userId: number | undefined
}

async function revert(session: Session, { request, target, userId }: RevertWork): Promise<SessionEnding> {
  const { engine, lease, source } = session
  lease.report({ phase: 'planning', done: 0, total: undefined })
  return withTransaction(
    engine.db,
    async (tx) => {
      await holdRegistry(tx, 'shared')
      await holdFence(tx, source.id, lease.fence)
      await tx.query('update runs set decided_by = $2, decided_reason = $3, decided_at = now() where id = $1', [
        lease.runId,
        request.actor.name,
        request.reason,
      ])
      await fillRevert(tx, {
        planRunId: target.planRunId,
        userId,
        sourceId: source.id,
        now: engine.clock.now(),
      })
      const cause: RevertCause = {
        rule: 'revert',
        reason: `run-${target.runId}`,
        sources: await sourceNames(tx),
      }
      await writeItems(tx, { runId: lease.runId, cause })
      const isEmpty = await summarize(tx, session)
      const confirm = await overLimits(tx, session)
      const isShownOnly = request.dryRun || (confirm.length > 0 && !request.confirmed)
      const outcome: Outcome = isEmpty ? 'no-change' : isShownOnly ? 'planned' : 'applied'
      if (outcome === 'applied') {
        lease.report({ phase: 'applying', done: 0, total: undefined })
        await applyRevert(tx, { runId: lease.runId, sourceId: source.id })
        await noteReverted(tx, { runId: lease.runId, sourceId: source.id, fence: lease.fence })
        await recordAudit(tx, engine, {
          actor: request.actor,
          action: 'run.revert',
          subject: `run ${target.runId}`,
          details: { by: String(lease.runId), source: source.name, reason: request.reason, user: request.user ?? null },
        })
      }
      // As a preview tells what would hold it: it waits for nobody's approval.
      const held =
        outcome === 'planned' && confirm.length > 0
          ? { reasons: [...confirm], approveBy: engine.clock.now().toISOString() }
          : null
      session.document = {
        ...session.document,
        outcome,
        held,
        ms: { ...session.document.ms, total: lease.elapsedMs() },
      }
      await concludeRun(engine, tx, {
        runId: lease.runId,
        sourceId: source.id,
        kind: 'revert',
        document: session.document,
        approveBy: null,
        log: lease.log,
        place: undefined,
      })
      return { outcome, approveBy: null, isRecorded: true }
    },
    { signal: lease.signal },
  )
}

/** Writes the plan of the revert. */
async function writeItems(
  tx: Transaction,
  { runId, cause }: { readonly runId: number; readonly cause: RevertCause },
): Promise<void> {
  let seq = 1
  const write = async (items: readonly ItemDraft[]) => {
    await insertPlanItems(
      tx,
      items.map((item) => ({ ...item, digest: digestOf(item) })),
      { runId, firstSeq: seq },
    )
    seq += items.length
  }
  for await (const records of eachReverted(tx, 'group')) await write(records.flatMap((r) => groupItems(r, cause)))
  for await (const records of eachReverted(tx, 'user')) await write(records.flatMap((r) => userItems(r, cause)))
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

/** Counts and hashes the stored items into the session's document; true when there is nothing to do. */
async function summarize(tx: Transaction, session: Session): Promise<boolean> {
  const { runId } = session.lease
  const items = await countItems(tx, runId)
  const count = (object: string, action: string) =>
    items.find((i) => i.object === object && i.action === action)?.count ?? 0
  const hash = createHash('sha256')
    .update('muster-revert:1:')
    .update(await digestOfPlan(tx, runId))
    .digest('hex')
  // Without figures: what somebody takes back is no part of what runs may remove in a day.
  await tx.query('update runs set plan_hash = $2 where id = $1', [runId, hash])
  const { document } = session
  session.document = {
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
  return items.every((item) => item.action === 'skip')
}

/** Everything is counted up to here; what a source has beyond makes no limit larger. */
const COUNTED = 10_000_000

/** The removal limits of the source that the revert exceeds. */
async function overLimits(tx: Transaction, { source, document }: Session): Promise<readonly HeldReason[]> {
  const limits = source.settings.safeguard
  if (limits === null) return []
  const { users, groups, memberships, credentials } = document
  const before = await countBefore(tx, source.id, {
    users: COUNTED,
    groups: COUNTED,
    memberships: COUNTED,
    credentials: COUNTED,
  })
  return [
    {
      rule: 'removals.users',
      count: users.deactivated + users.deleted,
      limit: limitOf(5, limits.removals, before.users),
    },
    { rule: 'removals.groups', count: groups.deleted, limit: limitOf(5, limits.removals, before.groups) },
    { rule: 'memberships', count: memberships.removed, limit: limitOf(100, limits.memberships, before.memberships) },
    { rule: 'credentials', count: credentials.removed, limit: limitOf(10, limits.credentials, before.credentials) },
  ].filter(({ count, limit }) => count > limit)
}
