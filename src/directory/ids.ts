// Glossary of identifiers. `objectId` is Entra's id of a user or group (lower-case UUID) and, together with the
// tenant id, the only identity of a person. `userId` and `groupId` are Muster's own. Names, mail and
// userPrincipalName are attributes: they change and are reused, and nothing is ever joined by them.

declare const brand: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }

/** Microsoft's id of a tenant (`tid`), a lower-case UUID. */
export type TenantId = Branded<string, 'TenantId'>
/** Microsoft's id of a user or group inside one tenant, a lower-case UUID. */
export type ObjectId = Branded<string, 'ObjectId'>

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Lower-cases and checks; `undefined` when the text is not a UUID. */
export function parseObjectId(text: string): ObjectId | undefined {
  const lower = text.toLowerCase()
  // The check above is what the brand stands for.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return UUID.test(lower) ? (lower as ObjectId) : undefined
}

/** Lower-cases and checks; `undefined` when the text is not a UUID. */
export function parseTenantId(text: string): TenantId | undefined {
  const lower = text.toLowerCase()
  // The check above is what the brand stands for.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return UUID.test(lower) ? (lower as TenantId) : undefined
}
