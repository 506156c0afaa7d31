// Attributes of which the mirror has just lost every value that it knew.
import type { Queries } from '../database/connect.ts'

/** Notes them with the source; the plans that follow are held until one of them is applied. */
export async function noteClearedEverywhere(
  tx: Queries,
  sourceId: number,
  attributes: readonly string[],
): Promise<void> {
  await tx.query(
    `update sources set cleared_everywhere = array(select distinct a from unnest(cleared_everywhere || $2::text[]) a order by a)
     where id = $1`,
    [sourceId, attributes],
  )
}
