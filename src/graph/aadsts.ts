// What the token service's AADSTS numbers mean for an administrator. Programs branch on `error` and on `kind` here; the
// numbers only choose the words, because Microsoft changes them (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).

/**
 * `credential`: this credential does not work, another one may. `config`: nothing will work until somebody changes
 * something. `transient`: worth another try.
 */
export type TokenFaultKind = 'credential' | 'config' | 'transient'

export interface TokenFault {
  readonly kind: TokenFaultKind
  readonly message: string
  readonly remedy: string
  /** An administrator of the tenant has to consent. */
  readonly needsConsent?: true
}

/** What the token service said, as far as it helps. */
export interface TokenRefusal {
  readonly aadsts: number | undefined
  /** The OAuth `error`, e.g. `invalid_client`. */
  readonly error: string
}

const NEW_SECRET =
  'Create a client secret under App registrations › Certificates & secrets and copy its Value, which is shown only once.'
const CHECK_TENANT = 'Check the tenant ID, the cloud, and that the application is registered in that tenant.'
const CHECK_CERTIFICATE =
  'Upload the certificate (without its key) under Certificates & secrets, and check that it has not expired.'

const WRONG_CLOUD: TokenFault = {
  kind: 'config',
  message: 'The application belongs to another cloud than the one that was asked.',
  remedy: 'Choose the cloud that the tenant is in; the application must be registered in that cloud.',
}

const NO_CONSENT: TokenFault = {
  kind: 'config',
  message: 'Consent to the application lacks, and people may not give it by themselves in this tenant.',
  remedy: 'Let an administrator grant consent under API permissions, for all.',
  needsConsent: true,
}

const FAULTS: Readonly<Record<number, TokenFault>> = {
  7000215: { kind: 'credential', message: 'The client secret is wrong.', remedy: NEW_SECRET },
  7000222: { kind: 'credential', message: 'The client secret has expired.', remedy: NEW_SECRET },
  7000218: { kind: 'credential', message: 'No client secret or certificate reached Microsoft.', remedy: NEW_SECRET },
  700027: {
    kind: 'credential',
    message: 'Microsoft does not know the certificate that signed the request.',
    remedy: CHECK_CERTIFICATE,
  },
  700024: {
    kind: 'credential',
    message: 'The signed request was outside its time.',
    remedy: 'Set the clock of this machine (NTP), then try again.',
  },
  50012: { kind: 'credential', message: 'The certificate or its signature was refused.', remedy: CHECK_CERTIFICATE },
  700025: {
    kind: 'config',
    message: 'The application is registered as a public client, which may not use a secret or certificate.',
    remedy:
      'Under Authentication, register a Web platform. Allow public client flows may stay on where terminals need it.',
  },
  70021: {
    kind: 'credential',
    message: 'No federated credential matches issuer and subject of the assertion.',
    remedy: 'Compare issuer, subject and audience of the federated credential letter by letter; new ones take minutes.',
  },
  700211: noFederated('issuer'),
  700212: noFederated('audience'),
  700213: noFederated('subject'),
  700222: {
    kind: 'credential',
    message: 'The assertion was made by Entra itself, which a federated credential does not take.',
    remedy: 'Use the token of the platform that Muster runs on, or a managed identity.',
  },
  1000502: {
    kind: 'credential',
    message: 'The certificate has expired or is not valid yet.',
    remedy: 'Make a new certificate, upload its public part, and check the clock of this machine.',
  },
  7000229: {
    kind: 'config',
    message: 'The application has no enterprise application (service principal) in this tenant.',
    remedy: 'Let an administrator of the tenant consent to it; that makes one.',
    needsConsent: true,
  },
  900382: WRONG_CLOUD,
  900432: WRONG_CLOUD,
  700016: {
    kind: 'config',
    message: 'The application is not known in this tenant.',
    remedy: `${CHECK_TENANT} An administrator of the tenant must have consented to it.`,
    needsConsent: true,
  },
  7000112: {
    kind: 'config',
    message: 'The application is disabled.',
    remedy: 'Enable it under Enterprise applications.',
  },
  70001: { kind: 'config', message: 'The application is disabled or unknown.', remedy: CHECK_TENANT },
  90002: { kind: 'config', message: 'The tenant does not exist in this cloud.', remedy: CHECK_TENANT },
  90013: { kind: 'config', message: 'Microsoft could not read the request.', remedy: CHECK_TENANT },
  900023: { kind: 'config', message: 'The tenant ID is neither a GUID nor a domain.', remedy: CHECK_TENANT },
  50059: { kind: 'config', message: 'The request names no tenant.', remedy: CHECK_TENANT },
  50194: {
    kind: 'config',
    message: 'A single-tenant application was asked for without its tenant.',
    remedy: 'Give the tenant ID, not "common".',
  },
  70011: { kind: 'config', message: 'The scope does not belong to this cloud.', remedy: 'Check the cloud setting.' },
  1002012: { kind: 'config', message: 'The scope does not belong to this cloud.', remedy: 'Check the cloud setting.' },
  500011: { kind: 'config', message: 'Microsoft Graph is not available in this tenant.', remedy: CHECK_TENANT },
  650057: { kind: 'config', message: 'The application does not ask for Microsoft Graph.', remedy: CHECK_TENANT },
  65001: {
    kind: 'config',
    message: 'Nobody has consented to the application.',
    remedy: 'Let an administrator grant consent under API permissions.',
    needsConsent: true,
  },
  90094: NO_CONSENT,
  53003: {
    kind: 'config',
    message: 'A Conditional Access policy blocks the application.',
    remedy: 'Exclude it or allow its location under Conditional Access for workload identities.',
  },
  50196: {
    kind: 'transient',
    message: 'Microsoft saw too many identical token requests.',
    remedy: 'Wait some minutes.',
  },
  90033: { kind: 'transient', message: "Microsoft's token service has a passing fault.", remedy: 'Try again later.' },
  50033: { kind: 'transient', message: "Microsoft's token service has a passing fault.", remedy: 'Try again later.' },
  50087: { kind: 'transient', message: "Microsoft's token service has a passing fault.", remedy: 'Try again later.' },
  90099: {
    kind: 'transient',
    message: 'The application has not reached this tenant yet.',
    remedy: 'Wait some minutes after registering it.',
  },
}

const BY_ERROR: Readonly<Record<string, TokenFault>> = {
  consent_required: NO_CONSENT,
  invalid_client: { kind: 'credential', message: 'Microsoft refused the credential.', remedy: NEW_SECRET },
  temporarily_unavailable: {
    kind: 'transient',
    message: "Microsoft's token service has a passing fault.",
    remedy: 'Try again later.',
  },
  server_error: {
    kind: 'transient',
    message: "Microsoft's token service has a passing fault.",
    remedy: 'Try again later.',
  },
}

/** Plain words and kind of a refusal. `pastedSecretId` says that the secret in use looks like the ID of one. */
export function explainRefusal(refusal: TokenRefusal, options: { readonly pastedSecretId: boolean }): TokenFault {
  if (options.pastedSecretId && (refusal.aadsts === 7000215 || refusal.error === 'invalid_client'))
    return {
      kind: 'credential',
      message: "What was entered as client secret is the secret's ID, not its value.",
      remedy: `Enter the Value column, not the Secret ID. ${NEW_SECRET}`,
    }
  return (
    (refusal.aadsts === undefined ? undefined : FAULTS[refusal.aadsts]) ??
    (Object.hasOwn(BY_ERROR, refusal.error) ? BY_ERROR[refusal.error] : undefined) ?? {
      kind: 'config',
      message: `Microsoft refused the token request (${refusal.error}).`,
      remedy: CHECK_TENANT,
    }
  )
}

function noFederated(what: 'issuer' | 'subject' | 'audience'): TokenFault {
  return {
    kind: 'credential',
    message: `No federated credential of the application has the ${what} of the assertion.`,
    remedy: `Compare the ${what} of the federated credential with the token's, letter by letter; a new one takes some minutes to work.`,
  }
}
