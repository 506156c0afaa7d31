// How an app is registered in Entra for a connection: the steps, with no more rights than what is chosen needs. The page in the web
// and docs/registering-the-app.md are made of this.
import { type Cloud, TOKEN_EXCHANGE_AUDIENCES } from '../directory/clouds.ts'
import type { PermissionNeed } from './permissions.ts'
import { PERMISSIONS } from './permissions.ts'
import type { CredentialChoice } from './credential-choices.ts'

export interface RegistrationChoice {
  readonly cloud: Cloud
  readonly credential: CredentialChoice
  readonly permissions: readonly PermissionNeed[]
  /** People sign in with Microsoft; and where Microsoft sends them back to, where that is known. */
  readonly signIn: boolean
  readonly redirectUri: string | undefined
}

/** One step. `values` are there to be copied. */
export interface RegistrationStep {
  readonly title: string
  readonly lines: readonly string[]
  readonly values: readonly { readonly label: string; readonly value: string }[]
}

const ADMIN_CENTRE: Readonly<Record<Cloud, string>> = {
  global: 'https://entra.microsoft.com',
  usGov: 'https://entra.microsoft.us',
  usGovDod: 'https://entra.microsoft.us',
  china: 'https://entra.microsoftonline.cn',
  custom: 'https://entra.microsoft.com',
}

/**
 * What `Connect-MgGraph` is told of the cloud; nothing for the global one.
 *
 * @see https://learn.microsoft.com/powershell/module/microsoft.graph.authentication/get-mgenvironment (seen 2026-11)
 */
const POWERSHELL_ENVIRONMENT: Readonly<Record<Cloud, string>> = {
  global: '',
  usGov: ' -Environment USGov',
  usGovDod: ' -Environment USGovDoD',
  china: ' -Environment China',
  custom: '',
}

/** The steps in their order. Pure: the same choice gives the same page. */
export function registrationSteps(choice: RegistrationChoice): readonly RegistrationStep[] {
  if (choice.credential === 'managedIdentity') return managedIdentitySteps(choice)
  return [
    register(choice),
    {
      title: 'Copy the two IDs',
      lines: ['Overview of the registration: Directory (tenant) ID and Application (client) ID go into the form here.'],
      values: [],
    },
    permissionStep(choice.permissions),
    choice.credential === 'workloadIdentity' ? federationStep(choice) : CREDENTIAL_STEPS[choice.credential],
    ...(choice.signIn ? [signInStep(choice)] : []),
    LAST,
  ]
}

function step(
  title: string,
  lines: readonly string[],
  values: readonly { readonly label: string; readonly value: string }[] = [],
): RegistrationStep {
  return { title, lines, values }
}

function register({ cloud, signIn, redirectUri }: RegistrationChoice): RegistrationStep {
  return step(
    'Register an application',
    [
      `${ADMIN_CENTRE[cloud]} › App registrations › New registration.`,
      'Supported account types: accounts in this organizational directory only.',
      signIn
        ? 'Redirect URI: platform Web, with the address below.'
        : 'Redirect URI: none is needed to synchronize. Where people are to sign in with Microsoft, it is added later under Authentication.',
    ],
    signIn && redirectUri !== undefined ? [{ label: 'Redirect URI', value: redirectUri }] : [],
  )
}

function permissionStep(permissions: readonly PermissionNeed[]): RegistrationStep {
  return step(
    'Grant permissions',
    [
      'API permissions › Add a permission › Microsoft Graph › Application permissions. Only reading, and only these:',
      ...permissions.map(
        ({ permission, reasons, isRequired }) =>
          `${permission}${isRequired ? '' : ' (optional)'}: ${reasons.join('; ')}.`,
      ),
      'Then Grant admin consent. User.Read, which Entra adds by itself, may be removed: it is not used.',
    ],
    permissions.map(({ permission }) => ({ label: 'Permission', value: permission })),
  )
}

const CREDENTIAL_STEPS: Readonly<
  Record<Exclude<CredentialChoice, 'managedIdentity' | 'workloadIdentity'>, RegistrationStep>
> = {
  secret: step('Make a client secret', [
    'Certificates & secrets › Client secrets › New client secret. It lasts at most 24 months.',
    'Copy its Value at once, because it is shown only now. The Secret ID beside it is not the secret.',
    'Muster reads by itself when it ends, and warns 60, 30, 14, 7 and 1 days before.',
  ]),
  newCertificate: step('Upload the certificate that Muster makes', [
    'Save the connection here; Muster makes the key, which never leaves it, and offers the certificate for download.',
    'Certificates & secrets › Certificates › Upload certificate. Compare the thumbprint with the one shown here.',
  ]),
  certificate: step(
    'Make and upload a certificate',
    [
      'With RSA key, e.g. by the command below. Upload muster.crt under Certificates & secrets › Certificates.',
      'Paste both files here, certificate and key. An existing PKI may issue it just as well.',
    ],
    [
      {
        label: 'Command',
        value:
          'openssl req -x509 -newkey rsa:3072 -nodes -sha256 -days 730 -subj /CN=Muster -keyout muster.key -out muster.crt',
      },
    ],
  ),
}

function federationStep({ cloud }: RegistrationChoice): RegistrationStep {
  return step(
    'Trust the platform',
    [
      'Certificates & secrets › Federated credentials › Add credential. Issuer and subject are those of the platform’s token, to the letter; in Kubernetes the subject is system:serviceaccount:NAMESPACE:ACCOUNT.',
      'Let the platform write a token for the audience below into a file that Muster may read, and name the same audience in the federated credential. A new credential takes some minutes to work.',
    ],
    [{ label: 'Audience', value: TOKEN_EXCHANGE_AUDIENCES[cloud] }],
  )
}

function signInStep({ redirectUri }: RegistrationChoice): RegistrationStep {
  return step(
    'Let people sign in',
    [
      redirectUri === undefined
        ? 'Authentication › Platform Web must have the address of this Muster with /signin/microsoft at its end, letter by letter.'
        : 'Authentication › Platform Web must have this redirect URI, letter by letter. Both tokens of the implicit flow stay off.',
      'Microsoft takes https, and http for the name localhost only: not for 127.0.0.1 or another name.',
      redirectUri === undefined
        ? 'Another one of platform Web that ends in /sign-in in its place brings people back when they sign out at Microsoft too.'
        : 'The second redirect URI, of platform Web as well, brings people back when they sign out at Microsoft too.',
      'API permissions › Add a permission › Microsoft Graph › Delegated permissions: openid and profile, then Grant admin consent. Then nobody is asked for consent.',
      'Where terminals sign people in by a code on another device: Authentication › Settings › Allow public client flows: Yes. Otherwise it stays off: Microsoft passwords at terminals do without it.',
      'Codes on another device are blocked where a Conditional Access policy has the condition Authentication flows › Device code flow, as Microsoft advises for tenants that do not use them: exclude this app there, or the people.',
      'For roles in Muster: App roles › Create, for Users/Groups, then assign people under Enterprise applications. To assign groups takes Entra ID P1, and only direct members get the role.',
      'Or by groups, whose object ids are mapped in Muster: Token configuration › Add groups claim. Security groups lists these alone; Groups assigned to the application lists those and takes Entra ID P1; All groups lists Microsoft 365 groups too. For mapped groups that are not listed Muster asks Graph.',
      'Token configuration › Add optional claim › ID › auth_time. It tells when somebody signed in, which is asked for before a new PIN of one’s own and before what administrators cannot take back.',
      'Enterprise applications › the app › Properties: Assignment required says whether everybody of the tenant may sign in, or those that are assigned.',
    ],
    redirectUri === undefined
      ? []
      : [
          { label: 'Redirect URI', value: redirectUri },
          { label: 'Redirect URI after signing out', value: signedOutUriOf(redirectUri) },
        ],
  )
}

/** Where Microsoft sends people who have signed out there too: the page to sign in at, beside where it sends those who have signed in. */
export function signedOutUriOf(redirectUri: string): string {
  return new URL('../sign-in', redirectUri).href
}

const LAST = step('Check connection', [
  'Check connection tells what still lacks, each with its remedy. Permissions work in tokens that are issued after the consent, so wait a minute.',
])

function managedIdentitySteps({ cloud, permissions, signIn }: RegistrationChoice): readonly RegistrationStep[] {
  return [
    step('Give the machine an identity', [
      'In the Azure portal, at the virtual machine, app or container that Muster runs on: Identity › System assigned, or User assigned. No app registration and no secret is needed.',
      'Its client ID is the Application (client) ID of the form here; the tenant ID is that of the subscription. Only for a user-assigned identity enter the client ID a second time.',
    ]),
    step(
      'Grant permissions',
      [
        'The portal has no page for it: run this in PowerShell as an administrator, with the object ID of the identity.',
        ...permissions.map(
          ({ permission, reasons, isRequired }) =>
            `${permission}${isRequired ? '' : ' (optional)'}: ${reasons.join('; ')}.`,
        ),
        'Azure keeps tokens of an identity for up to a day, so a permission may take as long to work.',
      ],
      [
        {
          label: 'Commands',
          value: [
            `Connect-MgGraph${POWERSHELL_ENVIRONMENT[cloud]} -Scopes AppRoleAssignment.ReadWrite.All,Application.Read.All`,
            `$graph = Get-MgServicePrincipal -Filter "appId eq '00000003-0000-0000-c000-000000000000'"`,
            ...permissions.map(
              ({ permission }) =>
                `New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $identity -PrincipalId $identity -ResourceId $graph.Id -AppRoleId ${PERMISSIONS[permission]} # ${permission}`,
            ),
          ].join('\n'),
        },
      ],
    ),
    ...(signIn
      ? [
          step('Signing in', [
            'People cannot sign in through a managed identity. Make a second connection with an app registration for it.',
          ]),
        ]
      : []),
    LAST,
  ]
}
