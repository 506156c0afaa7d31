// What a source gave and no longer withdraws passes to the registry.
import type { Queries } from '../database/connect.ts'

/** Targets from which a source withdraws nothing any more: what it gave there becomes the registry's own. */
export interface Releases {
  readonly releaseAliases: boolean
  readonly releaseCards: boolean
  readonly releasePins: boolean
  readonly releaseEmails: boolean
}

export interface ReleaseOptions extends Releases {
  readonly sourceId: number
  /** Only of people who have come to the source with the plan of this run. */
  readonly comeWith?: number
}

/** Makes everything that the source gave its users in these targets the registry's own. */
export async function release(tx: Queries, options: ReleaseOptions): Promise<void> {
  const { sourceId, comeWith } = options
  const params = comeWith === undefined ? [sourceId] : [sourceId, comeWith]
  const mine = `select id from users where source_id = $1 ${comeWith === undefined ? '' : `and id in (${come('$2')})`}`
  if (options.releaseAliases) {
    await tx.query(
      `update user_names set origin = 'o' where kind = 'a' and origin = 's' and user_id in (${mine})`,
      params,
    )
  }
  if (options.releaseEmails) {
    await tx.query(`update users set given_emails = '{}' where given_emails <> '{}' and id in (${mine})`, params)
  }
  const kinds = [...(options.releaseCards ? [`'card'`] : []), ...(options.releasePins ? [`'pin'`] : [])]
  if (kinds.length > 0) {
    await tx.query(
      `update credentials set origin = 'o' where kind in (${kinds.join(', ')}) and origin = 's' and user_id in (${mine})`,
      params,
    )
  }
}

/** Ids of the sources to which the plan of a run brought people of others. */
export async function newOwners(tx: Queries, runId: number): Promise<readonly number[]> {
  const found = await tx.query<{ id: number }>(
    `select distinct source_id as id from users where id in (${come('$1')}) and source_id is not null`,
    [runId],
  )
  return found.rows.map((row) => row.id)
}

/** SQL: the people whom a plan gives another owner, or one at all. */
function come(runId: string): string {
  return `select user_id from plan_items where run_id = ${runId} and object = 'user' and action in ('take over', 'adopt') and not left_out`
}
