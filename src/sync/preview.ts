// What other settings would do, planned from the mirror as it is: nothing is asked of Microsoft, nothing is kept.
import type { RunDocument } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import { withTransaction } from '../database/transaction.ts'
import { issuesOfRun } from '../registry/issues.ts'
import { firstPlanItems, type PlanItem } from '../registry/plans.ts'
import { requireSource } from '../registry/sources.ts'
import { emptyDocument, ISSUES_IN_DOCUMENT, withPlan } from './document.ts'
import type { Engine } from './engine.ts'
import { makePlan } from './planning.ts'
import { planInput } from './run.ts'
import { rivalsOf } from './rivals.ts'

/** What a preview shows of the items themselves. */
const ITEMS_SHOWN = 1_000

export interface SettingsPreview {
  /** Outcome `planned` or `no-change`; `run` is empty because nothing is stored. */
  readonly document: RunDocument
  /** The first items in plan order. */
  readonly items: readonly PlanItem[]
  /** True: the mirror was never read, so nothing can be said before the first run. */
  readonly isUnread: boolean
}

class Undo extends Error {}

/**
 * Plans everybody of a source with other settings and rolls everything back. Attributes that the mirror lacks count as
 * empty, as in the first plan after saving; the run that follows reads them.
 *
 * @throws NotFoundError
 */
export async function previewSettings(
  engine: Engine,
  request: { readonly source: string; readonly settings: SourceSettings; readonly signal: AbortSignal },
): Promise<SettingsPreview> {
  let preview: SettingsPreview | undefined
  try {
    await withTransaction(
      engine.db,
      async (tx) => {
        const source = { ...(await requireSource(tx, request.source)), settings: request.settings }
        const run = await tx.query<{ id: number }>(
          `insert into runs (source_id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version)
           values ($1, $2, 'plan', 'full', 'manual', 'ended', 'planned', 0, '', 0, '', $3) returning id`,
          [source.id, source.name, source.settingsVersion],
        )
        const runId = run.rows[0]?.id ?? 0
        const known = await tx.query<{ some: boolean }>(
          'select exists (select from mirror_objects where source_id = $1) as some',
          [source.id],
        )
        const made = await makePlan(tx, {
          ...planInput(engine, source, { removals: 'allowed', noUsersWhereSome: false, issues: [] }),
          rivals: await rivalsOf(tx, { vault: engine.vault, source }),
          runId,
          everybody: true,
          onProgress: () => {},
          signal: request.signal,
        })
        const document = withPlan(
          emptyDocument(runId, source.name, 'full'),
          made,
          await issuesOfRun(tx, runId, ISSUES_IN_DOCUMENT),
        )
        preview = {
          document: {
            ...document,
            run: '',
            outcome: made.isEmpty ? 'no-change' : 'planned',
            held:
              made.held.length === 0 ? null : { reasons: [...made.held], approveBy: engine.clock.now().toISOString() },
          },
          items: await firstPlanItems(tx, runId, ITEMS_SHOWN),
          isUnread: known.rows[0]?.some !== true,
        }
        throw new Undo()
      },
      { signal: request.signal },
    )
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  if (preview === undefined) throw new Error('the preview was not made')
  return preview
}
