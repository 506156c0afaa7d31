// Apart from the steps of a registration: the address table of the web needs the names alone, and loads them first.

/** What Muster can prove itself with; `newCertificate` is a certificate that it makes itself. */
export const CREDENTIAL_CHOICES = [
  'secret',
  'newCertificate',
  'certificate',
  'workloadIdentity',
  'managedIdentity',
] as const
export type CredentialChoice = (typeof CREDENTIAL_CHOICES)[number]
