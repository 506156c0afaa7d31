// Why signing in with Microsoft is refused: stable codes, for the audit, for the page that tells it, and for programs.

/** About the token that Microsoft's answer brings. */
export const TOKEN_REFUSALS = [
  /** The answer has no id token. */
  'token-missing',
  /** Not three parts of base64url JSON, or without claims that every id token has. */
  'token-malformed',
  /** Signed by another algorithm than RS256, or not at all. */
  'token-algorithm',
  /** Names or brings its own key, asks for extensions, or says that it is no plain JWT. */
  'token-header',
  /** Signed by a key that the tenant does not publish. */
  'token-key-unknown',
  'token-signature',
  'token-issuer',
  /** Made for another application, or for several. */
  'token-audience',
  /** Of another tenant than the connection's, or of none. */
  'token-tenant',
  /** Names no person: `oid` or `sub` lacks. */
  'token-object-id',
  /** Not of version 2.0. */
  'token-version',
  /** An access token, or a token of an application. */
  'token-kind',
  /** Not of this sign-in. */
  'token-nonce',
  'token-expired',
  'token-not-yet-valid',
] as const

/** About the way there and back. */
export const FLOW_REFUSALS = [
  /** The address of the callback carries nothing that can be used, or something twice. */
  'callback-malformed',
  /** The callback says that it comes from another issuer. */
  'callback-issuer',
  /** Never begun, already used, or begun more than ten minutes ago. */
  'flow-unknown',
  /** Begun in another browser. */
  'flow-other-browser',
  /** So many from the same network, or altogether, wait for Microsoft at this moment. */
  'too-many-at-once',
  /** The person did not want to, or did not consent. */
  'declined',
  /** Microsoft wants the person to do something that cannot be done here, e.g. a second factor beside a bare password. */
  'interaction-required',
  /** The application wants assigned users, and the person is none. */
  'not-assigned',
  /** Nobody has consented to the application. */
  'consent-missing',
  /** Blocked by a policy of the tenant. */
  'policy-blocked',
  /** The code was used, has expired, or belongs to another sign-in. */
  'code-refused',
  /** User name or password is wrong, or Microsoft does not tell more. */
  'password-refused',
  /** The password has to be changed first. */
  'password-expired',
  /** Disabled or locked at Microsoft. */
  'account-blocked',
  /** Microsoft refuses the application itself: its credential, its settings, or that it asks in this way. */
  'application-refused',
  /** Microsoft could not be reached, or answered with a fault of its own. */
  'provider-unavailable',
] as const

/** About the person, whom Microsoft knows and this registry does not let in. */
export const PERSON_REFUSALS = [
  /** Nobody in the registry has this tenant and object id. */
  'unknown-person',
  /** Deactivated in the registry. */
  'person-inactive',
  /** Active in the registry by the options of the source, and disabled or deleted in Entra when that read the person last. */
  'account-ended',
  /** The same, and the source is disabled: nothing finds out that the person is back before it is enabled. */
  'account-ended-source-disabled',
  /** No source owns the person any more, or the source does not say *Use as authentication server*. */
  'source-not-for-sign-in',
  /** The connection does not say *Enable Sign in with Microsoft*. */
  'connection-not-for-sign-in',
  /** The source of the person uses another connection than the one that was signed in through. */
  'other-connection',
] as const

/** Every reason there is. */
export const SIGN_IN_REFUSALS = [...TOKEN_REFUSALS, ...FLOW_REFUSALS, ...PERSON_REFUSALS] as const

/** What may lack before anybody can sign in through a connection. */
export const SIGN_IN_LACKS = [
  /** *Enable Sign in with Microsoft* is off in the connection. */
  'connection-option',
  /** It has a managed identity only. */
  'credential',
  /** No source takes people from it. */
  'source',
  /** *Use as authentication server* is off in each of its sources. */
  'source-option',
  /** Nobody knows under which address people reach the server; not asked by terminals. */
  'public-url',
] as const
export type SignInLack = (typeof SIGN_IN_LACKS)[number]

/** After these the same account would be refused again, and another one may not be. */
const OF_THE_ACCOUNT: readonly string[] = [
  ...PERSON_REFUSALS,
  'token-tenant',
  'not-assigned',
  'policy-blocked',
  'account-blocked',
] satisfies readonly (typeof SIGN_IN_REFUSALS)[number][]

/** Whether a refusal was about the account that somebody signed in with. */
export function isAboutAccount(code: string): boolean {
  return OF_THE_ACCOUNT.includes(code)
}

export type TokenRefusal = (typeof TOKEN_REFUSALS)[number]
export type FlowRefusal = (typeof FLOW_REFUSALS)[number]
export type PersonRefusal = (typeof PERSON_REFUSALS)[number]
export type SignInRefusal = (typeof SIGN_IN_REFUSALS)[number]
