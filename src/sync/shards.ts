// How a tenant's users are parted into lists that can be read side by side.

/** Up to here one list is read: three pages one after the other beat forty requests. */
export const PLAIN_UP_TO = 2000

/**
 * First characters of user principal names, which are never null and which filters compare without case. Names may
 * begin with others too (accented letters of guests, `+`): the sum is compared with the tenant's count, and on a
 * difference the plain list is read.
 *
 * @see https://learn.microsoft.com/graph/aad-advanced-queries (startsWith on userPrincipalName needs no advanced query)
 */
const FIRST_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_!#^~'.".split('')

/** Names of the listings in which users are read. */
export function userListings(count: number): readonly string[] {
  return count <= PLAIN_UP_TO ? ['users'] : FIRST_CHARACTERS.map((character) => `users:${character}`)
}

/** The OData filter of a listing; undefined for the plain list. */
export function filterOf(listing: string): string | undefined {
  const prefix = listing.slice('users:'.length)
  return prefix === '' ? undefined : `startsWith(userPrincipalName,'${prefix.replaceAll("'", "''")}')`
}
