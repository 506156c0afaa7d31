// Texts of Settings › Sign-in.
import type { SignInLack } from '../../contract/sign-in-refusals.ts'

export const signInSettingsTexts = {
  title: 'Sign-in',
  intro:
    'Who signs in with Microsoft, and who gets which role by it. People without a role see their own page only. Local accounts stay as they are.',
  redirect: 'Redirect URIs',
  redirectText:
    'Register exactly this for the app registration of each connection: Authentication › Add a platform › Web.',
  signedOutText:
    'And this one, also of platform Web: where Microsoft sends people back to who sign out here and at Microsoft.',
  noPublicUrl:
    'The server does not know under which address people reach it. Set MUSTER_PUBLIC_URL to it, e.g. https://muster.contoso.com, and start it again.',
  copy: 'Copy',
  copyOf: (uri: string) => `Copy ${uri}`,
  copied: 'Copied',
  ways: 'Connections and sources',
  connection: 'Connection',
  state: 'Sign-in',
  sources: 'Sources that use it',
  missing: 'What is missing',
  on: 'people sign in',
  off: 'nobody signs in',
  sourceOff: (names: string) => `Use as authentication server, in the source ${names}`,
  lacks: {
    'connection-option': 'Enable Sign in with Microsoft, in the connection',
    credential: 'A client secret, certificate or workload identity: nobody signs in through a managed identity',
    source: 'A source that takes people from it',
    'public-url': 'MUSTER_PUBLIC_URL, see above',
  } satisfies Record<Exclude<SignInLack, 'source-option'>, string>,
  noConnections: 'No connections',
  noConnectionsText: 'People sign in through a connection to their organization.',
  mappings: 'Roles',
  mappingsText:
    'An app role by its value, or a group by its object id. The highest role counts. Whoever may assign them in Entra decides who may do this here; the first time somebody gets a role it is alerted.',
  kind: 'By',
  kinds: { appRole: 'App role', group: 'Group' },
  value: 'Value or object id',
  values: { appRole: 'Value of the app role', group: 'Object id of the group' },
  valueHints: {
    appRole: 'As under App roles in the app registration, e.g. Muster.Operator. Not its display name.',
    group: 'A GUID. Names of groups are not taken: anybody may call a group like that.',
  },
  role: 'Role',
  add: 'Add role',
  addTitle: 'Give a role to people of a tenant',
  signsOut: 'Whoever has a role through this connection signs in again.',
  remove: 'Remove',
  removeTitle: (value: string) => `Remove ${value}?`,
  noMappings: 'No roles from Entra',
  noMappingsText: 'Whoever signs in with Microsoft sees only a page about himself. Local accounts administer.',
} as const
