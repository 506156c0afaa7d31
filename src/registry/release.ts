// What a source gave and no longer withdraws passes to the registry.
import type { Queries } from '../database/connect.ts'

/** Targets from which a source withdraws nothing any more: what it gave there becomes the registry's own. */
export interface Releases {
  readonly releaseAliases: boolean
  readonly releaseCards: boolean
  readonly releasePins: boolean
  readonly releaseEmails: boolean
}

/** Makes everything that the source gave its users in these targets the registry's own. */
export async function release(tx: Queries, options: Releases & { readonly sourceId: number }): Promise<void> {
  const mine = 'select id from users where source_id = $1'
  if (options.releaseAliases) {
    await tx.query(`update user_names set origin = 'o' where kind = 'a' and origin = 's' and user_id in (${mine})`, [
      options.sourceId,
    ])
  }
  if (options.releaseEmails) {
    await tx.query(`update users set given_emails = '{}' where source_id = $1 and given_emails <> '{}'`, [
      options.sourceId,
    ])
  }
  const kinds = [...(options.releaseCards ? ['card'] : []), ...(options.releasePins ? ['pin'] : [])]
  if (kinds.length > 0) {
    await tx.query(
      `update credentials set origin = 'o' where kind = any($2) and origin = 's' and user_id in (${mine})`,
      [options.sourceId, kinds],
    )
  }
}
