// What was done to one user over time, by runs and by hand: plan items that were applied, and the audit's entries about him.
import type { Queries } from '../database/connect.ts'
import { type HistoryQuery, listUserHistory } from './history.ts'

/** One change of a user, of a credential or of a membership of his. */
export interface PersonChange {
  /** Null: by hand. */
  readonly run: number | null
  readonly source: string | null
  readonly at: Date
  readonly by: string | null
  readonly because: string | null
  readonly object: string
  readonly action: string
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  readonly rule: string
  readonly reason: string
}

/** Up to where both kinds of change were told: the last run with the item's number, and the last entry of the audit. */
export interface HistoryPlace {
  readonly run: HistoryQuery['before']
  readonly edit: number | undefined
}

interface Placed extends PersonChange {
  readonly place: { readonly run: number; readonly seq: number } | { readonly edit: number }
}

/** Changes of a user, the newest first. Cards are masked, PINs are not told. */
export async function listPersonHistory(
  db: Queries,
  query: { readonly userId: number; readonly before?: HistoryPlace | undefined; readonly limit: number },
): Promise<{ readonly changes: readonly PersonChange[]; readonly next: HistoryPlace | undefined }> {
  const { userId, before } = query
  const limit = query.limit + 1
  const runs = await listUserHistory(db, { userId, before: before?.run, limit })
  const edits = await listEdits(db, { userId, before: before?.edit, limit })
  const told: Placed[] = runs.map((change) => ({
    ...change,
    at: change.appliedAt,
    place: { run: change.run, seq: change.seq },
  }))
  const page = merged(told, edits).slice(0, query.limit)
  const next = page.reduce<HistoryPlace>(
    (last, { place }) => ('edit' in place ? { ...last, edit: place.edit } : { ...last, run: place }),
    before ?? { run: undefined, edit: undefined },
  )
  return {
    changes: page.map(presentChange),
    next: told.length + edits.length > query.limit ? next : undefined,
  }
}

/** Each kind in its own order, the newer of the two first: so that a page ends at one place of each. */
function merged(runs: readonly Placed[], edits: readonly Placed[]): readonly Placed[] {
  const both: Placed[] = []
  for (let [r, e] = [0, 0]; r < runs.length || e < edits.length; ) {
    const [run, edit] = [runs[r], edits[e]]
    const takesRun = run !== undefined && (edit === undefined || run.at >= edit.at)
    both.push(...(takesRun ? runs.slice(r, r + 1) : edits.slice(e, e + 1)))
    if (takesRun) r += 1
    else e += 1
  }
  return both
}

function presentChange(change: Placed): PersonChange {
  const { run, source, at, by, because, object, action, rule, reason } = change
  return { run, source, at, by, because, object, action, old: change.old, new: change.new, rule, reason }
}

/** How each kind of edit is told beside the changes of runs. Whoever only looked changed nothing. */
const EDITS: Readonly<Record<string, Pick<PersonChange, 'object' | 'action'>>> = {
  'user.create': { object: 'user', action: 'create' },
  'user.change': { object: 'user', action: 'update' },
  'user.protect': { object: 'user', action: 'update' },
  'user.deactivate': { object: 'user', action: 'deactivate' },
  'user.restore': { object: 'user', action: 'reactivate' },
  'user.remove': { object: 'user', action: 'delete' },
  'card.add': { object: 'credential', action: 'add' },
  'card.remove': { object: 'credential', action: 'remove' },
  'pin.reset': { object: 'credential', action: 'add' },
  'pin.remove': { object: 'credential', action: 'remove' },
  'member.add': { object: 'membership', action: 'add' },
  'member.remove': { object: 'membership', action: 'remove' },
}

/** How the audit names a user. */
export function userSubject(userId: number): string {
  return `user ${userId}`
}

interface EditDetails {
  readonly old?: PersonChange['old']
  readonly new?: PersonChange['new']
  readonly reason?: string
}

async function listEdits(
  db: Queries,
  query: { readonly userId: number; readonly before: number | undefined; readonly limit: number },
): Promise<readonly Placed[]> {
  const found = await db.query<{ id: number; at: Date; actor_name: string; action: string; details: string }>(
    `select id, at, actor_name, action, details from audit
     where subject = $1 and ($2::bigint is null or id < $2) and action = any($3::text[]) order by id desc limit $4`,
    [userSubject(query.userId), query.before ?? null, Object.keys(EDITS), query.limit],
  )
  return found.rows.flatMap(({ id, at, actor_name: by, action, details }) => {
    const kind = EDITS[action]
    if (kind === undefined) return []
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by edit.ts; the chain of digests tells whether it still is
    const edit = JSON.parse(details) as EditDetails
    return [
      {
        run: null,
        source: null,
        at,
        by,
        because: edit.reason ?? null,
        ...kind,
        old: edit.old ?? null,
        new: edit.new ?? null,
        rule: action,
        reason: 'by-hand',
        place: { edit: id },
      },
    ]
  })
}
