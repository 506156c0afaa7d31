// What became of a revert, told from what is stored of it: the same to whoever waited for it and to whoever asks later.
import { ConflictError } from '../base/errors.ts'
import { LEFT_IN_DOCUMENT, leftItem, type LeftItem, type RevertDocument } from '../contract/reverts.ts'
import type { Queries } from '../database/connect.ts'
import type { LeftReason } from '../registry/revert-plan.ts'
import { requireRun } from '../registry/runs.ts'

/** @throws NotFoundError; ConflictError `not-reverting` for a run of another kind, `not-ended` while it goes on, `history-expired` */
export async function presentRevert(db: Queries, runId: number): Promise<RevertDocument> {
  const run = await requireRun(db, runId)
  if (run.kind !== 'revert' || run.reverts === null)
    throw new ConflictError('not-reverting', `Run ${runId} takes no other run back`)
  const { summary, outcome } = run
  if (outcome === null || summary === null)
    throw new ConflictError('not-ended', `Run ${runId} has not ended yet; ask again when it has`)
  const left = await leftOf(db, runId)
  // Looked at after that: a run is marked before the first of its items goes.
  if (await isForgotten(db, runId)) {
    throw new ConflictError(
      'history-expired',
      `What run ${runId} left as it was has been removed from the history (MUSTER_HISTORY_DAYS); what it did stands in its document`,
    )
  }
  const document: Partial<typeof summary> = summary
  const none = { added: 0, removed: 0 }
  const { users, groups } = document
  return {
    run: String(run.id),
    source: run.source,
    reverts: String(run.reverts),
    user: run.revertsUser === null ? null : String(run.revertsUser),
    outcome,
    planHash: document.planHash ?? null,
    users: {
      created: users?.created ?? 0,
      adopted: users?.adopted ?? 0,
      takenOver: users?.takenOver ?? 0,
      updated: users?.updated ?? 0,
      renamed: users?.renamed ?? 0,
      deactivated: users?.deactivated ?? 0,
      reactivated: users?.reactivated ?? 0,
      deleted: users?.deleted ?? 0,
    },
    groups: { created: groups?.created ?? 0, renamed: groups?.renamed ?? 0, deleted: groups?.deleted ?? 0 },
    memberships: document.memberships ?? none,
    credentials: document.credentials ?? none,
    ...left,
    confirm: [...(document.held?.reasons ?? [])],
    error: document.error ?? null,
    ms: { total: document.ms?.total ?? 0 },
  }
}

/** Whether its items have gone, or begun to go: what it left would be told as nothing. */
async function isForgotten(db: Queries, runId: number): Promise<boolean> {
  const { rowCount } = await db.query('select from runs where id = $1 and items_removed_at is not null', [runId])
  return rowCount === 1
}

async function leftOf(db: Queries, runId: number): Promise<Pick<RevertDocument, 'left' | 'leftTotal'>> {
  const skips = `from plan_items where run_id = $1 and action = 'skip'`
  const rows = `coalesce((new ->> 'rows')::int, 1)`
  const found = await db.query<Omit<LeftItem, 'message' | 'object'> & { readonly object: string }>(
    `select object, name, object_id::text as "objectId", reason, ${rows} as count ${skips} order by seq limit $2`,
    [runId, LEFT_IN_DOCUMENT],
  )
  const sum = await db.query<{ total: number }>(`select coalesce(sum(${rows}), 0)::int as total ${skips}`, [runId])
  return { left: found.rows.map(presentLeft), leftTotal: sum.rows[0]?.total ?? 0 }
}

const LEFT_BECAUSE: Readonly<Record<LeftReason, string>> = {
  'changed-since': 'It was changed after the run. Revert what came later first, or change it by hand.',
  gone: 'It does not exist any more.',
  'there-again': 'It exists again by now.',
  'value-taken':
    'An old name, card, PIN, personal number or object id belongs to somebody else by now. Free it there first.',
  protected: 'He is an administrator or protected by now. Change him by hand.',
  'claimed-by-another-source': 'It came with the run, and another source wants it as well.',
}

function presentLeft({
  object,
  reason,
  ...item
}: Omit<LeftItem, 'message' | 'object'> & { readonly object: string }): LeftItem {
  const because = Object.entries(LEFT_BECAUSE).find(([code]) => code === reason)
  return leftItem.parse({
    ...item,
    object: object === 'credential' ? 'user' : object,
    reason,
    message: because?.[1] ?? reason,
  })
}
