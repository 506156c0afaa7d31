// How a tenant's users are parted into lists that can be read side by side.

/**
 * Up to here one list is read: its 20 pages come one after the other, but memberships are read beside them, while parted
 * lists are at least 44 requests that those have to wait for. Higher, and a middling tenant waits for pages; lower, and
 * it waits for lists that are nearly empty.
 */
const PLAIN_UP_TO = 20_000

/**
 * First characters that user principal names are allowed to have; filters compare them without case. Names are never
 * null, but some begin otherwise, so the sum is compared with the tenant's count.
 *
 * @see https://learn.microsoft.com/graph/aad-advanced-queries (startsWith on userPrincipalName needs no advanced query)
 */
const FIRST_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_!#^~'.".split('')
/** Where names of guests are seen to begin besides: asked only when somebody is missing. */
const ODD_CHARACTERS = '+àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþßāăąćčďđēęěğīįıķļľłńňņőœřśşšșťțūůűųźżž'.split('')

/** Names of the listings in which users are read. */
export function userListings(count: number, plainUpTo = PLAIN_UP_TO): readonly string[] {
  return count <= plainUpTo ? ['users'] : FIRST_CHARACTERS.map(nameOf)
}

/** Names of further listings, for when those of {@link userListings} do not sum up. */
export function oddUserListings(): readonly string[] {
  return ODD_CHARACTERS.map(nameOf)
}

function nameOf(character: string): string {
  return `users:${character}`
}

/** The OData filter of a listing; undefined for the plain list. */
export function filterOf(listing: string): string | undefined {
  const prefix = listing.slice('users:'.length)
  return prefix === '' ? undefined : `startsWith(userPrincipalName,'${prefix.replaceAll("'", "''")}')`
}
