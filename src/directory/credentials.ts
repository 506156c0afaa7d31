// How an application proves to Entra who it is, by the words that every part of Muster uses for it.

export const CREDENTIAL_KINDS = ['secret', 'certificate', 'workloadIdentity', 'managedIdentity'] as const
/**
 * `workloadIdentity`: the token of another issuer, in a file that somebody else keeps fresh. `managedIdentity`: what the
 * machine in Azure that Muster runs on is.
 */
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number]

/** Client secrets are 40 characters or so with symbols; a GUID is the Secret ID that stands beside it in the admin centre. */
export function looksLikeSecretId(secret: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(secret.trim())
}

/** Said where a {@link looksLikeSecretId | secret's ID} was entered. */
export const SECRET_ID_PASTED =
  'this is the ID of a client secret, not its value; copy the Value column, which Entra shows only once, right after the secret was made'
