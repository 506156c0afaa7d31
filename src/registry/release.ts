// What a source gave and no longer withdraws passes to the registry.
import type { Queries } from '../database/connect.ts'
import { tenantOf } from './given.ts'

/** Targets from which a source withdraws nothing any more: what it gave there becomes the registry's own. */
export interface Releases {
  readonly releaseAliases: boolean
  readonly releaseCards: boolean
  readonly releasePins: boolean
  readonly releaseEmails: boolean
}

export interface ReleaseOptions extends Releases {
  readonly sourceId: number
  /** Only of these. */
  readonly people?: PeopleOfRun
}

/** Whom the plan of a run brought to another owner, or whom a revert put back. */
export interface PeopleOfRun {
  readonly runId: number
  readonly who: 'come' | 'put back'
}

/**
 * Makes everything that the source gave its users in these targets the registry's own; of its runs, those of the tenant that it reads:
 * nobody else is touched by them.
 */
export async function release(tx: Queries, options: ReleaseOptions): Promise<void> {
  const { sourceId, people } = options
  const params = people === undefined ? [sourceId] : [sourceId, people.runId]
  const mine = `select id from users where source_id = $1 ${people === undefined ? `and tenant_id = ${tenantOf('$1')}` : `and id in (${idsOf(people)} = $2)`}`
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

/** Ids of the sources that these people belong to. */
export async function ownersOf(tx: Queries, people: PeopleOfRun): Promise<readonly number[]> {
  const found = await tx.query<{ id: number }>(
    `select distinct source_id as id from users where id in (${idsOf(people)} = $1) and source_id is not null`,
    [people.runId],
  )
  return found.rows.map((row) => row.id)
}

/** SQL, to be ended with the run. */
function idsOf({ who }: PeopleOfRun): string {
  const come = `object = 'user' and action in ('take over', 'adopt') and`
  return `select user_id from plan_items where ${who === 'come' ? come : ''} not left_out and run_id`
}
