// Check connection: what signing in with Microsoft needs of the registration, as far as the registration can be read.
import type { GraphClient } from './client.ts'
import { bad, type Finding, good, warning } from './finding.ts'
import type { OwnRegistration } from './tenant.ts'

/**
 * An application reads its own registration without any permission, but only in its home tenant; elsewhere somebody has to look
 * himself. Muster signs in by the code flow, so that neither of the two implicit tokens has to be on.
 */
export function checkSignIn(
  client: GraphClient,
  options: { readonly own: OwnRegistration | undefined; readonly redirectUri: string | undefined },
): Finding[] {
  const { own, redirectUri } = options
  if (client.credentials.length > 0 && client.credentials.every(({ kind }) => kind === 'managedIdentity'))
    return [
      bad(
        'sign-in',
        'People cannot sign in through a managed identity: it is no app registration.',
        'Switch Sign in with Microsoft off for this connection, or make a second one with an app registration.',
      ),
    ]
  if (redirectUri === undefined)
    return [
      warning(
        'sign-in',
        'Whether Microsoft sends people back to this Muster cannot be checked here: the address that browsers use is not known.',
        'Look under Authentication of the app registration, platform Web, for the address that people open Muster by.',
      ),
    ]
  if (own?.redirectUris === undefined)
    return [
      warning(
        'sign-in',
        `Whether ${redirectUri} is a redirect URI of the application cannot be read here: an application sees its registration in its home tenant only, elsewhere with Application.Read.All.`,
        'Look under Authentication of the app registration, platform Web.',
      ),
    ]
  if (own.redirectUris.includes(redirectUri))
    return [good('sign-in', `${redirectUri} is a redirect URI of the application.`)]
  return [
    bad(
      'sign-in',
      `${redirectUri} is not among the redirect URIs of the application, so that Microsoft refuses to sign people in (AADSTS50011).`,
      'Add it to the app registration under Authentication, platform Web, letter by letter.',
    ),
  ]
}
