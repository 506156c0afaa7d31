// Who gave a membership.

/**
 * SQL: whether a row of memberships is this source's to give and to end. Those of a removed source are too: it cannot be asked
 * any more, and whoever links its groups again answers for them. So are those of a source that reads another tenant by now, where
 * they are of people of the tenant that this one reads: nobody else would ever end them. Those made by hand (0) never are.
 */
export function isGivenBy(membership: string, sourceId: string): string {
  // Whoever the source is, most rows are its own, or of one that reads the same tenant: people are looked up for none of these.
  return `(${membership}.source_id = ${sourceId}
    or (${membership}.source_id <> 0 and (${membership}.source_id not in (select id from sources)
      or (${membership}.source_id not in (
          select s.id from sources s join connections c on c.id = s.connection_id where c.tenant_id = ${tenantOf(sourceId)})
        and exists (select from users u where u.id = ${membership}.user_id and u.tenant_id = ${tenantOf(sourceId)})))))`
}

/** SQL: the tenant that a source reads. */
export function tenantOf(sourceId: string): string {
  return `(select c.tenant_id from sources s join connections c on c.id = s.connection_id where s.id = ${sourceId})`
}
