// What taking a run back would do, planned in a transaction that is rolled back: no run is stored, and no run of the source is kept waiting.
import type { RevertPreview } from '../contract/reverts.ts'
import type { Outcome } from '../contract/runs.ts'
import { firstPlanItems } from '../registry/plans.ts'
import { presentItem } from '../registry/present-items.ts'
import { requireRevertible, requireUserOfRun } from '../registry/revertible.ts'
import { endRun } from '../registry/running.ts'
import { requireSource } from '../registry/sources.ts'
import { emptyDocument } from './document.ts'
import type { Engine } from './engine.ts'
import type { RevertRequest } from './revert.ts'
import { presentRevert } from './revert-document.ts'
import { planRevert } from './revert-planning.ts'
import { rolledBack } from './trial.ts'

/** What is shown of the items themselves. */
const ITEMS_SHOWN = 1_000

/**
 * Shows a revert without doing it, also while the source is being run: it sees the registry of one moment, and locks nothing that a run
 * needs.
 *
 * @throws NotFoundError; ConflictError `not-applied`, `source-removed`, `history-expired`, `not-recorded`, `ambiguous`
 */
export async function previewRevert(
  engine: Engine,
  request: Pick<RevertRequest, 'run' | 'user' | 'signal'>,
): Promise<RevertPreview> {
  const since = engine.clock.monotonicMs()
  const options = { isolation: 'repeatable read', signal: request.signal } as const
  return rolledBack(engine.db, options, async (tx) => {
    const target = await requireRevertible(tx, request.run)
    const userId = request.user === undefined ? undefined : await requireUserOfRun(tx, target, request.user)
    const source = await requireSource(tx, target.source)
    // Of no source: a reference would make this transaction and a run that takes the source meet in its row.
    const inserted = await tx.query<{ id: number }>(
      `insert into runs (source_name, kind, mode, trigger, state, fence, host, pid, process_started, settings_version, reverts, reverts_user)
       values ($1, 'revert', 'delta', 'manual', 'running', 0, '', 0, '', $2, $3, $4) returning id`,
      [source.name, source.settingsVersion, target.runId, userId ?? null],
    )
    const runId = inserted.rows[0]?.id ?? 0
    const { document, isEmpty, confirm } = await planRevert(tx, {
      onProgress: () => {},
      runId,
      source,
      target,
      userId,
      document: emptyDocument(runId, source.name, 'delta'),
      now: engine.clock.now(),
    })
    const outcome: Outcome = isEmpty ? 'no-change' : 'planned'
    const summary = {
      ...document,
      outcome,
      held: confirm.length === 0 ? null : { reasons: [...confirm], approveBy: engine.clock.now().toISOString() },
      ms: { ...document.ms, total: Math.round(engine.clock.monotonicMs() - since) },
    }
    await endRun(tx, runId, { outcome, mode: 'delta', summary, approveBy: null })
    const items = await firstPlanItems(tx, runId, ITEMS_SHOWN)
    const total = await tx.query<{ count: number }>(
      `select count(*)::int as count from plan_items where run_id = $1 and action <> 'skip'`,
      [runId],
    )
    return {
      ...(await presentRevert(tx, runId)),
      run: '',
      items: items.filter(({ action }) => action !== 'skip').map((item) => ({ ...presentItem(item), run: '' })),
      itemsTotal: total.rows[0]?.count ?? 0,
    }
  })
}
