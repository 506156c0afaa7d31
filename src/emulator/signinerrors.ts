// Why people are not signed in and why grants are not redeemed: AADSTS numbers, `error` and status as in graph.md 5.8, and
// what the sign-in page says about them.
import type { AppRegistration } from './tenant.ts'
import type { Refusal } from './tokenerrors.ts'

type Words = readonly [error: string, text: string]

const grant = (code: number, text: string, more: Partial<Refusal> = {}): Refusal => ({
  code,
  status: 400,
  error: 'invalid_grant',
  text,
  ...more,
})

const request = (code: number, [error, text]: Words, status = 400): Refusal => ({ code, status, error, text })

const named = (app: AppRegistration): string => `'${app.appId}'(${app.displayName})`

// Microsoft does not repeat names of people in error texts.
const HIDDEN = '{EmailHidden}'

/** Errors of people and of grants. Those of clients are `refuse`. */
export const deny = {
  wrongPassword: () => grant(50126, 'Error validating credentials due to invalid username or password.'),
  unknownUser: (tenantId: string) =>
    grant(
      50034,
      `The user account ${HIDDEN} does not exist in the ${tenantId} directory. To sign into this application, the account must be added to the directory.`,
    ),
  foreignUser: (tenantName: string, app: AppRegistration) =>
    grant(
      50020,
      `User account '{EmailHidden}' from identity provider does not exist in tenant '${tenantName}' and cannot access the application ${named(app)} in that tenant. The account needs to be added as an external user in the tenant first.`,
    ),
  locked: () =>
    grant(
      50053,
      'The account is locked, you have tried to sign in too many times with an incorrect user ID or password.',
    ),
  expiredPassword: () => grant(50055, `The password of ${HIDDEN} is expired.`),
  noPassword: () =>
    grant(50056, 'Invalid or missing password: password does not exist in the directory for this user.'),
  disabledUser: () => grant(50057, 'The user account is disabled.'),
  deletedUser: (id: string, tenantId: string) =>
    grant(500341, `The user account ${id} has been deleted from the ${tenantId} directory.`),
  needsSecondFactor: () =>
    grant(
      50076,
      'Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.',
      { suberror: 'basic_action' },
    ),
  needsEnrolment: () =>
    grant(
      50079,
      'Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access the resource.',
      { suberror: 'basic_action' },
    ),
  secondFactorDenied: () => grant(500121, 'Authentication failed during strong authentication request.'),
  blockedByPolicy: () =>
    grant(
      53003,
      'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
      {
        suberror: 'message_only',
        claims: '{"access_token":{"capolids":{"essential":true,"values":["00000000-0000-4000-8000-000000000053"]}}}',
      },
    ),
  notAssigned: (app: AppRegistration) =>
    request(50105, [
      'access_denied',
      `Your administrator has configured the application ${app.displayName} ('${app.appId}') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '${HIDDEN}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator.`,
    ]),
  noConsent: (app: AppRegistration) =>
    grant(
      65001,
      `The user or administrator has not consented to use the application with ID '${app.appId}' named '${app.displayName}'. Send an interactive authorization request for this user and resource.`,
      { suberror: 'consent_required' },
    ),
  declined: () => request(65004, ['access_denied', 'User declined to consent to access the app.']),
  silentSignIn: () => request(50058, ['login_required', 'A silent sign-in request was sent but no user is signed in.']),
  wrongReplyAddress: (uri: string, app: AppRegistration) =>
    request(50011, [
      'invalid_request',
      `The redirect URI '${uri}' specified in the request does not match the redirect URIs configured for the application '${app.appId}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this error.`,
    ]),
  noReplyAddress: (app: AppRegistration) =>
    request(500113, ['invalid_request', `No reply address is registered for the application ${named(app)}.`]),
  singleTenant: (app: AppRegistration, endpoint: string) =>
    request(50194, [
      'invalid_request',
      `Application ${named(app)} is not configured as a multi-tenant application. Usage of the /${endpoint} endpoint is not supported for such apps. Use a tenant-specific endpoint or configure the application to be multi-tenant.`,
    ]),
  responseType: (type: string) =>
    request(700054, ['unsupported_response_type', `response_type '${type}' is not enabled for the application.`]),
  unknownResponseType: (type: string) =>
    request(70007, [
      'unsupported_response_type',
      `'${type}' is not a supported response type or mode for this request.`,
    ]),
  badParameter: (name: string, value: string) =>
    request(90023, ['invalid_request', `Unsupported '${name}' value '${value}'.`]),
  missingNonce: () =>
    request(50182, ['invalid_request', "The request for an id token must contain the parameter 'nonce'."]),
  badChallenge: () => request(501491, ['invalid_request', 'Invalid size of Code_Challenge parameter.']),
  challengeNeeded: () =>
    request(9002325, [
      'invalid_request',
      'Proof Key for Code Exchange is required for cross-origin authorization code redemption.',
    ]),
  badCode: () => grant(70000, "The provided value for the input parameter 'code' is not valid."),
  codeOfOtherApp: () => grant(70000, 'The provided authorization code was issued to another application.'),
  codeOfOtherTenant: () =>
    grant(700005, 'Provided Authorization Code is intended to use against other tenant, thus rejected.'),
  expiredCode: () =>
    grant(
      70008,
      'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
    ),
  usedCode: () =>
    grant(
      54005,
      'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    ),
  wrongVerifier: () =>
    grant(501481, 'The Code_Verifier does not match the code_challenge supplied in the authorization request.'),
  missingVerifier: () =>
    grant(50148, 'The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.'),
  replyAddressDiffers: (given: string, first: string) =>
    request(500112, [
      'invalid_client',
      `The reply address '${given}' does not match the reply address '${first}' provided when requesting Authorization code.`,
    ]),
  badRefreshToken: () => grant(70000, "The provided value for the input parameter 'refresh_token' is not valid."),
  expiredRefreshToken: () =>
    grant(700082, 'The refresh token has expired due to inactivity and was inactive for 90.00:00:00.'),
  expiredBrowserRefreshToken: () =>
    grant(
      700084,
      'The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page.',
    ),
  revokedGrant: () =>
    grant(50173, 'The provided grant has expired due to it being revoked, a fresh auth token is needed.', {
      suberror: 'bad_token',
    }),
  notCrossOrigin: () =>
    request(9002327, [
      'invalid_request',
      "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    ]),
  crossOrigin: () =>
    request(9002326, [
      'invalid_request',
      "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.",
    ]),
  publicWithCredential: () =>
    request(
      700025,
      ['invalid_client', "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."],
      401,
    ),
  sharedEndpoint: () =>
    request(9001023, [
      'invalid_request',
      'The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.',
    ]),
  pending: () =>
    request(70016, [
      'authorization_pending',
      'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
    ]),
  slowDown: () => request(70016, ['slow_down', 'OAuth 2.0 device flow error. The polls come too often.']),
  deviceDeclined: () =>
    request(65004, ['authorization_declined', 'User declined to sign in to the app on the device.']),
  badDeviceCode: () => request(70018, ['bad_verification_code', 'Invalid verification code.']),
  expiredDeviceCode: () => request(70020, ['expired_token', 'The device code is expired.']),
} satisfies Record<string, (...given: never[]) => Refusal>

/** What the sign-in page says, for those errors that it words in its own way. */
const PAGE_WORDS: Readonly<Record<number, string>> = {
  50126: 'Your account or password is incorrect. If you don’t remember your password, reset it now.',
  50034: 'This username may be incorrect. Make sure you typed it correctly. Otherwise, contact your admin.',
  50053:
    'Your account is temporarily locked to prevent unauthorized use. Try again later, and if you still have trouble, contact your admin.',
  50055: 'Your password has expired. It must be changed before you can sign in.',
  50056: 'Your account has no password. Sign in another way, or contact your admin.',
  50057: 'Your account has been locked. Contact your support person to unlock it, then try again.',
  500121: 'We didn’t hear from you, or you denied the request. Try again.',
  53003:
    'Your sign-in was successful but does not meet the criteria to access this resource. For example, you might be signing in from a browser, app, location, or an authentication flow that is restricted by your admin.',
}

/** What a person reads about a refusal. */
export function pageWords(refused: Refusal): string {
  return PAGE_WORDS[refused.code] ?? `AADSTS${refused.code}: ${refused.text}`
}
