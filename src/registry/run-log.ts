// The log lines of runs: written while they run, read while they run and afterwards.
import type { RunLogLine } from '../contract/run-log.ts'
import type { Queries } from '../database/connect.ts'

/** Adds lines; those that are there already stay, so that a batch whose fate is not known may be written again. */
export async function appendRunLog(db: Queries, runId: number, lines: readonly RunLogLine[]): Promise<void> {
  if (lines.length === 0) return
  await db.query(
    `insert into run_log (run_id, seq, at, level, message, fields)
     select $1, seq, at, level, message, fields from json_to_recordset($2::json)
       as n (seq int, at timestamptz, level text, message text, fields json)
     on conflict do nothing`,
    [runId, JSON.stringify(lines)],
  )
}

/** Lines with a number above `after`, in order. */
export async function listRunLog(
  db: Queries,
  runId: number,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly RunLogLine[]> {
  const found = await db.query<Omit<RunLogLine, 'at'> & { readonly at: Date }>(
    'select seq, at, level, message, fields from run_log where run_id = $1 and seq > $2 order by seq limit $3',
    [runId, after, limit],
  )
  return found.rows.map((row) => ({ ...row, at: row.at.toISOString() }))
}
