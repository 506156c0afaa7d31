// Sign in with Microsoft over the API: the way in, what somebody sees of himself, and who gets which role.
import { z } from 'zod'
import { SIGN_IN_LACKS } from '../sign-in-refusals.ts'
import { endpoint, id, name, ROLES, time } from './endpoint.ts'
import { WAYS } from './terminals.ts'

const tag = 'Sign-in'

/** An app role or group of a tenant and the role that it gives here. */
const roleMapping = z.object({
  id,
  connection: z.string(),
  kind: z.enum(['appRole', 'group']),
  /** Value of the app role, or object id of the group. */
  value: z.string(),
  role: z.enum(ROLES),
})
export type RoleMappingView = z.infer<typeof roleMapping>

/** What somebody who signed in with Microsoft sees of himself. */
const ownPage = z.object({
  id,
  userName: z.string(),
  fullName: z.string().nullable(),
  email: z.string().nullable(),
  department: z.string().nullable(),
  /** Other names that he is found by. */
  aliases: z.array(z.string()),
  connection: z.string(),
  role: z.enum(ROLES).nullable(),
  /** Groups of the tenant could not be asked for when he signed in; why, the audit says. Null where nothing is missing. */
  roleProblem: z.enum(['groups-not-told']).nullable(),
  groups: z.array(z.object({ name: z.string(), path: z.string() })),
  /** Masked; `isHeld`: it works. */
  /**
   * `registeredAt`: the terminal at which it was registered by himself; null: somebody else gave it to him, a source (`isOfSource`) or
   * somebody by hand; what a source gives once or a revert has put back counts as by hand.
   */
  cards: z.array(
    z.object({
      value: z.string(),
      isHeld: z.boolean(),
      since: time,
      registeredAt: z.string().nullable(),
      isOfSource: z.boolean(),
    }),
  ),
  /** `isOwn`: a new one can be drawn here; otherwise a source decides about it. */
  pin: z.object({ isSet: z.boolean(), since: time.nullable(), isOwn: z.boolean() }),
})
export type OwnPage = z.infer<typeof ownPage>

/** Where somebody was identified: one line for each terminal and way. */
const ownDevice = z.object({ terminal: z.string(), way: z.enum(WAYS), times: z.int(), lastAt: time })
export type OwnDevice = z.infer<typeof ownDevice>

/** What is there, and what is missing, before people can sign in. */
const signInSettings = z.object({
  /** Where the server is reached, as MUSTER_PUBLIC_URL says, or as this request was sent to this machine; null: neither. */
  publicUrl: z.string().nullable(),
  /** To be registered for each application, exactly so. */
  redirectUri: z.string().nullable(),
  connections: z.array(
    z.object({
      name: z.string(),
      signInWithMicrosoft: z.boolean(),
      sources: z.array(z.object({ name: z.string(), useAsAuthenticationServer: z.boolean() })),
      /** What has to be done before people can sign in through it; empty: they can. */
      lacks: z.array(z.enum(SIGN_IN_LACKS)),
    }),
  ),
})
export type SignInSettings = z.infer<typeof signInSettings>

export const SIGN_IN = {
  getSignInOptions: endpoint({
    method: 'GET',
    path: '/api/v1/sign-in/options',
    tag,
    summary: 'Which organizations people can sign in through here.',
    role: 'anyone',
    scope: null,
    answer: { kind: 'json', status: 200, body: z.object({ microsoft: z.array(z.object({ name: z.string() })) }) },
    audit: null,
  }),
  beginMicrosoft: endpoint({
    method: 'POST',
    path: '/api/v1/sign-in/microsoft',
    tag,
    summary: 'Begins to sign in with Microsoft in this browser, and tells where it has to go.',
    role: 'anyone',
    scope: null,
    body: z.strictObject({
      /** The one to sign in through; left out: the only one, or the one of the user name's domain. */
      connection: name.optional(),
      /** Chooses between connections, and is filled in at Microsoft. Whether there is such a user is not looked at. */
      userName: z.string().trim().min(1).max(300).optional(),
      /** Microsoft lets one choose an account, also whoever is signed in there with one. */
      selectAccount: z.boolean().optional(),
      /** A page of the web to go to afterwards. */
      returnTo: z.string().max(500).optional(),
    }),
    answer: { kind: 'json', status: 200, body: z.object({ url: z.string() }) },
    audit: 'session.start',
  }),
  proveAtMicrosoft: endpoint({
    method: 'POST',
    path: '/api/v1/session/proof/microsoft',
    tag,
    summary: 'Begins to prove anew who one is, at Microsoft, and tells where the browser has to go.',
    role: 'person',
    scope: null,
    body: z.strictObject({
      /** A page of the web to come back to. */
      returnTo: z.string().max(500).optional(),
    }),
    answer: { kind: 'json', status: 200, body: z.object({ url: z.string() }) },
    audit: 'session.prove',
  }),
  signOutOfMicrosoft: endpoint({
    method: 'DELETE',
    path: '/api/v1/session/microsoft',
    tag,
    summary: 'Ends this session, and tells where the browser ends the one with Microsoft too.',
    role: 'person',
    scope: null,
    answer: { kind: 'json', status: 200, body: z.object({ url: z.string().nullable() }) },
    audit: 'session.end',
  }),
  getOwnPage: endpoint({
    method: 'GET',
    path: '/api/v1/me',
    tag,
    summary: 'What somebody who signed in with Microsoft sees of himself.',
    role: 'person',
    scope: null,
    answer: { kind: 'json', status: 200, body: ownPage },
    audit: null,
  }),
  listOwnDevices: endpoint({
    method: 'GET',
    path: '/api/v1/me/devices',
    tag,
    summary: 'Terminals at which one was identified within 30 days, the latest first. Nobody else is told.',
    role: 'person',
    scope: null,
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(ownDevice) }) },
    audit: null,
  }),
  drawOwnPin: endpoint({
    method: 'POST',
    path: '/api/v1/me/pin',
    tag,
    summary: 'Draws oneself a new PIN. It is shown in this answer and never again; the one before stops working.',
    role: 'person',
    scope: null,
    answer: { kind: 'json', status: 201, body: z.object({ pin: z.string() }) },
    audit: 'pin.reset',
    needsProof: true,
  }),
  getSignInSettings: endpoint({
    method: 'GET',
    path: '/api/v1/sign-in/settings',
    tag,
    summary: 'Which connections and sources let people sign in, and the redirect URI to be registered.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: signInSettings },
    audit: null,
  }),
  listRoleMappings: endpoint({
    method: 'GET',
    path: '/api/v1/role-mappings',
    tag,
    summary: 'Which app roles and groups of tenants give which role here.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(roleMapping) }) },
    audit: null,
  }),
  createRoleMapping: endpoint({
    method: 'POST',
    path: '/api/v1/role-mappings',
    tag,
    summary:
      'Gives a role to whoever has an app role or is in a group. Who has a role through the connection signs in again.',
    role: 'administrator',
    scope: null,
    body: z.strictObject({
      connection: name,
      kind: z.enum(['appRole', 'group']),
      value: z.string().trim().min(1).max(200),
      role: z.enum(ROLES),
    }),
    answer: { kind: 'json', status: 201, body: roleMapping },
    audit: 'role-mapping.create',
    needsProof: true,
  }),
  removeRoleMapping: endpoint({
    method: 'DELETE',
    path: '/api/v1/role-mappings/:mapping',
    tag,
    summary: 'Removes a mapping. Who has a role through the connection signs in again.',
    role: 'administrator',
    scope: null,
    params: z.object({ mapping: id }),
    answer: { kind: 'nothing' },
    audit: 'role-mapping.remove',
    needsProof: true,
  }),
} as const
