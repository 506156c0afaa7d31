// Who gave a membership.

/**
 * SQL: whether a row of memberships is this source's to give and to end. Those of a removed source are too: it cannot be asked
 * any more, and whoever links its groups again answers for them. Those made by hand (0) never are.
 */
export function isGivenBy(membership: string, sourceId: string): string {
  return `(${membership}.source_id = ${sourceId}
    or (${membership}.source_id <> 0 and ${membership}.source_id not in (select id from sources)))`
}
