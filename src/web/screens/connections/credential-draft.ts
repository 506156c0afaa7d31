// A credential while somebody types it, and as it is sent.
import type { ConnectionForm, NewCredential } from '../../../contract/api/connections.ts'
import type { CredentialChoice } from '../../../contract/credential-choices.ts'

export interface CredentialDraft {
  readonly choice: CredentialChoice
  readonly secret: string
  /** YYYY-MM-DD, or empty. */
  readonly expires: string
  readonly certificate: string
  readonly file: string
  /** Client id of a user-assigned identity. */
  readonly identity: string
}

export const NO_CREDENTIAL: CredentialDraft = {
  choice: 'secret',
  secret: '',
  expires: '',
  certificate: '',
  file: '',
  identity: '',
}

/** Whether anything is chosen or typed. */
export function isBegun(draft: CredentialDraft): boolean {
  return Object.entries(NO_CREDENTIAL).some(([key, empty]) => Reflect.get(draft, key) !== empty)
}

/** Which of its fields stays empty though it must not; undefined where nothing lacks. */
export function missingField(draft: CredentialDraft): 'clientSecret' | 'certificate' | 'workloadIdentity' | undefined {
  if (draft.choice === 'secret' && draft.secret === '') return 'clientSecret'
  if (draft.choice === 'certificate' && draft.certificate === '') return 'certificate'
  if (draft.choice === 'workloadIdentity' && draft.file.trim() === '') return 'workloadIdentity'
  return undefined
}

/** As a part of the form of a connection; nothing where a field is empty that must not be. */
export function asPartOfForm(draft: CredentialDraft): Partial<ConnectionForm> {
  if (missingField(draft) !== undefined) return {}
  switch (draft.choice) {
    case 'secret':
      return { clientSecret: draft.secret, ...(draft.expires === '' ? {} : { clientSecretExpires: draft.expires }) }
    case 'certificate':
      return { certificate: draft.certificate }
    case 'newCertificate':
      return { makeCertificate: true }
    case 'workloadIdentity':
      return { workloadIdentity: { file: draft.file.trim() } }
    case 'managedIdentity':
      return { managedIdentity: draft.identity.trim() === '' ? true : { clientId: draft.identity.trim() } }
  }
}

/** As one to be added to a connection. */
export function asNewCredential(draft: CredentialDraft): NewCredential {
  switch (draft.choice) {
    case 'secret':
      return { kind: 'secret', clientSecret: draft.secret, ...(draft.expires === '' ? {} : { expires: draft.expires }) }
    case 'certificate':
      return { kind: 'certificate', certificate: draft.certificate }
    case 'newCertificate':
      return { kind: 'newCertificate' }
    case 'workloadIdentity':
      return { kind: 'workloadIdentity', file: draft.file.trim() }
    case 'managedIdentity':
      return {
        kind: 'managedIdentity',
        ...(draft.identity.trim() === '' ? {} : { clientId: draft.identity.trim() }),
      }
  }
}
