// Check connection: what signing in with Microsoft needs of the registration, as far as the registration can be read.
import type { GraphClient } from './client.ts'
import { bad, type Finding, good, warning } from './finding.ts'
import type { OwnRegistration } from './tenant.ts'

/** What people at terminals sign in by at Microsoft. */
export type TerminalWay = 'deviceCode' | 'password'

export interface SignInNeeds {
  /** Where Microsoft sends people back to; undefined where that is not known. */
  readonly redirectUri: string | undefined
  /** Where it sends them when they have signed out there too. */
  readonly signedOutUri: string | undefined
  /** Ways that terminals may use through this connection. */
  readonly atTerminals: readonly TerminalWay[]
}

/**
 * An application reads its own registration without any permission, but only in its home tenant; elsewhere somebody has to look
 * himself. Muster signs in by the code flow, so that neither of the two implicit tokens has to be on.
 */
export function checkSignIn(
  client: GraphClient,
  options: SignInNeeds & Compared & { readonly federated: readonly string[] },
): Finding[] {
  if (client.credentials.length > 0 && client.credentials.every(({ kind }) => kind === 'managedIdentity'))
    return [
      bad(
        'sign-in',
        'People cannot sign in through a managed identity: it is no app registration.',
        'Switch Sign in with Microsoft off for this connection, or make a second one with an app registration.',
      ),
    ]
  return [
    checkRedirectUri(options),
    ...checkSignedOutUri(options),
    checkAuthTime(options),
    ...checkPublicClient(options),
    ...checkFederation(options),
  ]
}

interface Compared {
  readonly own: OwnRegistration | undefined
}

function checkRedirectUri({ own, redirectUri }: Compared & Pick<SignInNeeds, 'redirectUri'>): Finding {
  if (redirectUri === undefined)
    return warning(
      'sign-in',
      'Whether Microsoft sends people back to this Muster cannot be checked here: the address that browsers use is not known.',
      'Look under Authentication of the app registration, platform Web, for the address that people open Muster by.',
    )
  if (own?.redirectUris === undefined)
    return warning(
      'sign-in',
      `Whether ${redirectUri} is a redirect URI of the application cannot be read here: an application sees its registration in its home tenant only, elsewhere with Application.Read.All.`,
      'Look under Authentication of the app registration, platform Web.',
    )
  if (own.redirectUris.includes(redirectUri))
    return good('sign-in', `${redirectUri} is a redirect URI of the application.`)
  return bad(
    'sign-in',
    `${redirectUri} is not among the redirect URIs of the application, so that Microsoft refuses to sign people in (AADSTS50011).`,
    'Add it to the app registration under Authentication, platform Web, letter by letter.',
  )
}

/** Signing in does without it, so that only what is known to lack is told. */
function checkSignedOutUri({ own, signedOutUri }: Compared & Pick<SignInNeeds, 'signedOutUri'>): Finding[] {
  if (own?.redirectUris === undefined || signedOutUri === undefined) return []
  if (own.redirectUris.includes(signedOutUri))
    return [good('sign-in', `${signedOutUri} is a redirect URI too: who signs out at Microsoft as well comes back.`)]
  return [
    warning(
      'sign-in',
      `${signedOutUri} is not among the redirect URIs of the application, so that Sign out here and at Microsoft ends on a page of Microsoft's.`,
      'Add it to the app registration under Authentication, platform Web, beside the other one.',
    ),
  ]
}

/**
 * When somebody signed in is said by id tokens of applications that ask for it, and by those that were asked with `max_age`, which Muster does where
 * something sensitive is to be done.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/optional-claims-reference (`auth_time`, seen 2026-12)
 */
function checkAuthTime({ own }: Compared): Finding {
  const remedy = 'Token configuration › Add optional claim › Token type ID › auth_time › Add, in the app registration.'
  if (own?.idTokenClaims === undefined)
    return warning(
      'sign-in',
      'Whether ID tokens tell when somebody signed in (the optional claim auth_time) cannot be read here. It is asked for before people from Microsoft approve plans, or draw themselves a PIN.',
      `Look there yourself: ${remedy}`,
    )
  if (own.idTokenClaims.includes('auth_time'))
    return good(
      'sign-in',
      'ID tokens tell when somebody signed in (the optional claim auth_time), so that a sign-in of late proves who it is.',
    )
  return warning(
    'sign-in',
    'ID tokens do not tell when somebody signed in: auth_time is not among the optional claims of the application. Whoever signs in with Microsoft is asked to prove once more who he is before he approves plans or draws himself a PIN, and is refused (proof-missing) where Microsoft does not say it then either.',
    remedy,
  )
}

/**
 * Codes on another device are for public clients; a password goes with the connection's credential as well, so that nothing has to be switched for it.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code, v2-oauth-ropc (seen 2026-11)
 */
function checkPublicClient({ own, atTerminals }: Compared & Pick<SignInNeeds, 'atTerminals'>): Finding[] {
  if (!atTerminals.includes('deviceCode')) return []
  if (own?.allowsPublicClient === true)
    return [
      good(
        'sign-in',
        'Allow public client flows is on, for people who sign in at terminals by a code on another device.',
      ),
    ]
  const message =
    own?.allowsPublicClient === undefined
      ? 'Whether Allow public client flows is on cannot be read here. It is there for people who sign in at terminals by a code on another device.'
      : "Allow public client flows is off. Without it Microsoft may refuse people who sign in at terminals by a code on another device (AADSTS7000218): Muster then sends the application's credential, which is not what Microsoft documents for them."
  const remedy = 'Set Allow public client flows to Yes in the app registration, under Authentication › Settings.'
  return [
    warning('sign-in', message, own?.allowsPublicClient === undefined ? `Look there yourself: ${remedy}` : remedy),
  ]
}

/** Microsoft answers such a password as it answers a wrong one (AADSTS50126), so that nobody would find out by it. */
function checkFederation(
  options: Pick<SignInNeeds, 'atTerminals'> & { readonly federated: readonly string[] },
): Finding[] {
  const { atTerminals, federated } = options
  if (!atTerminals.includes('password') || federated.length === 0) return []
  const named = federated.slice(0, DOMAINS_NAMED).join(', ')
  const more = federated.length > DOMAINS_NAMED ? ` and ${federated.length - DOMAINS_NAMED} more` : ''
  return [
    warning(
      'sign-in',
      `People of ${named}${more} have their passwords at an identity provider of their own (federated). At a terminal Microsoft refuses them like wrong ones (AADSTS50126).`,
      'Have them sign in by a code on another device. Otherwise synchronize password hashes to Entra and allow them there for this application (home realm discovery policy, AllowCloudPasswordValidation).',
    ),
  ]
}

const DOMAINS_NAMED = 5
