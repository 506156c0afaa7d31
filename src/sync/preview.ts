// What other settings would do, planned from the mirror as it is: nothing is asked of Microsoft, nothing is kept.
import { IMPACT_ITEMS } from '../contract/api/sources.ts'
import type { RunDocument } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Transaction } from '../database/transaction.ts'
import { issuesOfRun } from '../registry/issues.ts'
import { firstPlanItems, type PlanItem } from '../registry/plans.ts'
import { listConnections } from '../registry/connections.ts'
import { requireSource } from '../registry/sources.ts'
import { emptyDocument, ISSUES_IN_DOCUMENT, withPlan } from './document.ts'
import type { Engine } from './engine.ts'
import { withoutUnread } from './map/unread.ts'
import { tryPlan } from './trial.ts'
import { unreadAttributes } from './unread-attributes.ts'

export interface SettingsPreview {
  /** Outcome `planned` or `no-change`; `run` is empty because nothing is stored. */
  readonly document: RunDocument
  /** The first items in plan order. */
  readonly items: readonly PlanItem[]
  /** True: the mirror was never read, so nothing can be said before the first run. */
  readonly isUnread: boolean
  /** Attributes that the new settings need and the mirror lacks: what they decide stays as it is here, the next run reads them first. */
  readonly unreadAttributes: readonly string[]
}

/**
 * Plans everybody of a source with other settings and rolls everything back. Attributes that the mirror lacks are named, and
 * what is made of them is left as it is.
 *
 * @throws NotFoundError
 */
export async function previewSettings(
  engine: Engine,
  request: {
    readonly source: string
    /** Another name: of sources with one priority the name decides who owns somebody. */
    readonly newName?: string | undefined
    readonly settings: SourceSettings
    readonly signal: AbortSignal
  },
): Promise<SettingsPreview> {
  const { settings } = request
  const present = await requireSource(engine.db, request.source)
  const connection = (await listConnections(engine.db)).find(({ name }) => name === settings.connection)
  // One that the same file makes: whatever is behind it, nothing of it was read.
  if (connection === undefined || connection.tenantId !== present.connection.tenantId)
    return unreadPreview(present.name)
  let isUnread = false
  let unread: readonly string[] = []
  const source = async (tx: Transaction) => {
    const stored = await requireSource(tx, request.source)
    const known = await tx.query<{ some: boolean }>(
      'select exists (select from mirror_objects where source_id = $1) as some',
      [stored.id],
    )
    isUnread = known.rows[0]?.some !== true
    unread = isUnread ? [] : await unreadAttributes(tx, { id: stored.id, settings })
    return {
      ...stored,
      name: request.newName ?? stored.name,
      connection,
      enabled: settings.enabled,
      priority: settings.priority,
      settings: withoutUnread(settings, { before: stored.settings, unread }),
    }
  }
  return tryPlan(engine, { source, signal: request.signal }, async ({ tx, runId, source: { name }, made }) => {
    const document = withPlan(
      emptyDocument(runId, name, 'full'),
      made,
      await issuesOfRun(tx, runId, ISSUES_IN_DOCUMENT),
    )
    return {
      document: {
        ...document,
        run: '',
        outcome: made.isEmpty ? 'no-change' : 'planned',
        held: made.held.length === 0 ? null : { reasons: [...made.held], approveBy: engine.clock.now().toISOString() },
      },
      items: await firstPlanItems(tx, runId, IMPACT_ITEMS),
      isUnread,
      unreadAttributes: unread,
    }
  })
}

function unreadPreview(source: string): SettingsPreview {
  return {
    document: { ...emptyDocument(0, source, 'full'), run: '', outcome: 'no-change' },
    items: [],
    isUnread: true,
    unreadAttributes: [],
  }
}
