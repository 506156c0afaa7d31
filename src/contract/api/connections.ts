// Connections over the API: what is kept, what is asked of Microsoft through one.
import { z } from 'zod'
import { CLOUDS } from '../../directory/clouds.ts'
import { CREDENTIAL_KINDS } from '../../directory/credentials.ts'
import { expiryDay, managedIdentity, workloadIdentity } from '../credentials.ts'
import { CREDENTIAL_CHOICES } from '../credential-choices.ts'
import { endpoint, flag, id, name, time } from './endpoint.ts'

/** A credential as it is shown, without its value. Those of a connection are tried in their order. */
export const credentialView = z.object({
  id: z.string(),
  kind: z.enum(CREDENTIAL_KINDS),
  /** `made`: key and certificate were made by Muster; the public part is to be uploaded. */
  origin: z.enum(['given', 'made']),
  /** Certificates: SHA-1, as the Entra admin centre shows it. */
  thumbprint: z.string().nullable(),
  /** The file of a workload identity; the client id of a managed identity that was assigned. */
  detail: z.string().nullable(),
  addedAt: time,
  expiresAt: time.nullable(),
  /** Who says so: the certificate, Entra (read from the app registration), or whoever entered it. */
  expiryFrom: z.enum(['certificate', 'entra', 'entered']).nullable(),
  /** What came of the latest try, in a check or a run. */
  state: z.enum(['untried', 'works', 'refused']),
  stateAt: time.nullable(),
  /** Why it was refused, and what helps. */
  reason: z.string().nullable(),
  remedy: z.string().nullable(),
})
export type CredentialView = z.infer<typeof credentialView>

/** A connection as it is shown. Secrets are not. */
export const connectionView = z.object({
  name: z.string(),
  tenantId: z.string(),
  clientId: z.string(),
  cloud: z.enum(CLOUDS),
  authorityUrl: z.string().nullable(),
  graphUrl: z.string().nullable(),
  signInWithMicrosoft: z.boolean(),
  /** People type their Microsoft passwords at terminals that may ask for them. */
  passwordsAtTerminals: z.boolean(),
  credentials: z.array(credentialView),
  /** When the app registration last told when its client secrets end; it is asked once a day. */
  expiryReadAt: time.nullable(),
  /** Why it did not the latest time; the end can be entered then. */
  expiryProblem: z.string().nullable(),
  /** Names of the sources that it feeds. */
  sources: z.array(z.string()),
  /** When somebody changed it last, or one of its credentials. */
  updatedAt: time,
})
export type ConnectionView = z.infer<typeof connectionView>

const secret = z.string().min(1).max(2000)
const pem = z.string().min(1).max(100_000)

/**
 * A connection as the form sends it. Credentials that are left out stay as they are; a new one replaces the one of its kind.
 * Everything else is checked like the config file, with all mistakes at once.
 */
export const connectionForm = z.strictObject({
  name,
  tenantId: z.string(),
  clientId: z.string(),
  clientSecret: secret.optional(),
  /** The day on which the secret ends, as Entra shows it; Muster reads it by itself where it may. */
  clientSecretExpires: expiryDay.optional(),
  /** PEM of certificate and key. */
  certificate: pem.optional(),
  /** Muster makes key and certificate; the public part is to be uploaded. */
  makeCertificate: z.literal(true).optional(),
  workloadIdentity: workloadIdentity.optional(),
  managedIdentity: managedIdentity.optional(),
  cloud: z.enum(CLOUDS).default('global'),
  authorityUrl: z.string().optional(),
  graphUrl: z.string().optional(),
  signInWithMicrosoft: z.boolean().default(false),
  passwordsAtTerminals: z.boolean().default(false),
})
export type ConnectionForm = z.input<typeof connectionForm>

/** A credential to add to a connection. */
export const newCredential = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('secret'), clientSecret: secret, expires: expiryDay.optional() }),
  /** PEM of certificate and key. */
  z.strictObject({ kind: z.literal('certificate'), certificate: pem }),
  /** Muster makes key and certificate. */
  z.strictObject({ kind: z.literal('newCertificate') }),
  z.strictObject({ kind: z.literal('workloadIdentity'), ...workloadIdentity.shape }),
  z.strictObject({ kind: z.literal('managedIdentity'), clientId: z.string().optional() }),
])

export type NewCredential = z.input<typeof newCredential>

/**
 * One answer of *Check connection*; `remedy` is empty when there is nothing to do, and warns where `ok` is true. `link` is where an
 * administrator of the tenant does it.
 */
export const finding = z.object({
  check: z.string(),
  ok: z.boolean(),
  message: z.string(),
  remedy: z.string(),
  link: z.string().nullable(),
})
export type CheckFinding = z.infer<typeof finding>
const findings = z.object({ connection: z.string(), ok: z.boolean(), findings: z.array(finding) })

const directoryObject = z.object({
  objectId: z.string(),
  name: z.string(),
  /** Users: the user principal name; groups: the type. */
  detail: z.string(),
})
export type DirectoryObject = z.infer<typeof directoryObject>

const tag = 'Connections'
const one = z.object({ connection: name })
const oneCredential = one.extend({ credential: id })

export const CONNECTIONS = {
  listConnections: endpoint({
    method: 'GET',
    path: '/api/v1/connections',
    tag,
    summary: 'All connections, by name.',
    role: 'viewer',
    scope: 'read',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(connectionView) }) },
    audit: null,
  }),
  getConnection: endpoint({
    method: 'GET',
    path: '/api/v1/connections/:connection',
    tag,
    summary: 'One connection.',
    role: 'viewer',
    scope: 'read',
    params: one,
    answer: { kind: 'json', status: 200, body: connectionView },
    audit: null,
  }),
  createConnection: endpoint({
    method: 'POST',
    path: '/api/v1/connections',
    tag,
    summary:
      'Makes a connection; its secrets are sealed and never shown again. Tokens make none that people sign in through (409 `connection-of-sign-in`).',
    role: 'administrator',
    scope: 'configure',
    body: connectionForm,
    answer: { kind: 'json', status: 201, body: connectionView },
    audit: 'connection.create',
    isIdempotent: true,
    needsProof: true,
  }),
  changeConnection: endpoint({
    method: 'PUT',
    path: '/api/v1/connections/:connection',
    tag,
    summary:
      'Changes a connection. Credentials that are left out stay. How people sign in is not changed by tokens (409 `connection-of-sign-in`).',
    role: 'administrator',
    scope: 'configure',
    params: one,
    body: connectionForm.omit({ name: true }).extend({
      /** As it was told with what this is made from: refused with `changed-meanwhile` where it is another by now. */
      updatedAt: time.optional(),
    }),
    answer: { kind: 'json', status: 200, body: connectionView },
    audit: 'connection.change',
    needsProof: true,
  }),
  removeConnection: endpoint({
    method: 'DELETE',
    path: '/api/v1/connections/:connection',
    tag,
    summary: 'Removes a connection that feeds no source.',
    role: 'administrator',
    scope: 'configure',
    params: one,
    answer: { kind: 'nothing' },
    audit: 'connection.remove',
  }),
  addCredential: endpoint({
    method: 'POST',
    path: '/api/v1/connections/:connection/credentials',
    tag,
    summary:
      'Adds a credential beside those that are there, so that one can be replaced without a gap. The newest is tried first.',
    role: 'administrator',
    scope: 'configure',
    params: one,
    body: newCredential,
    answer: { kind: 'json', status: 201, body: credentialView },
    audit: 'connection.credential-add',
    isIdempotent: true,
  }),
  changeCredential: endpoint({
    method: 'PUT',
    path: '/api/v1/connections/:connection/credentials/:credential',
    tag,
    summary: 'Tells when a client secret ends, where Muster cannot read it.',
    role: 'administrator',
    scope: 'configure',
    params: oneCredential,
    body: z.strictObject({ expires: expiryDay.nullable() }),
    answer: { kind: 'json', status: 200, body: credentialView },
    audit: 'connection.credential-change',
  }),
  removeCredential: endpoint({
    method: 'DELETE',
    path: '/api/v1/connections/:connection/credentials/:credential',
    tag,
    summary: 'Removes a credential; the last one stays as long as the connection feeds a source.',
    role: 'administrator',
    scope: 'configure',
    params: oneCredential,
    answer: { kind: 'nothing' },
    audit: 'connection.credential-remove',
  }),
  getCertificate: endpoint({
    method: 'GET',
    path: '/api/v1/connections/:connection/credentials/:credential/certificate',
    tag,
    summary: 'The public part of a certificate, to be uploaded to the app registration. Its key is never given out.',
    role: 'operator',
    scope: 'configure',
    params: oneCredential,
    answer: { kind: 'file', types: ['application/x-pem-file'] },
    audit: null,
  }),
  getRegistrationSteps: endpoint({
    method: 'GET',
    path: '/api/v1/app-registration',
    tag,
    summary:
      'How to register the app in Entra for what is chosen, step by step, with no more permissions than it needs. With a connection: for its sources.',
    role: 'viewer',
    scope: 'read',
    query: z.object({
      connection: name.optional(),
      cloud: z.enum(CLOUDS).default('global'),
      credential: z.enum(CREDENTIAL_CHOICES).default('secret'),
      signIn: flag.default(false),
    }),
    answer: {
      kind: 'json',
      status: 200,
      body: z.object({
        steps: z.array(
          z.object({
            title: z.string(),
            lines: z.array(z.string()),
            values: z.array(z.object({ label: z.string(), value: z.string() })),
          }),
        ),
      }),
    },
    audit: null,
  }),
  checkConnection: endpoint({
    method: 'POST',
    path: '/api/v1/connections/:connection/check',
    tag,
    summary: 'Check connection: what works, what does not, and what to do about it.',
    role: 'operator',
    scope: 'runs',
    params: one,
    answer: { kind: 'json', status: 200, body: findings },
    audit: 'connection.check',
  }),
  checkConnectionForm: endpoint({
    method: 'POST',
    path: '/api/v1/connection-check',
    tag,
    summary:
      'Check connection before it is saved. With the name of one that exists, credentials left out are those on file.',
    role: 'administrator',
    scope: 'configure',
    body: connectionForm,
    answer: { kind: 'json', status: 200, body: findings },
    audit: 'connection.check',
  }),
  searchDirectory: endpoint({
    method: 'GET',
    path: '/api/v1/connections/:connection/directory/:kind',
    tag,
    summary: 'Searches users or groups of Entra, live, by the beginning of their names; at most 25.',
    role: 'operator',
    scope: 'configure',
    params: one.extend({ kind: z.enum(['users', 'groups']) }),
    query: z.object({ search: z.string().max(120).default('') }),
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(directoryObject) }) },
    audit: null,
  }),
  getDirectoryGroups: endpoint({
    method: 'POST',
    path: '/api/v1/connections/:connection/directory-groups',
    tag,
    summary: 'The names of groups whose object ids are known; those that Entra does not have are left out.',
    role: 'viewer',
    scope: 'read',
    params: one,
    body: z.object({ objectIds: z.array(z.string()).max(200) }),
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(directoryObject) }) },
    audit: null,
  }),
} as const
